"""The matters' rows. Why one was opened stands on the record, sealed, and not here."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from matters.tables import ClientRow, Instant


class Matter(ClientRow, table=True):
    """`cadence_days`: how often the client hears of it at least; None is the firm's policy."""

    __tablename__ = "matters"
    matter_id: UUID = Field(primary_key=True)
    number: str
    title: str
    practice_area: str
    opened_at: datetime = Field(sa_type=Instant)
    engagement_id: UUID | None = None
    team_revision: int = 0
    parties_revision: int = 0
    cadence_days: int | None = None
    cadence_revision: int = 0
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
