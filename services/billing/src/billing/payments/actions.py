"""Record money that arrived, and charge what was agreed for its being late.

The invoice is locked by whoever calls: of two payments at once the second sees what is still open.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing import money
from billing.directory import queries as directory
from billing.directory.models import BilledMatter
from billing.invoices import actions as invoices
from billing.invoices.actions import TooMuch, WrongState
from billing.invoices.models import Invoice
from billing.ledger import actions as ledger
from billing.ledger import queries as balances
from billing.ledger import rules as books
from billing.payments import rules
from billing.payments.models import LatePenalty, OwedChange, Payment
from shared import clock
from shared.contracts.billing import (
    LatePenaltyCharged,
    PaymentReceived,
    PaymentReversed,
    Posting,
    TrustApplied,
    TrustDeposited,
)
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class AlreadyReversed(Refusal):
    """The payment was reversed before: what it had paid is owed again already."""


class NothingToCharge(Refusal):
    """By the terms disclosed nothing more is due for this invoice's being late."""


async def receive(
    session: AsyncSession, invoice: Invoice, amount: int, method: str, received_on: date, by: UUID
) -> Payment:
    """Raises TooMuch: what is more than owed is the client's, and belongs in trust."""
    _refuse_unless_owed(invoice, amount, invoice.open or 0)
    await _refuse_future(session, received_on)
    payment = Payment(
        payment_id=new_id(),
        amount=amount,
        method=method,
        received_on=received_on,
        recorded_by=by,
        recorded_at=clock.now(),
        **invoice.model_dump(include={"invoice_id", "client_id", "matter_id", "currency"}),
    )
    session.add(payment)
    cause = payment.payment_id
    await _pay(session, invoice, "payment", books.paid(amount), amount, cause, received_on, by)
    told = payment.model_dump() | {"open_after": _open(invoice)}
    emit(session, PaymentReceived.model_validate(told))
    return payment


async def reverse(
    session: AsyncSession, invoice: Invoice, payment: Payment, reason: str, by: UUID
) -> Payment:
    """It came back: owed again from today on. Raises AlreadyReversed."""
    if payment.reversed_at is not None:
        raise AlreadyReversed("The payment was reversed already.")
    payment.reversed_at = clock.now()
    today = await directory.today(session)
    back = books.payment_returned(payment.amount)
    cause = payment.payment_id
    await _pay(session, invoice, "payment_reversal", back, -payment.amount, cause, today, by)
    sealed = seal(session, invoice.client_id, new_id(), "payment", "reason", reason)
    told = payment.model_dump() | {"open_after": _open(invoice), "reason": sealed}
    emit(session, PaymentReversed.model_validate(told))
    return payment


async def deposit(
    session: AsyncSession, matter: BilledMatter, amount: int, currency: str, day: date, by: UUID
) -> UUID:
    """The client's own money, until it is applied to an invoice or given back."""
    await _refuse_future(session, day)
    deposit_id = new_id()
    await _move(session, matter, "trust_deposit", books.deposited(amount), currency, day,
                deposit_id, by)  # fmt: skip
    emit(
        session,
        TrustDeposited(
            deposit_id=deposit_id,
            client_id=matter.client_id,
            matter_id=matter.matter_id,
            currency=currency,
            amount=amount,
            balance_after=await balances.in_trust(session, matter.matter_id, currency),
            received_on=day,
            recorded_at=clock.now(),
        ),
    )
    return deposit_id


async def refund(
    session: AsyncSession, matter: BilledMatter, amount: int, currency: str, by: UUID
) -> UUID:
    """What was not earned goes back to the client (Rule 1.16(d)). Raises TrustTooLow."""
    refund_id, today = new_id(), await directory.today(session)
    await _move(session, matter, "trust_refund", books.refunded(amount), currency, today,
                refund_id, by)  # fmt: skip
    return refund_id


async def apply(session: AsyncSession, invoice: Invoice, amount: int, by: UUID) -> UUID:
    """Pay an issued invoice from the client's money for the same matter: never what is disputed
    (Rule 1.15(e)). Raises TooMuch, TrustTooLow."""
    _refuse_unless_owed(invoice, amount, (invoice.open or 0) - invoice.disputed)
    application_id, today = new_id(), await directory.today(session)
    await _pay(session, invoice, "trust_application", books.applied(amount), amount,
               application_id, today, by)  # fmt: skip
    emit(
        session,
        TrustApplied(
            application_id=application_id,
            amount=amount,
            balance_after=await balances.in_trust(session, invoice.matter_id, invoice.currency),
            open_after=_open(invoice),
            applied_at=clock.now(),
            **invoice.model_dump(include={"invoice_id", "client_id", "matter_id", "currency"}),
        ),
    )
    return application_id


async def charge_penalty(session: AsyncSession, invoice: Invoice, by: UUID) -> LatePenalty:
    """All that has accrued up to today and was not charged yet. Raises NothingToCharge."""
    today = await directory.today(session)
    amount = await penalty_due(session, invoice, today)
    if amount <= 0:
        raise NothingToCharge("By the terms disclosed nothing more is due for being late.")
    penalty = LatePenalty(
        invoice_id=invoice.invoice_id,
        through=today,
        penalty_id=new_id(),
        amount=amount,
        charged_at=clock.now(),
    )
    added = await session.execute(
        insert(LatePenalty)
        .values(penalty.model_dump())
        .on_conflict_do_nothing()
        .returning(col(LatePenalty.penalty_id))
    )
    if added.one_or_none() is None:
        raise NothingToCharge("It was charged up to today already.")
    invoice.penalties += amount
    posted = books.penalised(amount)
    await invoices.book(session, invoice, "late_penalty", posted, penalty.penalty_id, by)
    facts = invoice.model_dump(include={"client_id", "matter_id", "currency"})
    told = penalty.model_dump() | facts | {"open_after": _open(invoice)}
    emit(session, LatePenaltyCharged.model_validate(told))
    return penalty


async def penalty_due(session: AsyncSession, invoice: Invoice, through: date) -> int:
    """What could be charged now; never less than nothing, and nothing without agreed terms."""
    if invoice.penalty_percent is None or invoice.due_on is None:
        return 0
    changes = await session.execute(
        select(col(OwedChange.day), col(OwedChange.change)).where(
            col(OwedChange.invoice_id) == invoice.invoice_id
        )
    )
    whole = rules.accrued(
        [(day, change) for day, change in changes],
        due_on=invoice.due_on,
        grace_days=invoice.grace_days or 0,
        annual_percent=invoice.penalty_percent,
        through=through,
    )
    return max(whole - invoice.penalties, 0)


async def _pay(
    session: AsyncSession,
    invoice: Invoice,
    kind: books.Kind,
    postings: list[Posting],
    amount: int,
    cause_id: UUID,
    day: date,
    by: UUID,
) -> None:
    invoice.paid += amount
    await session.flush()
    await invoices.book(session, invoice, kind, postings, cause_id, by, day)
    await invoices.owe(session, invoice, -amount, day)


async def _move(
    session: AsyncSession,
    matter: BilledMatter,
    kind: books.Kind,
    postings: list[Posting],
    currency: str,
    day: date,
    cause_id: UUID,
    by: UUID,
) -> None:
    await ledger.post(
        session,
        kind,
        postings,
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        currency=currency,
        occurred_on=day,
        cause_id=cause_id,
        by=by,
    )


def _open(invoice: Invoice) -> int:
    return invoice.total + invoice.penalties - invoice.paid - invoice.credited


def _refuse_unless_owed(invoice: Invoice, amount: int, left: int) -> None:
    if invoice.state != "issued":
        raise WrongState("Only an issued invoice is paid.")
    if amount > left:
        raise TooMuch(f"Only {money.spoken(left, invoice.currency)} can be paid on it.")


async def _refuse_future(session: AsyncSession, day: date) -> None:
    if day > await directory.today(session):
        raise Invalid("Money is recorded when it has arrived, not before.")
