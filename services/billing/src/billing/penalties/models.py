"""Penalties that were charged or taken back, and what they are counted from."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from billing.tables import Instant, Row


class LatePenalty(Row, table=True):
    """What was charged on top of all before it, or, negative, taken back; counted up to and
    including `through`."""

    __tablename__ = "late_penalties"
    penalty_id: UUID = Field(primary_key=True)
    invoice_id: UUID
    through: date
    amount: int
    charged_at: datetime = Field(sa_type=Instant)


class OwedChange(Row, table=True):
    """By how much what is owed and undisputed changed on a day."""

    __tablename__ = "owed_changes"
    invoice_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    change: int
