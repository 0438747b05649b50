"""The one source of "now": UTC, plus the offset by which the local profile's clock was moved.

Token expiry, checkpoints, locks and time-outs stay real: they use time.time() and the database.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_offset_file: Path | None = None
_seen: tuple[int, timedelta] = (0, timedelta())


def follow(offset_file: Path | None) -> None:
    """Obey the offset in this file from now on (local profile only): seconds, as a decimal
    number."""
    global _offset_file, _seen
    _offset_file, _seen = offset_file, (0, timedelta())


def offset() -> timedelta:
    global _seen
    if _offset_file is None:
        return timedelta()
    try:
        changed = _offset_file.stat().st_mtime_ns
    except FileNotFoundError:
        return timedelta()
    if changed != _seen[0]:
        _seen = (changed, timedelta(seconds=float(_offset_file.read_text().strip() or 0)))
    return _seen[1]


def now() -> datetime:
    return datetime.now(UTC) + offset()


async def database_now(session: AsyncSession) -> datetime:
    """The database's instant: the same for all replicas of a service, whatever their own clocks
    say."""
    instant: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return instant + offset()
