"""Closings. `reason` is sealed; `given_up` names what was left open, each with a sealed reason."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from matters.tables import ClientRow, Instant, Json


class Closing(ClientRow, table=True):
    """Without `file_handover_id` the file is among what was given up."""

    __tablename__ = "closings"
    matter_id: UUID = Field(primary_key=True)
    reason: dict[str, Any] = Field(sa_type=Json)
    given_up: list[dict[str, Any]] = Field(sa_type=Json)
    file_handover_id: UUID | None = None
    closed_by: UUID
    closed_at: datetime = Field(sa_type=Instant)
