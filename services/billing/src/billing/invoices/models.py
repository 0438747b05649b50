"""Invoices and their lines, credit notes, and what each receiver of LEDES wants."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.tables import Instant, Row


class Invoice(Row, table=True):
    """draft → approved → issued, or discarded. What is issued stays: only what is paid, credited,
    charged or disputed moves. `open` is total + penalties − paid − credited; on `penalty_on` the
    ticker looks at it next."""

    __tablename__ = "invoices"
    invoice_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID
    revision: int = 1
    number: str | None = None
    state: str = "draft"
    currency: str
    approver_id: UUID
    period_from: date
    period_to: date
    fees: int = 0
    expenses: int = 0
    adjustments: int = 0
    tax: int = 0
    tax_percent: Decimal = Field(sa_type=Numeric)
    total: int = 0
    penalties: int = 0
    paid: int = 0
    credited: int = 0
    disputed: int = 0
    open: int | None = Field(
        default=None,
        sa_column_args=[Computed("total + penalties - paid - credited", persisted=True)],
    )
    payment_days: int
    penalty_percent: Decimal | None = Field(default=None, sa_type=Numeric)
    grace_days: int | None = None
    penalty_on: date | None = None
    drafted_by: UUID
    drafted_at: datetime = Field(sa_type=Instant)
    approved_by: UUID | None = None
    approved_at: datetime | None = Field(default=None, sa_type=Instant)
    issued_at: datetime | None = Field(default=None, sa_type=Instant)
    issued_on: date | None = None
    due_on: date | None = None
    content_id: UUID | None = None


class InvoiceLine(Row, table=True):
    """`total` = units × unit cost + adjustment, rounded to the minor unit; `tax` is its share of
    the invoice's. `narrative` is the entry's own seal, `reason` why it was adjusted. A line
    that `is_cap` keeps fees within their agreed limit, and is counted anew with each change."""

    __tablename__ = "invoice_lines"
    invoice_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    kind: str
    fixed: bool = False
    entry_id: UUID | None = None
    worked_on: date
    units: Decimal = Field(sa_type=Numeric)
    unit_cost: int
    adjustment: int = 0
    total: int
    tax: int = 0
    task_code: str | None = None
    activity_code: str | None = None
    expense_code: str | None = None
    staff_id: UUID | None = None
    narrative: dict[str, Any] = Field(sa_type=JSONB)
    reason: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    is_cap: bool = False
    credited: int = 0
    disputed: bool = False


class CreditNote(Row, table=True):
    """`lines` are the amounts credited by line number, tax included."""

    __tablename__ = "credit_notes"
    credit_note_id: UUID = Field(primary_key=True)
    invoice_id: UUID
    number: str
    total: int
    lines: dict[str, int] = Field(sa_type=JSONB)
    reason: dict[str, Any] = Field(sa_type=JSONB)
    issued_by: UUID
    issued_at: datetime = Field(sa_type=Instant)


class ReceiverProfile(Row, table=True):
    """`profile` is a LedesProfile: how this client's system wants its invoices."""

    __tablename__ = "ledes_profiles"
    client_id: UUID = Field(primary_key=True)
    revision: int = 1
    profile: dict[str, Any] = Field(sa_type=JSONB)
