"""Concerns, the lines that they dispute, and the promise that runs for them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from billing.tables import Instant, Row


class BillingConcern(Row, table=True):
    """raised → acknowledged → answered → resolved. `disputed` is the contested amount, `apart` what
    of it is set apart in trust; `text`, `answer`, `conclusion` and `settlement` are sealed. What
    ended as a dispute is settled later. `message_id` is the client's message that it was read
    from."""

    __tablename__ = "billing_concerns"
    concern_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID
    invoice_id: UUID | None = None
    lines: list[int] = Field(sa_type=ARRAY(Integer))
    kind: str
    channel: str
    state: str = "raised"
    disputed: int = 0
    apart: int = 0
    currency: str | None = None
    owner_id: UUID | None = None
    text: dict[str, Any] = Field(sa_type=JSONB)
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    outcome: str | None = None
    conclusion: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    credit_note_id: UUID | None = None
    arbitration_form: str | None = None
    arbitration_until: date | None = None
    message_id: UUID | None = None
    raised_by: UUID
    raised_at: datetime = Field(sa_type=Instant)
    acknowledged_at: datetime | None = Field(default=None, sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
    settlement: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)


class DisputedLine(Row, table=True):
    __tablename__ = "disputed_lines"
    invoice_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    concern_id: UUID


class ConcernClock(Row, table=True):
    """By when the client was promised an answer, as sla-monitor last said."""

    __tablename__ = "concern_clocks"
    concern_id: UUID = Field(primary_key=True)
    revision: int
    target_at: datetime = Field(sa_type=Instant)
    limit_at: datetime = Field(sa_type=Instant)


class BillQuestion(Row, table=True):
    """A client's message in the conversation of a matter's bills: a person makes it a concern, or
    dismisses it. `invoice_id` is the newest bill that they had then."""

    __tablename__ = "bill_questions"
    message_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID
    invoice_id: UUID | None = None
    received_at: datetime = Field(sa_type=Instant)
    concern_id: UUID | None = None
    dismissed_at: datetime | None = Field(default=None, sa_type=Instant)
