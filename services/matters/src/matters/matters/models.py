"""The matters' rows. Why one was opened stands on the record, sealed, and not here."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from matters.tables import Instant, Row


class Matter(Row, table=True):
    __tablename__ = "matters"
    matter_id: UUID = Field(primary_key=True)
    client_id: UUID
    number: str
    title: str
    practice_area: str
    opened_at: datetime = Field(sa_type=Instant)
    team_revision: int = 0
