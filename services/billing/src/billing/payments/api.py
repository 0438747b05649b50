"""HTTP in: payments of invoices."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlmodel import col

from billing.directory import queries as directory
from billing.invoices import doors
from billing.invoices import queries as invoices
from billing.keys import hold_keys
from billing.payments import actions
from billing.payments.models import Payment
from billing.policy import POLICY
from billing.values import Amount, Day, MoneyShown, Prose, shown
from shared.accesses import record_access
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit

router = APIRouter(prefix="/v1", tags=["payments"], route_class=IdempotentRoute)


class NewPayment(BaseModel):
    """Recorded by hand: `received_on` is when the money was there."""

    model_config = ConfigDict(extra="forbid")
    invoice_id: UUID
    amount: Amount
    method: Literal["bank_transfer", "card", "cheque", "cash", "direct_debit"]
    received_on: Day


class Reversal(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Prose


class PaymentShown(BaseModel):
    id: UUID
    invoice_id: UUID
    amount: MoneyShown
    method: str
    received_on: date
    recorded_at: datetime
    reversed_at: datetime | None


@router.post("/payments", status_code=201)
async def post_payment(
    body: NewPayment, caller: Caller, session: Transaction, request: Request
) -> PaymentShown:
    """Money arrived for an invoice."""
    invoice = await doors.locked(session, request, caller, "record money", body.invoice_id)
    amount = doors.amount_of(invoice, body.amount)
    payment = await actions.receive(
        session, invoice, amount, body.method, body.received_on, caller.id
    )
    return _shown(payment)


@router.post("/payments/{payment_id}/reversal", status_code=201)
async def post_reversal(
    payment_id: UUID, body: Reversal, caller: Caller, session: Transaction, request: Request
) -> PaymentShown:
    """It came back; the client owes it again."""
    permit(POLICY, caller, "record money")
    await hold_keys(
        request, select(col(Payment.client_id)).where(col(Payment.payment_id) == payment_id)
    )
    payment = await session.get(Payment, payment_id)
    if payment is None:
        raise NotFound(directory.NOTHING_HERE)
    invoice = await doors.lock(session, payment.invoice_id)
    of = invoice.client_id, invoice.matter_id
    await directory.permit_for(session, POLICY, caller, "record money", *of)
    await session.refresh(payment)
    return _shown(await actions.reverse(session, invoice, payment, body.reason, caller.id))


@router.get("/payments")
async def list_payments(
    caller: Caller, session: Transaction, paging: PageQuery, invoice_id: UUID
) -> Page[PaymentShown]:
    """Of one invoice, in the order of recording."""
    permit(POLICY, caller, "read bills")
    invoice = await invoices.invoice(session, invoice_id)
    await directory.permit_for(
        session, POLICY, caller, "read bills", invoice.client_id, invoice.matter_id
    )
    wanted = select(Payment).where(col(Payment.invoice_id) == invoice_id)
    found = (await session.execute(one_page(wanted, Payment.payment_id, paging))).scalars().all()
    await record_access(session, caller, invoice.client_id, "list")
    return page(found, paging, _shown, lambda row: [str(row.payment_id)])


def _shown(payment: Payment) -> PaymentShown:
    facts = payment.model_dump(include=set(PaymentShown.model_fields))
    amount = shown(payment.amount, payment.currency)
    return PaymentShown.model_validate(facts | {"id": payment.payment_id, "amount": amount})
