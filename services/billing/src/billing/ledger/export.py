"""The books in Beancount's plain text, so that a tool of others can check them.

Accounts carry the matter's number in the books, not its name; each matter's last balance is
asserted, so what accepts the file has added up every posting itself.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing import money

ROOTS = {
    ("operating", "bank"): "Assets:Operating:Bank",
    ("operating", "receivable"): "Assets:Operating:Receivable",
    ("operating", "fees"): "Income:Operating:Fees",
    ("operating", "expenses"): "Income:Operating:Expenses",
    ("operating", "taxes"): "Liabilities:Operating:Taxes",
    ("operating", "penalties"): "Income:Operating:Penalties",
    ("trust", "bank"): "Assets:Trust:Bank",
    ("trust", "clients"): "Liabilities:Trust:Clients",
    ("trust", "disputed"): "Liabilities:Trust:Disputed",
}

_POSTED = text("""
    SELECT posting_id, transaction_id, kind, book, account, postings.matter_id, postings.currency,
           postings.occurred_on, amount
    FROM postings JOIN ledger_transactions USING (transaction_id) ORDER BY posting_id
""")
_BALANCES = text("SELECT book, account, matter_id, currency, balance FROM balances")


class Booked(NamedTuple):
    """One posting, as far as other books care."""

    transaction_id: UUID
    kind: str
    book: str
    account: str
    matter_id: UUID
    currency: str
    occurred_on: date
    amount: int

    @property
    def name(self) -> str:
        return account_name(self.book, self.account, self.matter_id)


def account_name(book: str, account: str, matter_id: UUID) -> str:
    return f"{ROOTS[book, account]}:M{matter_id.hex}"


async def books(session: AsyncSession) -> str:
    posted = [
        Booked(*(getattr(row, name) for name in Booked._fields))
        for row in await session.execute(_POSTED)
    ]
    balances = [
        (account_name(row.book, row.account, row.matter_id), row.balance, row.currency)
        for row in await session.execute(_BALANCES)
    ]
    return "\n".join([*_text(posted, balances), ""])


def _text(posted: list[Booked], balances: list[tuple[str, int, str]]) -> Iterator[str]:
    if not posted:
        return
    first = min(one.occurred_on for one in posted)
    last = max(one.occurred_on for one in posted) + timedelta(days=1)
    for name in sorted({one.name for one in posted}):
        yield f"{first} open {name}"
    yield from _transactions(posted)
    for name, balance, currency in sorted(balances):
        yield f"{last} balance {name}  {money.plain(balance, currency)} {currency}"


def _transactions(posted: Iterable[Booked]) -> Iterator[str]:
    by_transaction: dict[UUID, list[Booked]] = {}
    for one in posted:
        by_transaction.setdefault(one.transaction_id, []).append(one)
    for transaction_id, sides in by_transaction.items():
        yield f'{sides[0].occurred_on} * "{sides[0].kind}" "{transaction_id}"'
        for side in sides:
            yield f"  {side.name}  {money.plain(side.amount, side.currency)} {side.currency}"
