"""Payments, as people record them."""

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
