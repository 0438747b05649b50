"""Moving the local platform's clock forward, by a file that every service reads."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from privity.errors import Trouble


def advance(offset_file: Path, duration: str) -> datetime:
    """Add an ISO 8601 duration, such as PT48H, to the offset; the platform's new now.

    Only forward: a clock that goes back would unsay what was told. Raises Trouble.
    """
    try:
        step = TypeAdapter(timedelta).validate_python(duration)
    except ValidationError as error:
        raise Trouble(
            f"{duration!r} is no duration.", "Write it as in ISO 8601: PT48H, P2D."
        ) from error
    if step < timedelta():
        raise Trouble("Time only goes forward.", "`privity down --reset` begins anew.")
    moved = offset(offset_file) + step
    scratch = offset_file.with_suffix(".new")
    scratch.write_text(f"{moved.total_seconds():f}\n")
    scratch.replace(offset_file)
    return datetime.now(UTC) + moved


def offset(offset_file: Path) -> timedelta:
    seconds = offset_file.read_text() if offset_file.exists() else "0"
    return timedelta(seconds=float(seconds))
