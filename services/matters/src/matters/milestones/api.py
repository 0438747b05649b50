"""HTTP in: milestone plans, and what happens in a matter."""

from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

import matters.firm.queries as firm
import matters.staff.queries as staff
from matters import access
from matters.local_time import PointInTime, instant_at
from matters.matters.models import Matter
from matters.milestones import actions, queries
from matters.milestones.models import Happening, Kind
from matters.milestones.rules import Plan
from matters.sealed import opened
from shared import clock, revisions
from shared.accesses import record_access
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.revisions import IfMatch
from shared.values import Line, Prose, Reason, Slug

POLICY: PolicyTable = {
    "read plans": dict.fromkeys(
        ("partner", "attorney", "paralegal", "compliance", "operations", "integration", "client"),
        "any",
    ),
    "publish plans": {"partner": "any"},
    "read what happened": {
        "partner": "any",
        "compliance": "any",
        "integration": "any",
        "attorney": "team",
        "paralegal": "team",
    },
    "enter what happened": {"partner": "any", "attorney": "team", "paralegal": "team"},
}

router = APIRouter(prefix="/v1", tags=["milestones"], route_class=IdempotentRoute)
MOST_YEARS_AHEAD = 100  # what is counted back from instants at the end of time fails elsewhere


class NewMilestone(BaseModel):
    """`reached_at` is now unless an earlier instant is given; `note` is for the client's update."""

    model_config = ConfigDict(extra="forbid")
    slug: Slug
    reached_at: PointInTime | None = None
    note: Prose = ""


class NewDevelopment(BaseModel):
    """A significant one the client must hear of."""

    model_config = ConfigDict(extra="forbid")
    summary: Reason
    significant: bool = True
    happened_at: PointInTime | None = None


class DueDate(BaseModel):
    """By the clocks of the firm's zone: `2026-03-09T17:00`."""

    model_config = ConfigDict(extra="forbid")
    due: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$")]


class NewDeadline(DueDate):
    title: Line


class Met(BaseModel):
    """Now, unless an earlier instant is given."""

    model_config = ConfigDict(extra="forbid")
    at: PointInTime | None = None


class Taken(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Reason


class HappeningShown(BaseModel):
    """Until `tells_at` it can be taken back without a trace outside; `told_at` is when others
    heard. `at` is when it was reached, happened or is due."""

    id: UUID
    matter_id: UUID
    kind: Kind
    slug: str | None
    at: datetime
    words: str | None
    significant: bool
    marked_by: UUID
    marked_at: datetime
    tells_at: datetime
    told_at: datetime | None
    reverted_at: datetime | None
    met_at: datetime | None


@router.get("/milestone-plans/{area}")
async def get_plan(area: Slug, caller: Caller, session: Transaction, response: Response) -> Plan:
    """The newest version of this practice area's plan. Six are shipped."""
    permit(POLICY, caller, "read plans")
    found = await queries.plan(session, area)
    if found is None:
        raise NotFound("There is no plan for this practice area: PUT makes one.")
    response.headers["ETag"] = revisions.etag(found[0])
    return found[1]


@router.put("/milestone-plans/{area}")
async def put_plan(
    area: Slug,
    plan: Plan,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> Plan:
    """Make the next version. What was reached keeps the names under which it was reached."""
    permit(POLICY, caller, "publish plans")
    known = await queries.plan(session, area)
    version = known[0] if known else 1
    revisions.check(if_match, version if known else None)
    await actions.publish_plan(session, area, plan, version=version + 1, by=caller.id)
    response.headers["ETag"] = revisions.etag(version + 1)
    return plan


@router.post("/matters/{matter_id}/milestones", status_code=201)
async def post_milestone(
    matter_id: UUID, body: NewMilestone, caller: Caller, session: Transaction, request: Request
) -> HappeningShown:
    """Reached: told, and the client's update drafted, when the undo window has passed."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "enter what happened", matter_id)
    by = (await staff.member(session, caller)).staff_id
    at = _past(body.reached_at, matter)
    found = await actions.reach(session, matter, body.slug, at=at, note=body.note, by=by)
    return _shown(session, found)


@router.post("/matters/{matter_id}/developments", status_code=201)
async def post_development(
    matter_id: UUID, body: NewDevelopment, caller: Caller, session: Transaction, request: Request
) -> HappeningShown:
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "enter what happened", matter_id)
    found = await actions.record_development(
        session,
        matter,
        summary=body.summary,
        significant=body.significant,
        at=_past(body.happened_at, matter),
        by=(await staff.member(session, caller)).staff_id,
    )
    return _shown(session, found)


@router.post("/matters/{matter_id}/deadlines", status_code=201)
async def post_deadline(
    matter_id: UUID, body: NewDeadline, caller: Caller, session: Transaction, request: Request
) -> HappeningShown:
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "enter what happened", matter_id)
    by = (await staff.member(session, caller)).staff_id
    due_at = await _due(session, body.due)
    found = await actions.schedule_deadline(session, matter, title=body.title, due_at=due_at, by=by)
    return _shown(session, found)


@router.put("/deadlines/{deadline_id}")
async def put_deadline(
    deadline_id: UUID, body: DueDate, caller: Caller, session: Transaction, request: Request
) -> HappeningShown:
    """It is due at another time; that has an undo window of its own."""
    await access.hold_key(request, Happening, deadline_id)
    found = await _deadline(session, caller, deadline_id)
    await actions.move_deadline(session, found, await _due(session, body.due))
    return _shown(session, found)


@router.post("/deadlines/{deadline_id}/met")
async def post_met(
    deadline_id: UUID, body: Met, caller: Caller, session: Transaction, request: Request
) -> HappeningShown:
    """It was done, once; nobody is reminded any more."""
    await access.hold_key(request, Happening, deadline_id)
    found = await _deadline(session, caller, deadline_id)
    met_at = body.at or clock.now()
    if not found.marked_at <= met_at <= clock.now():
        raise Invalid("It was met after it was entered, and not in the future.")
    await actions.meet_deadline(session, found, met_at)
    return _shown(session, found)


@router.get("/matters/{matter_id}/happenings")
async def list_happenings(
    matter_id: UUID, caller: Caller, session: Transaction, paging: PageQuery, request: Request
) -> Page[HappeningShown]:
    """Milestones, developments and deadlines, also taken back ones, in the order of entering."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "read what happened", matter_id)
    await record_access(session, caller, matter.client_id, "timeline")
    its = col(Happening.matter_id) == matter_id
    wanted = one_page(select(Happening).where(its), Happening.happening_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    return page(
        found, paging, lambda row: _shown(session, row), lambda row: [str(row.happening_id)]
    )


@router.post("/happenings/{happening_id}/revert")
async def post_revert(
    happening_id: UUID, body: Taken, caller: Caller, session: Transaction, request: Request
) -> HappeningShown:
    """Take it back: what it would have sent is cancelled."""
    await access.hold_key(request, Happening, happening_id)
    found = await _entered(session, caller, happening_id)
    await actions.revert(session, found, reason=body.reason)
    return _shown(session, found)


async def _entered(session: Transaction, caller: Caller, happening_id: UUID) -> Happening:
    permit(POLICY, caller, "enter what happened")
    found = await queries.locked(session, happening_id)
    if found is None:
        raise NotFound(access.NOTHING)
    await access.matter(session, caller, POLICY, "enter what happened", found.matter_id)
    return found


async def _deadline(session: Transaction, caller: Caller, deadline_id: UUID) -> Happening:
    found = await _entered(session, caller, deadline_id)
    if found.kind != "deadline" or found.reverted_at is not None:
        raise NotFound(access.NOTHING)
    return found


def _past(at: datetime | None, matter: Matter) -> datetime:
    now = clock.now()
    if at is not None and not matter.opened_at <= at <= now:
        raise Invalid("It happened while the matter was open, and not in the future.")
    return at or now


async def _due(session: Transaction, wall_clock: str) -> datetime:
    zone = ZoneInfo(await firm.time_zone(session))
    try:
        due = datetime.fromisoformat(wall_clock)
        if not clock.now().year - 1 <= due.year <= clock.now().year + MOST_YEARS_AHEAD:
            raise Invalid(f"A deadline lies ahead, by {MOST_YEARS_AHEAD} years at most.")
        due_at = instant_at(due, zone)
    except ValueError as error:
        raise Invalid(f"No such time: {error}.") from error
    if due_at <= clock.now():
        raise Invalid("That is past: a deadline lies ahead.")
    return due_at


def _shown(session: Transaction, row: Happening) -> HappeningShown:
    words = opened(session, row.words) if row.words else None
    facts = row.model_dump(exclude={"happening_id", "words"})
    return HappeningShown.model_validate(facts | {"id": row.happening_id, "words": words})
