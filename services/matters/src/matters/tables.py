"""What the tables of all rooms have in common."""

from uuid import UUID

from sqlalchemy import DateTime
from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Instant(DateTime):
    """timestamptz: an instant is UTC and never naive."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True)


class Row(SQLModel, registry=registry()):
    """Base with metadata of its own: several services may be imported into one process."""


class ClientRow(Row):
    """A row about a client: what it keeps sealed is sealed under that client's key."""

    client_id: UUID
