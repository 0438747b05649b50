"""Deadlines of matters as matters last told of them, and what updates tell of. What a deadline is
called stays sealed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from messaging.tables import Instant, Row


class Deadline(Row, table=True):
    """`cancelled` also when it was met: nobody is reminded of it."""

    __tablename__ = "deadlines"
    deadline_id: UUID = Field(primary_key=True)
    revision: int
    title: dict[str, Any] = Field(sa_type=JSONB)
    due_at: datetime = Field(sa_type=Instant)
    cancelled: bool = False


class UpdateTelling(Row, table=True):
    """An update tells of a milestone, a development or a deadline."""

    __tablename__ = "update_tellings"
    update_id: UUID = Field(primary_key=True)
    happening_id: UUID


class RevertedHappening(Row, table=True):
    __tablename__ = "reverted_happenings"
    happening_id: UUID = Field(primary_key=True)
