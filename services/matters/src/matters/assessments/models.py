"""Assessments; each version stands as it was shared. `content` is sealed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from matters.tables import ClientRow, Instant


class Assessment(ClientRow, table=True):
    __tablename__ = "assessments"
    assessment_id: UUID = Field(primary_key=True)
    matter_id: UUID
    version: int
    content: dict[str, Any] = Field(sa_type=JSONB)
    shared_by: UUID
    shared_at: datetime = Field(sa_type=Instant)
    acknowledged_by: UUID | None = None
    acknowledged_at: datetime | None = Field(default=None, sa_type=Instant)
