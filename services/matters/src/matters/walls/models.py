"""Walls. Why one stands is on the record, sealed, and not here."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid
from sqlmodel import Field

from matters.tables import ClientRow, Instant
from shared.contracts.matters import WallKind


class Wall(ClientRow, table=True):
    """Around the matter, or, without one, around the client and all matters of theirs. One around a
    matter of joint clients may stand for (`stands_for`) the wall around one of them, and one around
    an entry of a client for the wall around another of their entries."""

    __tablename__ = "walls"
    wall_id: UUID = Field(primary_key=True)
    matter_id: UUID | None = None
    kind: WallKind = Field(sa_type=Text)
    staff_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    raised_at: datetime = Field(sa_type=Instant)
    raised_by: UUID
    lowered_at: datetime | None = Field(default=None, sa_type=Instant)
    lowered_by: UUID | None = None
    stands_for: UUID | None = None
