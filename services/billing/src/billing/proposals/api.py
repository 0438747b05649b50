"""HTTP in: time that the record proposes."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

from billing.directory import queries as directory
from billing.entries import actions as entries
from billing.entries.gate import Work
from billing.keys import hold_keys
from billing.policy import POLICY
from billing.proposals import actions
from billing.proposals.models import TimeProposal
from billing.utbms import ActivityCode, TaskCode
from billing.values import Prose
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit

router = APIRouter(
    prefix="/v1/time-proposals", tags=["time proposals"], route_class=IdempotentRoute
)


class Filed(BaseModel):
    """What the record cannot know: how long, and what about. Codes are as the person chooses."""

    model_config = ConfigDict(extra="forbid")
    minutes: Annotated[int, Field(ge=1, le=1440)]
    narrative: Prose
    task_code: TaskCode | None = None
    activity_code: ActivityCode | None = None


class ProposalShown(BaseModel):
    """`activity_code` is proposed, from who took part; nothing is filed with it unasked."""

    id: UUID
    source: Literal["call", "message"]
    matter_id: UUID
    staff_id: UUID
    activity_code: str
    happened_at: datetime


class FiledShown(BaseModel):
    entry_id: UUID


@router.get("")
async def list_proposals(
    caller: Caller, session: Transaction, paging: PageQuery, matter_id: UUID
) -> Page[ProposalShown]:
    """What waits in a matter, in the order of happening."""
    matter = await directory.matter_for(session, POLICY, caller, "record work", matter_id)
    wanted = select(TimeProposal).where(
        col(TimeProposal.matter_id) == matter_id,
        col(TimeProposal.entry_id).is_(None),
        col(TimeProposal.dismissed_at).is_(None),
    )
    wanted = one_page(wanted, TimeProposal.proposal_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    await record_access(session, caller, matter.client_id, "list")
    return page(found, paging, _shown, lambda row: [str(row.proposal_id)])


@router.post("/{proposal_id}/entry", status_code=201)
async def post_entry(
    proposal_id: UUID, body: Filed, caller: Caller, session: Transaction, request: Request
) -> FiledShown:
    """File it as an entry of time, once, with the minutes and words of whoever did it."""
    proposal = await _waiting(session, request, caller, proposal_id)
    matter = await directory.matter(session, proposal.matter_id)
    staff = await directory.timekeeper(session, proposal.staff_id)
    day = proposal.happened_at.astimezone(await directory.zone(session)).date()
    work = Work(staff, day, started_at=proposal.happened_at, **body.model_dump())
    entry = await entries.record(session, matter, work, caller.id)
    proposal.entry_id = entry.entry_id
    return FiledShown(entry_id=entry.entry_id)


@router.post("/{proposal_id}/dismissal", status_code=201)
async def post_dismissal(
    proposal_id: UUID, caller: Caller, session: Transaction, request: Request
) -> ProposalShown:
    """It was no billable work."""
    proposal = await _waiting(session, request, caller, proposal_id)
    actions.dismiss(proposal)
    return _shown(proposal)


async def _waiting(
    session: Transaction, request: Request, caller: CallerIdentity, proposal_id: UUID
) -> TimeProposal:
    """One's own, or anybody's for who bills."""
    permit(POLICY, caller, "record work")
    await hold_keys(
        request,
        select(col(TimeProposal.client_id)).where(col(TimeProposal.proposal_id) == proposal_id),
    )
    found = await session.get(TimeProposal, proposal_id)
    if found is None:
        raise NotFound(directory.NOTHING_HERE)
    await directory.permit_for(
        session, POLICY, caller, "record work", found.client_id, found.matter_id
    )
    own = await directory.staff_of(session, caller)
    if own is None or own.staff_id != found.staff_id:
        permit(POLICY, caller, "draft invoices")
    return await actions.waiting(session, proposal_id)


def _shown(row: TimeProposal) -> ProposalShown:
    facts = row.model_dump(include=set(ProposalShown.model_fields))
    return ProposalShown.model_validate(facts | {"id": row.proposal_id})
