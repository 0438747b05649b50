"""Charge what was agreed for being late, and take back what facts heard late show to be too much.

The invoice is locked by whoever calls. What was charged in all is always compared with what the
facts come to, so in whatever steps and order they are entered, the end is the same.
"""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.directory import queries as directory
from billing.invoices import booking
from billing.invoices.models import Invoice
from billing.ledger import rules as books
from billing.penalties import queries, rules
from billing.penalties.models import LatePenalty
from shared import clock
from shared.contracts.billing import LatePenaltyCharged, LatePenaltyWithdrawn
from shared.errors import Refusal
from shared.ids import new_id
from shared.outbox import emit

A_DAY = timedelta(days=1)


class NothingToCharge(Refusal):
    """By the terms disclosed nothing more is due for this invoice's being late."""


_OWE = text("""
    INSERT INTO owed_changes (invoice_id, day, change) VALUES (:invoice_id, :day, :change)
    ON CONFLICT (invoice_id, day) DO UPDATE SET change = owed_changes.change + EXCLUDED.change
""")


async def owe(session: AsyncSession, invoice: Invoice, change: int, day: date, by: UUID) -> None:
    """What is owed and undisputed changed on that day, which may be past: a payment counts from
    when it was received, a dispute from when it was raised. What was charged too much for the days
    since is taken back at once."""
    facts = {"invoice_id": invoice.invoice_id, "day": day, "change": change}
    await session.execute(_OWE, facts)
    if invoice.penalty_percent is None or invoice.due_on is None:
        return
    today = await directory.today(session)
    if change > 0 and invoice.penalty_on is None:
        first = rules.first_day(invoice.due_on, invoice.grace_days or 0)
        after = first + A_DAY
        invoice.penalty_on = after if after > today else rules.month_after(today)
    through = today - A_DAY
    over = invoice.penalties - await queries.accrued(session, invoice, through)
    if over > 0:
        await _withdraw(session, invoice, over, through, by)


async def charge(session: AsyncSession, invoice: Invoice, by: UUID) -> LatePenalty:
    """All that accrued on days that are over and was not charged yet: who pays today what they were
    told today has paid it. Raises NothingToCharge."""
    through = await directory.today(session) - A_DAY
    amount = await queries.accrued(session, invoice, through) - invoice.penalties
    if amount <= 0:
        raise NothingToCharge("By the terms disclosed nothing more is due for being late.")
    penalty = _keep(session, invoice, amount, through)
    invoice.penalties += amount
    await session.flush()
    posted = books.penalised(amount)
    await booking.book(session, invoice, "late_penalty", posted, penalty.penalty_id, by)
    emit(session, LatePenaltyCharged.model_validate(_told(invoice, penalty)))
    return penalty


async def charge_when_due(session: AsyncSession, invoice: Invoice, by: UUID) -> None:
    """Its day has come: charge, and look again in a month, as long as anything is owed."""
    today = await directory.today(session)
    if invoice.penalty_on is None or invoice.penalty_on > today:
        return  # another process was faster
    await charge_rest(session, invoice, by)
    # Dying before the commit leaves the day as it was and nothing charged; after it, both are done.
    invoice.penalty_on = rules.month_after(today) if booking.open_of(invoice) else None


async def charge_rest(session: AsyncSession, invoice: Invoice, by: UUID) -> None:
    """What is left to charge, if anything is: nobody hears of the rest of a penalty later."""
    through = await directory.today(session) - A_DAY
    if await queries.accrued(session, invoice, through) > invoice.penalties:
        await charge(session, invoice, by)


async def _withdraw(
    session: AsyncSession, invoice: Invoice, amount: int, through: date, by: UUID
) -> None:
    penalty = _keep(session, invoice, -amount, through)
    cause = penalty.penalty_id
    excess = await booking.lower(session, invoice, "penalties", amount, cause, by)
    if excess:
        facts = {"invoice_id": invoice.invoice_id, "day": through, "change": excess}
        await session.execute(_OWE, facts)
    posted = books.penalty_withdrawn(amount)
    await booking.book(session, invoice, "penalty_withdrawal", posted, cause, by)
    told = _told(invoice, penalty) | {"amount": amount, "withdrawn_at": penalty.charged_at}
    emit(session, LatePenaltyWithdrawn.model_validate(told))


def _keep(session: AsyncSession, invoice: Invoice, amount: int, through: date) -> LatePenalty:
    penalty = LatePenalty(
        penalty_id=new_id(),
        invoice_id=invoice.invoice_id,
        through=through,
        amount=amount,
        charged_at=clock.now(),
    )
    session.add(penalty)
    return penalty


def _told(invoice: Invoice, penalty: LatePenalty) -> dict[str, object]:
    facts = invoice.model_dump(include={"client_id", "matter_id", "currency"})
    return penalty.model_dump() | facts | {"open_after": booking.open_of(invoice)}
