"""Deadlines of matters as matters last told of them. What they are called stays sealed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from messaging.tables import Instant, Row


class Deadline(Row, table=True):
    __tablename__ = "deadlines"
    deadline_id: UUID = Field(primary_key=True)
    revision: int
    title: dict[str, Any] = Field(sa_type=JSONB)
    due_at: datetime = Field(sa_type=Instant)
    cancelled: bool = False
