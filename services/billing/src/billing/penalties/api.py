"""HTTP in: charge a late penalty now, before the calendar would."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from billing.invoices import doors
from billing.penalties import actions
from billing.values import MoneyShown, shown
from shared.auth import Caller
from shared.db import Transaction
from shared.idempotency import IdempotentRoute

router = APIRouter(prefix="/v1", tags=["late penalties"], route_class=IdempotentRoute)


class PenaltyShown(BaseModel):
    id: UUID
    amount: MoneyShown
    through: date


@router.post("/invoices/{invoice_id}/late-penalty", status_code=201)
async def post_penalty(
    invoice_id: UUID, caller: Caller, session: Transaction, request: Request
) -> PenaltyShown:
    """Charge what has accrued up to today, exactly as the terms disclosed it."""
    invoice = await doors.locked(session, request, caller, "record money", invoice_id)
    penalty = await actions.charge(session, invoice, caller.id)
    amount = shown(penalty.amount, invoice.currency)
    return PenaltyShown(id=penalty.penalty_id, amount=amount, through=penalty.through)
