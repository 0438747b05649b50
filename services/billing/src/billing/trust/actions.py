"""Move clients' money in trust. The database keeps every balance at or above zero.

A movement holds the lock of the balance until its commit, so that before and after it are known
exactly, and of many movements at once one takes a retainer below its level.
"""

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.directory import queries as directory
from billing.directory.models import BilledMatter
from billing.invoices import booking
from billing.invoices.models import Invoice
from billing.ledger import actions as ledger
from billing.ledger import queries as balances
from billing.ledger import rules as books
from billing.payments import actions as payments
from billing.terms import queries as terms
from billing.trust import rules
from shared import clock
from shared.contracts.billing import (
    Posting,
    RetainerRanLow,
    TrustApplied,
    TrustDeposited,
    TrustRefunded,
)
from shared.ids import new_id
from shared.outbox import emit


async def deposit(
    session: AsyncSession, matter: BilledMatter, amount: int, currency: str, day: date, by: UUID
) -> UUID:
    """The client's own money, until it is applied to an invoice or given back."""
    await payments.refuse_future(session, day)
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
    """What was not earned goes back to the client (Rule 1.16(d)). Raises TrustTooLow. Nobody asks
    for a retainer to be filled up that was just given back."""
    refund_id, today = new_id(), await directory.today(session)
    await _move(session, matter, "trust_refund", books.refunded(amount), currency, today,
                refund_id, by)  # fmt: skip
    emit(
        session,
        TrustRefunded(
            refund_id=refund_id,
            client_id=matter.client_id,
            matter_id=matter.matter_id,
            currency=currency,
            amount=amount,
            balance_after=await balances.in_trust(session, matter.matter_id, currency),
            refunded_at=clock.now(),
        ),
    )
    return refund_id


async def apply(session: AsyncSession, invoice: Invoice, amount: int, by: UUID) -> UUID:
    """Pay an issued invoice from the client's money for the same matter: never what is disputed
    (Rule 1.15(e)). Raises TooMuch, TrustTooLow."""
    application_id = new_id()
    await payments.pay(
        session,
        invoice,
        "trust_application",
        books.applied(amount),
        amount=amount,
        most=lambda one: booking.open_of(one) - one.disputed,
        cause_id=application_id,
        day=await directory.today(session),
        by=by,
    )
    emit(
        session,
        TrustApplied(
            application_id=application_id,
            amount=amount,
            balance_after=await balances.in_trust(session, invoice.matter_id, invoice.currency),
            open_after=booking.open_of(invoice),
            applied_at=clock.now(),
            **invoice.model_dump(include={"invoice_id", "client_id", "matter_id", "currency"}),
        ),
    )
    await _watch_retainer(session, invoice, amount)
    return application_id


async def _watch_retainer(session: AsyncSession, invoice: Invoice, taken: int) -> None:
    """Evergreen: the client is asked to fill up once for each time that it ran low. What is set
    apart while it is disputed is still there."""
    matter = await directory.matter(session, invoice.matter_id)
    found = await terms.in_force(session, matter, clock.now())
    retainer = found.terms.retainer if found else None
    if found is None or retainer is None or retainer.replenish_below is None:
        return
    if found.terms.currency != invoice.currency:
        return
    below = found.terms.minor(retainer.replenish_below)
    left = await balances.kept_in_trust(session, matter.matter_id, invoice.currency)
    if rules.fell_below(left + taken, left, below):
        emit(
            session,
            RetainerRanLow(
                matter_id=matter.matter_id,
                client_id=matter.client_id,
                terms_id=found.terms_id,
                terms_version=found.version,
                currency=invoice.currency,
                left=left,
                below=below,
                asked=max(found.terms.minor(retainer.amount) - left, 0),
                ran_low_at=clock.now(),
            ),
        )


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
