"""Balances: one look into an index each, now or after any posting."""

from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries as directory
from billing.ledger.models import Balance
from billing.ledger.rules import Book


async def balance(
    session: AsyncSession, matter_id: UUID, book: Book, account: str, currency: str
) -> int:
    """Debits less credits: what a bank has is positive, what trust owes a client negative."""
    found = await session.execute(
        select(col(Balance.balance)).where(
            col(Balance.matter_id) == matter_id,
            col(Balance.book) == book,
            col(Balance.account) == account,
            col(Balance.currency) == currency,
        )
    )
    return found.scalar_one_or_none() or 0


async def in_trust(session: AsyncSession, matter_id: UUID, currency: str) -> int:
    """The client's own money for this matter, less what is set apart as disputed."""
    return -await balance(session, matter_id, "trust", "clients", currency)


async def kept_in_trust(session: AsyncSession, matter_id: UUID, currency: str) -> int:
    """All of the client's money for this matter, with what is set apart as disputed."""
    apart = -await balance(session, matter_id, "trust", "disputed", currency)
    return await in_trust(session, matter_id, currency) + apart


async def of_client(
    session: AsyncSession, client_id: UUID, seen: ColumnElement[bool]
) -> list[Balance]:
    found = await session.execute(
        select(Balance)
        .where(col(Balance.client_id).in_(directory.entries_of(client_id)), seen)
        .order_by(
            col(Balance.matter_id), col(Balance.book), col(Balance.account), col(Balance.currency)
        )
    )
    return list(found.scalars())
