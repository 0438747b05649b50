"""Lists are pages by key, never by offset: {"items": [...], "next": cursor | null}."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel

from shared.errors import Invalid

Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(BaseModel, Generic[Item]):
    """`next` is what to pass as `cursor` for the following page; null at the end."""

    items: list[Item]
    next: str | None = None


class PageRequest(BaseModel):
    limit: int
    after: list[Any] | None = None
    """The sort key of the last row of the page before, as given to `page`."""


def page_request(
    limit: Annotated[int, Query(ge=1, le=1000)] = 50, cursor: str | None = None
) -> PageRequest:
    return PageRequest(limit=limit, after=None if cursor is None else _decode(cursor))


PageQuery = Annotated[PageRequest, Depends(page_request)]


def page(
    rows: Sequence[Row],
    request: PageRequest,
    item: Callable[[Row], Item],
    key: Callable[[Row], list[Any]],
) -> Page[Item]:
    """A page of rows that were selected with `LIMIT request.limit + 1`, in the order of `key`."""
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(items=[item(row) for row in shown], next=_encode(key(shown[-1])) if more else None)


def _encode(key: list[Any]) -> str:
    return urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def _decode(cursor: str) -> list[Any]:
    try:
        decoded = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise Invalid("The cursor is not one of ours; take it from `next` of a page.") from error
    if not isinstance(decoded, list):
        raise Invalid("The cursor is not one of ours; take it from `next` of a page.")
    return decoded
