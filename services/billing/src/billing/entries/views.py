"""What people say of a piece of work or a cost, and what they read of it."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from billing.entries import rules
from billing.entries.models import Entry, Timer
from billing.terms.rules import PhaseCode
from billing.utbms import ActivityCode, ExpenseCode, TaskCode
from billing.values import Amount, Day, MoneyShown, Prose, maybe_shown
from shared.contracts import Sealed
from shared.contracts.billing import EntryState
from shared.keyring import unseal

Minutes = Annotated[int, Field(ge=1, le=1440)]
MAX_RECEIPT = 2 * 1024 * 1024


class TimeSaid(BaseModel):
    """`worked_on` is a day of the firm's zone; with `started_at` it follows from it."""

    model_config = ConfigDict(extra="forbid")
    minutes: Minutes
    narrative: Prose
    worked_on: Day | None = None
    started_at: AwareDatetime | None = None
    task_code: TaskCode | None = None
    activity_code: ActivityCode | None = None
    emergency: bool = False


class NewTime(TimeSaid):
    """`staff_id`: whose work; without it, the caller's own."""

    matter_id: UUID
    staff_id: UUID | None = None


class Receipt(BaseModel):
    """The file itself, base64, at most 2 MiB; it is kept sealed."""

    model_config = ConfigDict(extra="forbid")
    media_type: Literal["application/pdf", "image/jpeg", "image/png"]
    content: Annotated[Base64Bytes, Field(max_length=MAX_RECEIPT)]


class NewExpense(BaseModel):
    model_config = ConfigDict(extra="forbid")
    matter_id: UUID
    incurred_on: Day
    cost: Amount
    narrative: Prose
    expense_code: ExpenseCode | None = None
    staff_id: UUID | None = None
    receipt: Receipt | None = None


class NewFee(BaseModel):
    """A flat fee whose phase is done."""

    model_config = ConfigDict(extra="forbid")
    matter_id: UUID
    phase: PhaseCode
    staff_id: UUID | None = None


class Correction(TimeSaid):
    """Everything anew, and why. The version before stays readable."""

    reason: Prose


class ExactAcceptance(BaseModel):
    """By the client: the version and the amount that they were shown."""

    model_config = ConfigDict(extra="forbid")
    version: Annotated[int, Field(ge=1)]
    cost: Amount


class Reason(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Prose


class NewTimer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    matter_id: UUID


class Stopped(BaseModel):
    model_config = ConfigDict(extra="forbid")
    narrative: Prose
    task_code: TaskCode | None = None
    activity_code: ActivityCode | None = None
    emergency: bool = False


class TimerShown(BaseModel):
    id: UUID
    matter_id: UUID
    staff_id: UUID
    started_at: datetime


class Missing(BaseModel):
    """What a draft needs before it can be billed."""

    code: str
    explanation: str


class EntryShown(BaseModel):
    """`cost` is what it costs, or would cost while it is a draft; null where no rate is known.
    `flags` are doubts about the narrative."""

    id: UUID
    kind: Literal["time", "expense", "fee"]
    version: int
    client_id: UUID
    matter_id: UUID
    staff_id: UUID
    state: EntryState
    missing: list[Missing]
    worked_on: date
    started_at: datetime | None
    minutes: int | None
    billed_minutes: int | None
    rate: MoneyShown | None
    cost: MoneyShown | None
    task_code: str | None
    activity_code: str | None
    expense_code: str | None
    phase: str | None
    narrative: str
    flags: list[str]
    emergency: bool
    beyond_agreed: bool
    overridden: bool
    has_receipt: bool
    invoice_id: UUID | None
    cause: str
    reason: str | None
    changed_at: datetime


def entry_shown(session: AsyncSession, entry: Entry) -> EntryShown:
    facts = entry.model_dump(include=set(EntryShown.model_fields))
    reason = unseal(session, Sealed.model_validate(entry.reason)) if entry.reason else None
    missing = [Missing(code=one, explanation=rules.EXPLAINED[one]) for one in entry.missing]
    return EntryShown.model_validate(
        facts
        | {
            "id": entry.entry_id,
            "missing": missing,
            "rate": maybe_shown(entry.rate, entry.currency),
            "cost": maybe_shown(entry.amount, entry.currency),
            "narrative": unseal(session, Sealed.model_validate(entry.narrative)),
            "reason": reason,
            "has_receipt": entry.receipt is not None,
        }
    )


def timer_shown(timer: Timer) -> TimerShown:
    facts = timer.model_dump(include=set(TimerShown.model_fields))
    return TimerShown(id=timer.timer_id, **facts)
