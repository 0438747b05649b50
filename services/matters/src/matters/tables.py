"""What the tables of all rooms have in common."""

from uuid import UUID

from sqlalchemy import DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Instant(DateTime):
    """timestamptz: an instant is UTC and never naive."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True)


class Json(JSONB):
    """jsonb in which nothing is NULL, not the JSON word null: constraints speak of NULL."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)


class Row(SQLModel, registry=registry()):
    """Base with metadata of its own: several services may be imported into one process."""


class ClientRow(Row):
    """A row about a client: what it keeps sealed is sealed under that client's key."""

    client_id: UUID
