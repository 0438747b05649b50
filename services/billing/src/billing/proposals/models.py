"""Proposals: who did what when, as the record has it, and what became of it."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from billing.tables import Instant, Row


class TimeProposal(Row, table=True):
    __tablename__ = "time_proposals"
    proposal_id: UUID = Field(primary_key=True)
    source: str
    client_id: UUID
    matter_id: UUID
    staff_id: UUID
    activity_code: str
    happened_at: datetime = Field(sa_type=Instant)
    entry_id: UUID | None = None
    dismissed_at: datetime | None = Field(default=None, sa_type=Instant)
