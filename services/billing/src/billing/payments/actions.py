"""Record money that arrived for invoices.

The invoice is locked by whoever calls: of two payments at once the second sees what is still open.
"""

from collections.abc import Callable
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing import money
from billing.directory import queries as directory
from billing.invoices import booking
from billing.invoices.models import Invoice
from billing.invoices.rules import TooMuch, WrongState
from billing.ledger import rules as books
from billing.payments.models import Payment
from billing.penalties import actions as penalties
from shared import clock
from shared.contracts.billing import PaymentReceived, PaymentReversed, Posting
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class AlreadyReversed(Refusal):
    """The payment was reversed before: what it had paid is owed again already."""


class GivenBackMeanwhile(Refusal):
    """Part of the payment is in trust since, because it was too much: take that out first."""


async def receive(
    session: AsyncSession, invoice: Invoice, amount: int, method: str, received_on: date, by: UUID
) -> Payment:
    """Raises TooMuch: what is more than owed is the client's, and belongs in trust."""
    await refuse_future(session, received_on)
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
    await pay(
        session,
        invoice,
        "payment",
        books.paid(amount),
        amount=amount,
        most=booking.open_of,
        cause_id=payment.payment_id,
        day=received_on,
        by=by,
    )
    told = payment.model_dump() | {"open_after": booking.open_of(invoice)}
    emit(session, PaymentReceived.model_validate(told))
    return payment


async def reverse(
    session: AsyncSession, invoice: Invoice, payment: Payment, reason: str, by: UUID
) -> Payment:
    """It came back: owed again from today on. Raises AlreadyReversed, GivenBackMeanwhile."""
    if payment.reversed_at is not None:
        raise AlreadyReversed("The payment was reversed already.")
    if payment.amount > invoice.paid:
        raise GivenBackMeanwhile("Part of it was too much and is in trust: refund that first.")
    payment.reversed_at = clock.now()
    today = await directory.today(session)
    invoice.paid -= payment.amount
    await session.flush()
    back, cause = books.payment_returned(payment.amount), payment.payment_id
    await booking.book(session, invoice, "payment_reversal", back, cause, by)
    await penalties.owe(session, invoice, payment.amount, today, by)
    sealed = seal(session, invoice.client_id, new_id(), "payment", "reason", reason)
    told = payment.model_dump() | {"open_after": booking.open_of(invoice), "reason": sealed}
    emit(session, PaymentReversed.model_validate(told))
    return payment


async def pay(
    session: AsyncSession,
    invoice: Invoice,
    kind: books.Kind,
    postings: list[Posting],
    *,
    amount: int,
    most: Callable[[Invoice], int],
    cause_id: UUID,
    day: date,
    by: UUID,
) -> None:
    """Pay an issued invoice with money that was there on that day. Penalties for days after it are
    taken back before it is asked what is owed at `most`, and when nothing of the invoice itself is
    left the rest of them is charged. Raises WrongState, TooMuch."""
    if invoice.state != "issued":
        raise WrongState("Only an issued invoice is paid.")
    await penalties.owe(session, invoice, -amount, day, by)
    if amount > (left := most(invoice)):
        raise TooMuch(f"Only {money.spoken(left, invoice.currency)} can be paid on it.")
    invoice.paid += amount
    await session.flush()
    await booking.book(session, invoice, kind, postings, cause_id, by, day)
    if invoice.paid + invoice.credited >= invoice.total:
        await penalties.charge_rest(session, invoice, by)


async def refuse_future(session: AsyncSession, day: date) -> None:
    if day > await directory.today(session):
        raise Invalid("Money is recorded when it has arrived, not before.")
