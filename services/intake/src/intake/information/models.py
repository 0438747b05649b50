"""Checklists by version, requests, and their items."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from intake.tables import Instant, Row

Kind = Literal["document", "fact", "timeline", "proceeding"]
State = Literal["open", "provided", "waived"]


class Checklist(Row, table=True):
    """One version for a practice area, never changed."""

    __tablename__ = "checklists"
    checklist: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    practice_area: str
    items: list[dict[str, Any]] = Field(sa_type=JSONB)
    published_at: datetime = Field(sa_type=Instant)
    published_by: UUID


class InformationRequest(Row, table=True):
    """`remind_at` is null when nothing is open any more."""

    __tablename__ = "information_requests"
    request_id: UUID = Field(primary_key=True)
    consultation_id: UUID
    client_id: UUID
    checklist: str
    checklist_version: int
    name: str
    email: str
    requested_by: UUID
    requested_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    remind_at: datetime | None = Field(default=None, sa_type=Instant)
    reminders: int = 0


class InformationItem(Row, table=True):
    """`asked`, `answer` and `reasons` are sealed; without a `due_at` it is the request's."""

    __tablename__ = "information_items"
    item_id: UUID = Field(primary_key=True)
    request_id: UUID
    position: int
    kind: Kind = Field(sa_type=Text)
    asked: dict[str, Any] = Field(sa_type=JSONB)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    state: State = Field(default="open", sa_type=Text)
    file_id: UUID | None = None
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    waived_by: UUID | None = None
    reasons: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
