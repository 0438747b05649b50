"""Handovers of everything. `refused` is what could not be handed over, each with the code of why;
it stays where it is until a person decides."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from matters.tables import Instant, Row


class Handover(Row, table=True):
    __tablename__ = "handovers"
    handover_id: UUID = Field(primary_key=True)
    staff_id: UUID
    to_staff_id: UUID
    stand_in_id: UUID | None = None
    total: int
    done: int = 0
    refused: list[dict[str, Any]] = Field(default=[], sa_type=JSONB)
    begun_at: datetime = Field(sa_type=Instant)
    begun_by: UUID
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
