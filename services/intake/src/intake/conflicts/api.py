"""HTTP in: what a check found, and what a partner decides; interests of the firm's own people."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

import intake.directory.queries as directory
import intake.names.actions as names
from intake import access
from intake.access import TABLE
from intake.conflicts import actions, queries
from intake.conflicts.actions import Consent
from intake.conflicts.models import ConflictCheck, ConflictHit, State
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import Refusal
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.policy import permit
from shared.values import Line, Prose

router = APIRouter(prefix="/v1", tags=["intake"], route_class=IdempotentRoute)
Reasons = Annotated[Prose, Field(min_length=10)]
BEHIND_A_WALL = {
    "found": None,
    "client_id": None,
    "because": "whom it is about stands behind a wall",
}


class HitBehindWall(Refusal):
    """Whom a hit is about is closed to the caller: somebody who may read it must decide."""


class HitShown(BaseModel):
    """Without `found` and `client_id` where whom it is about stands behind a wall."""

    asked: str
    found: str | None
    found_role: str
    client_id: UUID | None
    score: float
    because: str
    serious: bool


class CheckShown(BaseModel):
    id: UUID
    consultation_id: UUID
    revision: int
    state: State
    names: int
    completed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    hits: list[HitShown]


class Clearance(BaseModel):
    """`revision`: the run that was read."""

    model_config = ConfigDict(extra="forbid")
    revision: int
    reasons: Reasons


class ConsentGiven(BaseModel):
    """`file_id`: what they signed, uploaded before."""

    model_config = ConfigDict(extra="forbid")
    client_id: UUID
    file_id: UUID
    given_at: AwareDatetime


class Waiver(Clearance):
    """`screened`: who is kept away by a wall."""

    consents: Annotated[list[ConsentGiven], Field(max_length=50)]
    screened: Annotated[list[UUID], Field(max_length=200)] = []


class Interest(BaseModel):
    """Somebody in whom a member of staff has a stake: family, a company held, a former employer."""

    model_config = ConfigDict(extra="forbid")
    staff_id: UUID
    kind: Literal["person", "company"]
    name: Line


@router.get("/consultations/{consultation_id}/conflict-check")
async def get_check(
    consultation_id: UUID, caller: Caller, session: Transaction, request: Request
) -> CheckShown:
    client_id = await access.holding(request, caller, "read conflict checks", consultation_id)
    await record_access(session, caller, client_id, "client")
    check = await queries.check_of(session, consultation_id)
    return await _shown(session, caller, check)


@router.post("/consultations/{consultation_id}/conflict-check/clear")
async def post_clear(
    consultation_id: UUID,
    body: Clearance,
    caller: Caller,
    session: Transaction,
    request: Request,
) -> CheckShown:
    """A partner finds that there is no conflict. Of two who decide at once one is first."""
    await access.holding(request, caller, "decide conflicts", consultation_id)
    await _require_all_shown(session, caller, consultation_id)
    check = await actions.clear(session, consultation_id, by=caller.id, **body.model_dump())
    return await _shown(session, caller, check)


@router.post("/consultations/{consultation_id}/conflict-check/waive")
async def post_waive(
    consultation_id: UUID, body: Waiver, caller: Caller, session: Transaction, request: Request
) -> CheckShown:
    """There is a conflict, and everybody affected consented in writing."""
    await access.holding(request, caller, "decide conflicts", consultation_id)
    await _require_all_shown(session, caller, consultation_id)
    check = await actions.waive(
        session,
        consultation_id,
        revision=body.revision,
        reasons=body.reasons,
        consents=[Consent(**one.model_dump()) for one in body.consents],
        screened=body.screened,
        by=caller.id,
    )
    return await _shown(session, caller, check)


@router.post("/staff-interests", status_code=204)
async def post_interest(body: Interest, caller: Caller, session: Transaction) -> None:
    """Compared in every check from now on, and at once with what is open."""
    permit(TABLE, caller, "declare interests")
    await directory.active_staff(session, body.staff_id)
    new = await names.keep(
        session, subject_id=new_id(), role="interest", kind=body.kind, written=[body.name]
    )
    await actions.look_again(session, new, "interest")


async def _require_all_shown(
    session: Transaction, caller: CallerIdentity, consultation_id: UUID
) -> None:
    """Nobody decides on what they may not read. Raises HitBehindWall."""
    closed = await access.closed_clients(session, caller)
    check = await queries.check_of(session, consultation_id)
    hits = await queries.hits(session, check)
    if any(hit.serious and hit.found_client_id in closed for hit in hits):
        raise HitBehindWall(
            "A hit is about somebody behind a wall that keeps you out: a partner inside must"
            " decide, or who keeps the walls lets one in."
        )


async def _shown(session: Transaction, caller: CallerIdentity, check: ConflictCheck) -> CheckShown:
    closed = await access.closed_clients(session, caller)
    hits = await queries.hits(session, check)
    return CheckShown(
        id=check.check_id,
        hits=[_hit(one, hidden=one.found_client_id in closed) for one in hits],
        **check.model_dump(include=set(CheckShown.model_fields)),
    )


def _hit(one: ConflictHit, *, hidden: bool) -> HitShown:
    shown = HitShown(
        client_id=one.found_client_id, **one.model_dump(include=set(HitShown.model_fields))
    )
    return shown.model_copy(update=BEHIND_A_WALL) if hidden else shown
