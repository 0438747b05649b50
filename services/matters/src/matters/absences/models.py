"""Planned absences. Why somebody is away is not kept."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from matters.tables import Instant, Row


class Absence(Row, table=True):
    __tablename__ = "absences"
    absence_id: UUID = Field(primary_key=True)
    revision: int = 1
    staff_id: UUID
    stand_in_id: UUID
    from_at: datetime = Field(sa_type=Instant)
    until_at: datetime = Field(sa_type=Instant)
    planned_by: UUID
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)
