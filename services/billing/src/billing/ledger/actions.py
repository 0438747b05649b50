"""Post to the books. The database balances them, carries the balances and keeps trust above
zero."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import LedgerTransaction
from billing.ledger.rules import Kind
from shared import clock
from shared.contracts.billing import LedgerPosted, Posting
from shared.errors import Refusal
from shared.ids import new_id
from shared.outbox import emit


class TrustTooLow(Refusal):
    """The client has less in trust for this matter; nobody else's money can be used."""


_POST = text("""
    INSERT INTO postings (transaction_id, book, account, client_id, matter_id, currency,
                          occurred_on, amount, balance)
    VALUES (:transaction_id, :book, :account, :client_id, :matter_id, :currency,
            :occurred_on, :amount, 0)
""")


async def post(
    session: AsyncSession,
    kind: Kind,
    postings: Sequence[Posting],
    *,
    client_id: UUID,
    matter_id: UUID,
    currency: str,
    occurred_on: date,
    cause_id: UUID,
    by: UUID,
) -> UUID | None:
    """One transaction of the ledger, told with its postings; None if there is nothing to post.

    Raises TrustTooLow. Balances are locked in the order of their accounts, so that two who post for
    one matter at once do not wait for each other in a circle.
    """
    if not postings:
        return None
    row = LedgerTransaction(
        transaction_id=new_id(),
        kind=kind,
        client_id=client_id,
        matter_id=matter_id,
        currency=currency,
        occurred_on=occurred_on,
        cause_id=cause_id,
        posted_by=by,
        posted_at=clock.now(),
    )
    session.add(row)
    await session.flush()
    ordered = sorted(postings, key=lambda one: (one.book, one.account))
    facts = row.model_dump(include={"transaction_id", "client_id", "matter_id", "currency"})
    try:
        for one in ordered:
            await session.execute(_POST, facts | {"occurred_on": occurred_on} | one.model_dump())
    except IntegrityError as error:
        if "trust_never_below_zero" in str(error.orig):
            raise TrustTooLow("The client has less than that in trust for this matter.") from error
        raise
    emit(
        session,
        LedgerPosted(
            transaction_id=row.transaction_id,
            client_id=client_id,
            matter_id=matter_id,
            kind=kind,
            currency=currency,
            postings=tuple(ordered),
            occurred_on=occurred_on,
            cause_id=cause_id,
            posted_at=row.posted_at,
        ),
    )
    return row.transaction_id
