"""Assessments; each version stands as it was shared. `content` is sealed."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from matters.tables import ClientRow, Instant

Channel = Literal["portal", "email", "letter", "phone", "in_person", "video"]


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
    channel: Channel | None = Field(default=None, sa_type=Text)
    writing_id: UUID | None = None
    recorded_by: UUID | None = None
