"""Lists are pages by key, never by offset: {"items": [...], "next": cursor | null}."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar, TypeVarTuple
from uuid import UUID

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel
from sqlalchemy import Select
from sqlmodel import col

from shared.errors import Invalid

Item = TypeVar("Item")
Row = TypeVar("Row")
Columns = TypeVarTuple("Columns")


class Page(BaseModel, Generic[Item]):
    """`next` is what to pass as `cursor` for the following page; null at the end."""

    items: list[Item]
    next: str | None = None


class PageRequest(BaseModel):
    limit: int
    after: list[Any] | None = None
    """The sort key of the last row of the page before, as given to `page`."""

    def after_id(self) -> UUID | None:
        """The sort key where it is one id; None for the first page. Raises Invalid: a cursor of
        another list decodes to something else."""
        if self.after is None:
            return None
        try:
            (last,) = self.after
            return UUID(last)
        except (ValueError, TypeError, AttributeError) as error:
            raise Invalid("The cursor is not of this list; take it from its `next`.") from error


def page_request(
    limit: Annotated[int, Query(ge=1, le=1000)] = 50, cursor: str | None = None
) -> PageRequest:
    return PageRequest(limit=limit, after=None if cursor is None else _decode(cursor))


PageQuery = Annotated[PageRequest, Depends(page_request)]


def one_page(wanted: Select[*Columns], key: UUID, request: PageRequest) -> Select[*Columns]:
    """In the order of the key, which is that of making, from where the last page ended; one row
    more than a page, so that `page` knows whether there is another."""
    if (last := request.after_id()) is not None:
        wanted = wanted.where(col(key) > last)
    return wanted.order_by(col(key)).limit(request.limit + 1)


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
