"""The clients' rows."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from matters.tables import ClientRow, Instant
from shared.contracts.matters import ClientKind
from shared.ids import new_id

What = Literal["details", "preferences", "representative"]


class Client(ClientRow, table=True):
    """Two clients may share an address: whose mail it is, messaging asks a person."""

    __tablename__ = "clients"
    client_id: UUID = Field(primary_key=True)
    revision: int = 1
    name: str
    email: str
    phone: str | None = None
    time_zone: str
    preferences: dict[str, str] = Field(default={}, sa_type=JSONB)
    kind: ClientKind = Field(default="person", sa_type=Text)
    state: Literal["prospective", "active"] = Field(default="active", sa_type=Text)
    registered_at: datetime = Field(sa_type=Instant)
    merged_into: UUID | None = None  # the entry that stays: one that is merged into nobody


class ClientBefore(ClientRow, table=True):
    """What was known of a client until `changed_at`: their details, how they want to hear, or, with
    `subject_id`, somebody who speaks for them."""

    __tablename__ = "client_history"
    change_id: UUID = Field(default_factory=new_id, primary_key=True)
    what: What = Field(sa_type=Text)
    subject_id: UUID | None = None
    revision: int
    changed_at: datetime = Field(sa_type=Instant)
    changed_by: UUID
    facts: dict[str, Any] = Field(sa_type=JSONB)
