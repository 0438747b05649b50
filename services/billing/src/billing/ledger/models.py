"""Transactions and their postings, written once, and the balances that the database carries."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from billing.tables import Instant, Row


class LedgerTransaction(Row, table=True):
    """`cause_id` is what it books: an invoice, a payment; a cause is booked once for each kind."""

    __tablename__ = "ledger_transactions"
    transaction_id: UUID = Field(primary_key=True)
    kind: str
    client_id: UUID
    matter_id: UUID
    currency: str
    occurred_on: date
    cause_id: UUID
    posted_by: UUID
    posted_at: datetime = Field(sa_type=Instant)


class LedgerPosting(Row, table=True):
    """`balance` is the account's after it, of this client, matter and currency."""

    __tablename__ = "postings"
    posting_id: int | None = Field(default=None, primary_key=True)
    transaction_id: UUID
    book: str
    account: str
    client_id: UUID
    matter_id: UUID
    currency: str
    occurred_on: date
    amount: int
    balance: int


class Balance(Row, table=True):
    """Written by the database with each posting; the service may only read it."""

    __tablename__ = "balances"
    matter_id: UUID = Field(primary_key=True)
    book: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    client_id: UUID = Field(primary_key=True)
    balance: int
