"""Time in: charges late penalties on their day, each invoice in a transaction of its own."""

import asyncio
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from billing.directory import queries as directory
from billing.invoices import doors
from billing.penalties import actions, queries
from billing.settings import BillingSettings
from shared.contracts import FIRM_ID
from shared.runtime import Runtime

log = structlog.get_logger()

BATCH = 100


async def run(runtime: Runtime) -> None:
    """Until cancelled; a database that is away is waited for."""
    settings = runtime.settings
    assert isinstance(settings, BillingSettings)
    while True:
        try:
            while await charge_due(runtime):
                pass
        except (DBAPIError, OSError) as error:
            log.warning("late penalties wait", error=repr(error))
        await asyncio.sleep(settings.billing_look_every)


async def charge_due(runtime: Runtime) -> int:
    """One batch; how many invoices there were."""
    async with runtime.db.transaction() as session:
        today = await directory.today(session)
        found = await queries.to_look_at(session, today, BATCH)
    for invoice_id in found:
        await _charge(runtime, invoice_id)
    return len(found)


async def _charge(runtime: Runtime, invoice_id: UUID) -> None:
    async with runtime.db.transaction() as session:
        invoice = await doors.lock(session, invoice_id)
        # The rule charges, as it was disclosed; no person decides about it.
        await actions.charge_when_due(session, invoice, FIRM_ID)
