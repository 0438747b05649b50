"""HTTP in: start the month's end and see how far it is."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, text
from sqlmodel import col

from billing.directory import queries as directory
from billing.policy import POLICY
from billing.runs import actions
from billing.runs.models import BillingRun, RunMatter
from billing.values import Day
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit

router = APIRouter(prefix="/v1/billing-runs", tags=["billing runs"], route_class=IdempotentRoute)


class NewRun(BaseModel):
    """Everything billable up to and including `until`."""

    model_config = ConfigDict(extra="forbid")
    until: Day


class RunShown(BaseModel):
    """`pending` counts down; a run is done when it is zero, whatever was interrupted meanwhile."""

    id: UUID
    until: date
    started_at: datetime
    matters: int
    pending: int
    drafted: int
    nothing: int
    failed: int
    finished_at: datetime | None


class RunMatterShown(BaseModel):
    matter_id: UUID
    state: Literal["pending", "drafted", "nothing", "failed"]
    invoice_id: UUID | None
    detail: str | None


@router.post("", status_code=201)
async def post_run(body: NewRun, caller: Caller, session: Transaction) -> RunShown:
    """Draft the invoices of all matters; each waits for its point of contact's approval."""
    permit(POLICY, caller, "draft invoices")
    run = await actions.start(session, body.until, caller.id)
    return await _shown(session, run)


@router.get("/{run_id}")
async def get_run(run_id: UUID, caller: Caller, session: Transaction) -> RunShown:
    permit(POLICY, caller, "draft invoices")
    run = await session.get(BillingRun, run_id)
    if run is None:
        raise NotFound(directory.NOTHING_HERE)
    return await _shown(session, run)


@router.get("/{run_id}/matters")
async def list_run_matters(
    run_id: UUID, caller: Caller, session: Transaction, paging: PageQuery
) -> Page[RunMatterShown]:
    """What became of each matter."""
    permit(POLICY, caller, "draft invoices")
    wanted = select(RunMatter).where(col(RunMatter.run_id) == run_id)
    wanted = wanted.where(directory.not_walled_off(caller, RunMatter))
    found = (await session.execute(one_page(wanted, RunMatter.matter_id, paging))).scalars().all()
    return page(found, paging, _matter, lambda row: [str(row.matter_id)])


_PROGRESS = text("""
    SELECT count(*) AS matters,
           count(*) FILTER (WHERE state = 'pending') AS pending,
           count(*) FILTER (WHERE state = 'drafted') AS drafted,
           count(*) FILTER (WHERE state = 'nothing') AS nothing,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           max(done_at) AS last_done_at
    FROM billing_run_matters WHERE run_id = :run_id
""")


async def _shown(session: Transaction, run: BillingRun) -> RunShown:
    counted = (await session.execute(_PROGRESS, {"run_id": run.run_id})).mappings().one()
    done = counted["pending"] == 0
    finished_at = (counted["last_done_at"] or run.started_at) if done else None
    return RunShown(
        id=run.run_id,
        until=run.until,
        started_at=run.started_at,
        finished_at=finished_at,
        **{name: counted[name] for name in ("matters", "pending", "drafted", "nothing", "failed")},
    )


def _matter(row: RunMatter) -> RunMatterShown:
    return RunMatterShown.model_validate(row.model_dump(include=set(RunMatterShown.model_fields)))
