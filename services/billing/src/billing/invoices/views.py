"""What people say of invoices, and what they read of them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices import queries
from billing.invoices.models import CreditNote, Invoice, InvoiceLine
from billing.values import Amount, Day, MoneyShown, Percent, Prose, shown
from shared.contracts import Sealed
from shared.keyring import unseal

State = Literal["draft", "approved", "issued", "discarded"]
LineNumber = Annotated[int, Field(ge=1, le=100_000)]


class NewInvoice(BaseModel):
    """All that is billable up to `period_to`; `approver_id` is who must approve it."""

    model_config = ConfigDict(extra="forbid")
    matter_id: UUID
    approver_id: UUID
    period_to: Day
    period_from: Day | None = None


class WriteDown(BaseModel):
    model_config = ConfigDict(extra="forbid")
    line: LineNumber
    less: Amount
    reason: Prose


class Discount(BaseModel):
    """Of the whole: an amount or a percentage of fees and expenses."""

    model_config = ConfigDict(extra="forbid")
    less: Amount | None = None
    percent: Percent | None = None
    reason: Prose

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.less is None) == (self.percent is None):
            raise ValueError("give either less or percent")
        return self


class CreditedLine(BaseModel):
    model_config = ConfigDict(extra="forbid")
    line: LineNumber
    amount: Amount


class NewCredit(BaseModel):
    """Amounts with tax, by the lines' numbers."""

    model_config = ConfigDict(extra="forbid")
    lines: Annotated[list[CreditedLine], Field(min_length=1, max_length=1000)]
    reason: Prose


class LineShown(BaseModel):
    number: int
    kind: Literal["F", "E", "IF", "IE"]
    entry_id: UUID | None
    worked_on: date
    units: Decimal
    unit_cost: MoneyShown
    adjustment: MoneyShown
    total: MoneyShown
    tax: MoneyShown
    credited: MoneyShown
    disputed: bool
    task_code: str | None
    activity_code: str | None
    expense_code: str | None
    staff_id: UUID | None
    narrative: str
    reason: str | None


class CreditShown(BaseModel):
    id: UUID
    number: str
    total: MoneyShown
    lines: dict[str, int]
    reason: str
    issued_at: datetime


class InvoiceSummary(BaseModel):
    """`open` is what is owed now: total and penalties, less what was paid and credited."""

    id: UUID
    number: str | None
    state: State
    client_id: UUID
    matter_id: UUID
    period_from: date
    period_to: date
    approver_id: UUID
    fees: MoneyShown
    expenses: MoneyShown
    adjustments: MoneyShown
    tax: MoneyShown
    total: MoneyShown
    penalties: MoneyShown
    paid: MoneyShown
    credited: MoneyShown
    disputed: MoneyShown
    open: MoneyShown
    issued_at: datetime | None
    due_on: date | None


class InvoiceShown(InvoiceSummary):
    revision: int
    approved_by: UUID | None
    lines: list[LineShown]
    credit_notes: list[CreditShown]


class FindingShown(BaseModel):
    """What a receiver would refuse, in which record of the file (1 is its first line)."""

    code: str
    record: int
    detail: str


async def invoice_shown(session: AsyncSession, invoice: Invoice) -> InvoiceShown:
    lines = await queries.lines(session, invoice.invoice_id)
    notes = await queries.credit_notes(session, invoice.invoice_id)
    return InvoiceShown(
        **summary(invoice).model_dump(),
        revision=invoice.revision,
        approved_by=invoice.approved_by,
        lines=[_line(session, one, invoice.currency) for one in lines],
        credit_notes=[credit_shown(session, one, invoice.currency) for one in notes],
    )


_AMOUNTS = (
    "fees", "expenses", "adjustments", "tax", "total", "penalties", "paid", "credited", "disputed",
    "open",
)  # fmt: skip


def summary(invoice: Invoice) -> InvoiceSummary:
    facts = invoice.model_dump(include=set(InvoiceSummary.model_fields))
    amounts = {name: shown(facts[name] or 0, invoice.currency) for name in _AMOUNTS}
    return InvoiceSummary.model_validate(facts | amounts | {"id": invoice.invoice_id})


def _line(session: AsyncSession, line: InvoiceLine, currency: str) -> LineShown:
    facts = line.model_dump(include=set(LineShown.model_fields))
    names = ("unit_cost", "adjustment", "total", "tax", "credited")
    amounts = {name: shown(facts[name], currency) for name in names}
    words = {"narrative": unseal(session, Sealed.model_validate(line.narrative))}
    reason = unseal(session, Sealed.model_validate(line.reason)) if line.reason else None
    return LineShown.model_validate(facts | amounts | words | {"reason": reason})


def credit_shown(session: AsyncSession, note: CreditNote, currency: str) -> CreditShown:
    facts = note.model_dump(include={"number", "lines", "issued_at"})
    reason = unseal(session, Sealed.model_validate(note.reason))
    total = shown(note.total, currency)
    return CreditShown(id=note.credit_note_id, total=total, reason=reason, **facts)
