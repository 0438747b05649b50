"""ETag and If-Match on what people edit (RFC 9110 §13.1.1): nobody overwrites what they did not
see."""

from typing import Annotated

from fastapi import Header

from shared.errors import PreconditionFailed

IfMatch = Annotated[
    str | None, Header(description="the ETag that was read; another is newest: 412")
]


def etag(version: object) -> str:
    return f'"{version}"'


def check(if_match: str | None, version: object | None) -> None:
    """Raises PreconditionFailed unless nothing is asked or the version is as asked; None is a
    thing that does not exist yet."""
    if if_match is None:
        return
    asked = {one.strip() for one in if_match.split(",")}
    if version is None or not asked & {"*", etag(version)}:
        raise PreconditionFailed("It was changed since: read it, then write again.")
