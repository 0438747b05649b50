"""Consultations' rows, and the parties whom they concern."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from intake.names.rules import Kind
from intake.tables import Instant, Row
from shared.contracts.intake import ConsultationChannel, Source

State = Literal["requested", "scheduled", "held", "declined"]
PartyRole = Literal["client", "related", "adverse"]


class Consultation(Row, table=True):
    """`note` and `reasons` are sealed. After `erase_at` only what conflict checks need is left."""

    __tablename__ = "consultations"
    consultation_id: UUID = Field(primary_key=True)
    client_id: UUID
    known_client: bool = False
    source: Source = Field(sa_type=Text)
    state: State = Field(default="requested", sa_type=Text)
    kind: Kind = Field(sa_type=Text)
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    time_zone: str
    practice_area: str
    point_of_contact_id: UUID | None = None
    taken_by: UUID | None = None
    requested_at: datetime = Field(sa_type=Instant)
    sequence: int = 0
    staff_id: UUID | None = None
    starts_at: datetime | None = Field(default=None, sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    channel: ConsultationChannel | None = Field(default=None, sa_type=Text)
    place: str | None = None
    held_at: datetime | None = Field(default=None, sa_type=Instant)
    note: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    declined_at: datetime | None = Field(default=None, sa_type=Instant)
    declined_by: str | None = None
    reasons: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    erase_at: datetime | None = Field(default=None, sa_type=Instant)
    erased_at: datetime | None = Field(default=None, sa_type=Instant)


class Party(Row, table=True):
    """Somebody whom a consultation concerns; who asked is the first, in the role of client."""

    __tablename__ = "parties"
    party_id: UUID = Field(primary_key=True)
    consultation_id: UUID
    role: PartyRole = Field(sa_type=Text)
    kind: Kind = Field(sa_type=Text)
    name: str
    also: list[str] = Field(sa_type=ARRAY(Text))
    added_at: datetime = Field(sa_type=Instant)
