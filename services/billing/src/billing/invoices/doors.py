"""How doors come to an invoice that they change: permitted, locked in the order of all locks, with
amounts in its currency."""

from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from billing.directory import queries as directory
from billing.estimates import actions as estimates
from billing.invoices import queries
from billing.invoices.models import Invoice
from billing.keys import hold_keys
from billing.policy import POLICY
from billing.values import Amount
from shared import revisions
from shared.auth import CallerIdentity
from shared.errors import Invalid
from shared.policy import permit


async def locked(
    session: AsyncSession,
    request: Request,
    caller: CallerIdentity,
    action: str,
    invoice_id: UUID,
    if_match: str | None = None,
) -> Invoice:
    """Raises Forbidden, NotFound, PreconditionFailed."""
    permit(POLICY, caller, action)
    await hold_keys(request, queries.client_of(invoice_id))
    found = await queries.invoice(session, invoice_id)
    await directory.permit_for(session, POLICY, caller, action, found.client_id, found.matter_id)
    invoice = await lock(session, invoice_id)
    revisions.check(if_match, invoice.revision)
    return invoice


async def lock(session: AsyncSession, invoice_id: UUID) -> Invoice:
    """The matter's estimate first, as everywhere."""
    found = await queries.invoice(session, invoice_id)
    await estimates.lock(session, found.matter_id)
    return await queries.invoice(session, invoice_id, lock=True)


def amount_of(invoice: Invoice, amount: Amount) -> int:
    """Above zero, in the invoice's currency."""
    in_its_currency(invoice, amount)
    return positive(amount)


def in_its_currency(invoice: Invoice, amount: Amount) -> None:
    if amount.currency != invoice.currency:
        raise Invalid(f"The invoice is in {invoice.currency}: give amounts in it.")


def positive(amount: Amount) -> int:
    if amount.minor == 0:
        raise Invalid("Nothing was moved: give an amount above zero.")
    return amount.minor
