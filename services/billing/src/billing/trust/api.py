"""HTTP in: clients' money in trust."""

from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from billing.directory import queries as directory
from billing.invoices import doors
from billing.ledger import queries as balances
from billing.policy import POLICY
from billing.trust import actions
from billing.values import Amount, Currency, Day, MoneyShown, shown
from shared.accesses import record_access
from shared.auth import Caller
from shared.db import Transaction
from shared.idempotency import IdempotentRoute

router = APIRouter(prefix="/v1", tags=["trust"], route_class=IdempotentRoute)


class NewDeposit(BaseModel):
    model_config = ConfigDict(extra="forbid")
    matter_id: UUID
    amount: Amount
    received_on: Day


class NewApplication(BaseModel):
    model_config = ConfigDict(extra="forbid")
    invoice_id: UUID
    amount: Amount


class NewRefund(BaseModel):
    model_config = ConfigDict(extra="forbid")
    matter_id: UUID
    amount: Amount


class Moved(BaseModel):
    """`in_trust` is the client's own money for the matter after it, without what is disputed."""

    id: UUID
    in_trust: MoneyShown


class TrustShown(BaseModel):
    """The client's own money for a matter, and what is set apart while it is disputed."""

    matter_id: UUID
    in_trust: MoneyShown
    disputed: MoneyShown


@router.post("/trust-deposits", status_code=201)
async def post_deposit(body: NewDeposit, caller: Caller, session: Transaction) -> Moved:
    """Client money is in trust, for this matter."""
    matter = await directory.matter_for(session, POLICY, caller, "record money", body.matter_id)
    amount, currency = doors.positive(body.amount), body.amount.currency
    made = await actions.deposit(session, matter, amount, currency, body.received_on, caller.id)
    return await _moved(session, made, matter.matter_id, currency)


@router.post("/trust-applications", status_code=201)
async def post_application(
    body: NewApplication, caller: Caller, session: Transaction, request: Request
) -> Moved:
    """Pay an issued invoice from the client's money; never what is disputed."""
    invoice = await doors.locked(session, request, caller, "record money", body.invoice_id)
    made = await actions.apply(session, invoice, doors.amount_of(invoice, body.amount), caller.id)
    return await _moved(session, made, invoice.matter_id, invoice.currency)


@router.post("/trust-refunds", status_code=201)
async def post_refund(body: NewRefund, caller: Caller, session: Transaction) -> Moved:
    """What was not earned goes back to the client."""
    matter = await directory.matter_for(session, POLICY, caller, "record money", body.matter_id)
    amount, currency = doors.positive(body.amount), body.amount.currency
    made = await actions.refund(session, matter, amount, currency, caller.id)
    return await _moved(session, made, matter.matter_id, currency)


@router.get("/matters/{matter_id}/trust")
async def get_trust(
    matter_id: UUID,
    caller: Caller,
    session: Transaction,
    currency: Currency,
) -> TrustShown:
    matter = await directory.matter_for(session, POLICY, caller, "read bills", matter_id)
    await record_access(session, caller, matter.client_id, "client")
    apart = -await balances.balance(session, matter_id, "trust", "disputed", currency)
    return TrustShown(
        matter_id=matter_id,
        in_trust=shown(await balances.in_trust(session, matter_id, currency), currency),
        disputed=shown(apart, currency),
    )


async def _moved(session: Transaction, made: UUID, matter_id: UUID, currency: str) -> Moved:
    left = await balances.in_trust(session, matter_id, currency)
    return Moved(id=made, in_trust=shown(left, currency))
