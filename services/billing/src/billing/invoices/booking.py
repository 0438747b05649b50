"""What an invoice means to the books, and whose the money is when it was paid too much."""

from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.directory import queries as directory
from billing.invoices.models import Invoice
from billing.ledger import actions as ledger
from billing.ledger import queries as balances
from billing.ledger import rules as books
from shared import clock
from shared.contracts.billing import Posting, TrustDeposited
from shared.outbox import emit


async def book(
    session: AsyncSession,
    invoice: Invoice,
    kind: books.Kind,
    postings: Sequence[Posting],
    cause_id: UUID,
    by: UUID,
    day: date | None = None,
) -> None:
    """Post for an invoice, as of today unless another day is said."""
    await ledger.post(
        session,
        kind,
        postings,
        client_id=invoice.client_id,
        matter_id=invoice.matter_id,
        currency=invoice.currency,
        occurred_on=day or await directory.today(session),
        cause_id=cause_id,
        by=by,
    )


def open_of(invoice: Invoice) -> int:
    """What is owed now, also before the database has computed it."""
    return invoice.total + invoice.penalties - invoice.paid - invoice.credited


async def lower(
    session: AsyncSession,
    invoice: Invoice,
    what: Literal["credited", "penalties"],
    amount: int,
    cause_id: UUID,
    by: UUID,
) -> int:
    """Less is owed, because that much was credited or is no penalty. What was paid of it already is
    the client's: it goes into trust for the matter, and is told as a deposit. How much that was."""
    excess = max(amount - open_of(invoice), 0)
    if what == "credited":
        invoice.credited += amount
    else:
        invoice.penalties -= amount
    invoice.paid -= excess
    await session.flush()
    if not excess:
        return 0
    today = await directory.today(session)
    await book(session, invoice, "overpayment", books.given_to_trust(excess), cause_id, by)
    emit(
        session,
        TrustDeposited(
            deposit_id=cause_id,
            amount=excess,
            balance_after=await balances.in_trust(session, invoice.matter_id, invoice.currency),
            received_on=today,
            recorded_at=clock.now(),
            **invoice.model_dump(include={"client_id", "matter_id", "currency"}),
        ),
    )
    return excess
