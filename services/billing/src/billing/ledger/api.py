"""HTTP in: balances and postings, for people and for other books (Beancount's plain text)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlmodel import col

from billing.directory import queries as directory
from billing.ledger import export, queries
from billing.ledger.models import Balance, LedgerPosting, LedgerTransaction
from billing.policy import POLICY
from billing.values import MoneyShown, shown
from shared.accesses import record_access, record_accesses
from shared.auth import Caller
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit

router = APIRouter(prefix="/v1/ledger", tags=["ledger"], route_class=IdempotentRoute)


class BalanceShown(BaseModel):
    """Debits less credits: what the client owes is positive, what trust holds for them negative."""

    matter_id: UUID
    book: Literal["operating", "trust"]
    account: str
    balance: MoneyShown


class PostingShown(BaseModel):
    book: Literal["operating", "trust"]
    account: str
    amount: MoneyShown
    balance: MoneyShown


class TransactionShown(BaseModel):
    id: UUID
    kind: str
    matter_id: UUID
    occurred_on: date
    cause_id: UUID
    posted_at: datetime
    postings: list[PostingShown]


@router.get("/balances")
async def list_balances(
    caller: Caller, session: Transaction, client_id: UUID
) -> list[BalanceShown]:
    """Every account of a client, by matter."""
    permit(POLICY, caller, "read bills")
    await directory.permit_for(session, POLICY, caller, "read bills", client_id)
    found = await queries.of_client(session, client_id, directory.not_walled_off(caller, Balance))
    read = {client_id, *(one.client_id for one in found)}
    await record_accesses(session, caller, read, "list")
    return [
        BalanceShown.model_validate(
            one.model_dump() | {"balance": shown(one.balance, one.currency)}
        )
        for one in found
    ]


@router.get("/transactions")
async def list_transactions(
    caller: Caller, session: Transaction, paging: PageQuery, matter_id: UUID
) -> Page[TransactionShown]:
    """What was posted for a matter, in the order of posting."""
    matter = await directory.matter_for(session, POLICY, caller, "read bills", matter_id)
    wanted = select(LedgerTransaction).where(col(LedgerTransaction.matter_id) == matter_id)
    rows = (
        (await session.execute(one_page(wanted, LedgerTransaction.transaction_id, paging)))
        .scalars()
        .all()
    )
    await record_access(session, caller, matter.client_id, "list")
    postings = await _postings(session, rows)
    return page(
        rows,
        paging,
        lambda row: _shown(row, postings.get(row.transaction_id, [])),
        lambda row: [str(row.transaction_id)],
    )


@router.get("/export")
async def get_export(caller: Caller, session: Transaction) -> Response:
    """The whole of the books as Beancount's plain text: ids and amounts, no names."""
    permit(POLICY, caller, "read the firm's figures")
    text = await export.books(session)
    return Response(text, media_type="text/plain; charset=utf-8")


async def _postings(
    session: Transaction, rows: Sequence[LedgerTransaction]
) -> dict[UUID, list[LedgerPosting]]:
    found = await session.execute(
        select(LedgerPosting)
        .where(col(LedgerPosting.transaction_id).in_([row.transaction_id for row in rows]))
        .order_by(col(LedgerPosting.posting_id))
    )
    by_transaction: dict[UUID, list[LedgerPosting]] = {}
    for one in found.scalars():
        by_transaction.setdefault(one.transaction_id, []).append(one)
    return by_transaction


def _shown(row: LedgerTransaction, postings: Sequence[LedgerPosting]) -> TransactionShown:
    return TransactionShown(
        id=row.transaction_id,
        postings=[
            PostingShown.model_validate(
                one.model_dump()
                | {
                    "amount": shown(one.amount, one.currency),
                    "balance": shown(one.balance, one.currency),
                }
            )
            for one in postings
        ],
        **row.model_dump(include={"kind", "matter_id", "occurred_on", "cause_id", "posted_at"}),
    )
