"""HTTP in: payments, clients' money in trust, late penalties."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlmodel import col

from billing.directory import queries as directory
from billing.estimates import actions as estimates
from billing.invoices import queries as invoices
from billing.invoices.models import Invoice
from billing.keys import hold_keys
from billing.ledger import queries as balances
from billing.payments import actions
from billing.payments.models import Payment
from billing.policy import POLICY
from billing.values import Amount, Currency, Day, MoneyShown, Prose, shown
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import Invalid, NotFound
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


class PaymentShown(BaseModel):
    id: UUID
    invoice_id: UUID
    amount: MoneyShown
    method: str
    received_on: date
    recorded_at: datetime
    reversed_at: datetime | None


class Moved(BaseModel):
    """`in_trust` is the client's own money for the matter after it, without what is disputed."""

    id: UUID
    in_trust: MoneyShown


class TrustShown(BaseModel):
    """The client's own money for a matter, and what is set apart while it is disputed."""

    matter_id: UUID
    in_trust: MoneyShown
    disputed: MoneyShown


class PenaltyShown(BaseModel):
    id: UUID
    amount: MoneyShown
    through: date


@router.post("/payments", status_code=201)
async def post_payment(
    body: NewPayment, caller: Caller, session: Transaction, request: Request
) -> PaymentShown:
    """Money arrived for an invoice."""
    invoice = await _locked(session, request, caller, body.invoice_id)
    amount = _of(invoice, body.amount)
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
    invoice = await _lock(session, payment.invoice_id)
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


@router.post("/trust-deposits", status_code=201)
async def post_deposit(body: NewDeposit, caller: Caller, session: Transaction) -> Moved:
    """Client money is in trust, for this matter."""
    matter = await directory.matter_for(session, POLICY, caller, "record money", body.matter_id)
    amount, currency = _positive(body.amount), body.amount.currency
    made = await actions.deposit(session, matter, amount, currency, body.received_on, caller.id)
    return await _moved(session, made, matter.matter_id, currency)


@router.post("/trust-applications", status_code=201)
async def post_application(
    body: NewApplication, caller: Caller, session: Transaction, request: Request
) -> Moved:
    """Pay an issued invoice from the client's money; never what is disputed."""
    invoice = await _locked(session, request, caller, body.invoice_id)
    made = await actions.apply(session, invoice, _of(invoice, body.amount), caller.id)
    return await _moved(session, made, invoice.matter_id, invoice.currency)


@router.post("/trust-refunds", status_code=201)
async def post_refund(body: NewRefund, caller: Caller, session: Transaction) -> Moved:
    """What was not earned goes back to the client."""
    matter = await directory.matter_for(session, POLICY, caller, "record money", body.matter_id)
    amount, currency = _positive(body.amount), body.amount.currency
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


@router.post("/invoices/{invoice_id}/late-penalty", status_code=201)
async def post_penalty(
    invoice_id: UUID, caller: Caller, session: Transaction, request: Request
) -> PenaltyShown:
    """Charge what has accrued up to today, exactly as the terms disclosed it."""
    invoice = await _locked(session, request, caller, invoice_id)
    penalty = await actions.charge_penalty(session, invoice, caller.id)
    amount = shown(penalty.amount, invoice.currency)
    return PenaltyShown(id=penalty.penalty_id, amount=amount, through=penalty.through)


async def _locked(
    session: Transaction, request: Request, caller: CallerIdentity, invoice_id: UUID
) -> Invoice:
    permit(POLICY, caller, "record money")
    await hold_keys(request, invoices.client_of(invoice_id))
    return await _lock(session, invoice_id)


async def _lock(session: Transaction, invoice_id: UUID) -> Invoice:
    found = await invoices.invoice(session, invoice_id)
    await estimates.lock(session, found.matter_id)
    return await invoices.invoice(session, invoice_id, lock=True)


def _of(invoice: Invoice, amount: Amount) -> int:
    if amount.currency != invoice.currency:
        raise Invalid(f"The invoice is in {invoice.currency}: give the amount in it.")
    return _positive(amount)


def _positive(amount: Amount) -> int:
    if amount.minor == 0:
        raise Invalid("Nothing was moved: give an amount above zero.")
    return amount.minor


async def _moved(session: Transaction, made: UUID, matter_id: UUID, currency: str) -> Moved:
    left = await balances.in_trust(session, matter_id, currency)
    return Moved(id=made, in_trust=shown(left, currency))


def _shown(payment: Payment) -> PaymentShown:
    facts = payment.model_dump(include=set(PaymentShown.model_fields))
    amount = shown(payment.amount, payment.currency)
    return PaymentShown.model_validate(facts | {"id": payment.payment_id, "amount": amount})
