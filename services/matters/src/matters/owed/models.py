"""Clocks as matters last heard of them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from matters.tables import ClientRow, Instant

State = Literal["running", "paused", "breached", "met", "cancelled"]


class Owed(ClientRow, table=True):
    """`subject_id` is what it is of: a conversation, a matter, a decision."""

    __tablename__ = "owed"
    clock_id: UUID = Field(primary_key=True)
    matter_id: UUID | None = None
    subject_id: UUID
    kind: str
    state: State = Field(default="running", sa_type=Text)
    revision: int = 1
    opened_at: datetime = Field(sa_type=Instant)
    target_at: datetime = Field(sa_type=Instant)
    limit_at: datetime = Field(sa_type=Instant)
    prompted_at: datetime | None = Field(default=None, sa_type=Instant)
    breached_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
