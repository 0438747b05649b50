"""Start a run, and bill one matter of it. Each matter is a transaction of its own: its draft and
its mark in the run are one commit, so a run that is interrupted goes on with what is still
pending."""

from datetime import date
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries as directory
from billing.invoices import actions as invoices
from billing.invoices.actions import DraftExists, NothingToInvoice
from billing.runs.models import BillingRun, RunMatter
from shared import clock
from shared.db import is_news
from shared.errors import Refusal
from shared.ids import new_id

_MATTERS = text("""
    INSERT INTO billing_run_matters (run_id, matter_id, client_id, state)
    SELECT DISTINCT CAST(:run_id AS uuid), matter_id, client_id, 'pending' FROM entries
    WHERE state = 'billable' AND invoice_id IS NULL AND amount > 0 AND worked_on <= :until
""")


class NobodyToApprove(Refusal):
    """The matter has no point of contact that is known here: nobody could approve the invoice."""


async def start(session: AsyncSession, until: date, by: UUID) -> BillingRun:
    """Every matter with something billable up to that day; the ticker does the rest."""
    run = BillingRun(run_id=new_id(), until=until, started_by=by, started_at=clock.now())
    session.add(run)
    await session.flush()
    await session.execute(_MATTERS, {"run_id": run.run_id, "until": until})
    is_news(session)
    return run


async def bill(session: AsyncSession, run_id: UUID, matter_id: UUID) -> bool:
    """Draft this matter's invoice, for its point of contact to approve; False if another process
    has it. The client's key must be held."""
    found = await session.execute(
        select(RunMatter)
        .where(
            col(RunMatter.run_id) == run_id,
            col(RunMatter.matter_id) == matter_id,
            col(RunMatter.state) == "pending",
        )
        .with_for_update(skip_locked=True)
    )
    row = found.scalar_one_or_none()
    if row is None:
        return False
    run = await session.get_one(BillingRun, run_id)
    matter = await directory.matter(session, matter_id)
    contact = await directory.point_of_contact(session, row.client_id, matter_id, clock.now())
    if contact is None:
        raise NobodyToApprove("The matter has no point of contact that is known here.")
    approver = await directory.timekeeper(session, contact)
    try:
        drafted = await invoices.draft(
            session,
            matter,
            approver=approver,
            period_to=run.until,
            period_from=None,
            by=run.started_by,
        )
        row.state, row.invoice_id = "drafted", drafted.invoice_id
    except (NothingToInvoice, DraftExists) as nothing:
        # Nothing was written yet: somebody else's draft has what there was.
        row.state, row.detail = "nothing", nothing.code
    # Dying before the commit leaves it pending and without a draft; after it, it is done.
    row.done_at = clock.now()
    return True


async def give_up(session: AsyncSession, run_id: UUID, matter_id: UUID, code: str) -> None:
    """What can never succeed as things are must not hold up the others."""
    row = await session.get(RunMatter, (run_id, matter_id), with_for_update=True)
    if row is not None and row.state == "pending":
        row.state, row.detail, row.done_at = "failed", code, clock.now()
