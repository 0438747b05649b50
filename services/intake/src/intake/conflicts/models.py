"""Conflict checks' rows: one check for each consultation, its hits for each run."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from intake.tables import Instant, Row

State = Literal["clear", "possible", "cleared", "waived"]


class ConflictCheck(Row, table=True):
    """`revision` counts the runs. What a partner decided holds for the run that they saw."""

    __tablename__ = "conflict_checks"
    check_id: UUID = Field(primary_key=True)
    consultation_id: UUID
    client_id: UUID
    revision: int
    names: int
    state: State = Field(sa_type=Text)
    completed_at: datetime = Field(sa_type=Instant)
    decided_by: UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    reasons: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    screened: list[UUID] = Field(default=[], sa_type=ARRAY(Uuid))


class ConflictHit(Row, table=True):
    """A name that was asked and one that was found. `serious`: the two stand on opposite sides."""

    __tablename__ = "conflict_hits"
    hit_id: UUID = Field(primary_key=True)
    check_id: UUID
    revision: int
    asked: str
    asked_role: str
    found: str
    found_role: str
    found_client_id: UUID | None = None
    found_subject_id: UUID
    score: float
    because: str
    serious: bool


class ConflictConsent(Row, table=True):
    """An affected client's informed consent in writing; the file is the evidence."""

    __tablename__ = "conflict_consents"
    check_id: UUID = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    client_id: UUID = Field(primary_key=True)
    file_id: UUID
    given_at: datetime = Field(sa_type=Instant)
