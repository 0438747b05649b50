"""What the tables of all rooms have in common, and how a list of their rows is paged."""

from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import DateTime, Select
from sqlalchemy.orm import registry
from sqlmodel import SQLModel, col

from shared.errors import Invalid
from shared.pages import PageRequest

Columns = TypeVarTuple("Columns")


class Instant(DateTime):
    """timestamptz: an instant is UTC and never naive."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True)


class Row(SQLModel, registry=registry()):
    """Base with metadata of its own: several services may be imported into one process."""


def one_page(wanted: Select[*Columns], key: UUID, request: PageRequest) -> Select[*Columns]:
    """In the order of the key, which is that of registration, from where the last page ended."""
    if request.after is not None:
        try:
            (last,) = request.after
            wanted = wanted.where(col(key) > UUID(last))
        except (ValueError, TypeError, AttributeError) as error:
            raise Invalid("The cursor is not of this list; take it from its `next`.") from error
    return wanted.order_by(col(key)).limit(request.limit + 1)
