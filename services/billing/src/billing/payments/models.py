"""Payments, as people record them, and penalties that were charged."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from billing.tables import Instant, Row


class Payment(Row, table=True):
    __tablename__ = "payments"
    payment_id: UUID = Field(primary_key=True)
    invoice_id: UUID
    client_id: UUID
    matter_id: UUID
    currency: str
    amount: int
    method: str
    received_on: date
    recorded_by: UUID
    recorded_at: datetime = Field(sa_type=Instant)
    reversed_at: datetime | None = Field(default=None, sa_type=Instant)


class LatePenalty(Row, table=True):
    """Once for each invoice and day up to which it was counted."""

    __tablename__ = "late_penalties"
    invoice_id: UUID = Field(primary_key=True)
    through: date = Field(primary_key=True)
    penalty_id: UUID
    amount: int
    charged_at: datetime = Field(sa_type=Instant)


class OwedChange(Row, table=True):
    """By how much what is owed and undisputed changed on a day."""

    __tablename__ = "owed_changes"
    invoice_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    change: int
