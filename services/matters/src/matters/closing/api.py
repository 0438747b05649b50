"""HTTP in: close a matter, and see how it was closed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

import matters.staff.queries as staff
from matters import access
from matters.closing import actions
from matters.closing.models import Closing
from matters.matters.models import Matter
from matters.sealed import opened
from matters.updates.api import Words
from shared.accesses import record_access
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.policy import PolicyTable
from shared.values import Reason

POLICY: PolicyTable = {
    "read closings": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
    },
    "close matters": {"partner": "any", "attorney": "team"},
}

router = APIRouter(prefix="/v1", tags=["closing"], route_class=IdempotentRoute)


class GivenUp(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: UUID
    reason: Reason


class NewClosing(BaseModel):
    """`letter` goes to the client as the last update: how it ended, what they keep and must do; how
    they got their file is added to it. `give_up` names what may stay open, each with its reason;
    the file, by the matter's id, with one that the client reads in the letter."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason
    letter: Words
    give_up: Annotated[list[GivenUp], Field(max_length=200)] = []


class LeftOpenShown(BaseModel):
    """A clock, a decision, a question or the file (`kind`) that was given up, and why."""

    id: UUID
    kind: str
    reason: str


class ClosingShown(BaseModel):
    """Retention counts from `closed_at`. Without `file_handover_id` the client has not got their
    file, for the reason in `given_up`."""

    matter_id: UUID
    reason: str
    given_up: list[LeftOpenShown]
    file_handover_id: UUID | None
    closed_by: UUID
    closed_at: datetime


@router.post("/matters/{matter_id}/close", status_code=201)
async def post_closing(
    matter_id: UUID, body: NewClosing, caller: Caller, session: Transaction, request: Request
) -> ClosingShown:
    """Refused while clocks, decisions or questions are open, or the client has not got their file
    (`/file-handovers`), that are not given up. The letter cannot be taken back."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "close matters", matter_id)
    closing = await actions.close(
        session,
        matter,
        reason=body.reason,
        letter=body.letter,
        give_up={one.id: one.reason for one in body.give_up},
        by=(await staff.member(session, caller)).staff_id,
    )
    return _shown(session, closing)


@router.get("/matters/{matter_id}/closing")
async def get_closing(
    matter_id: UUID, caller: Caller, session: Transaction, request: Request
) -> ClosingShown:
    """Why it was closed, and what was given up. Missing while the matter is open."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "read closings", matter_id)
    await record_access(session, caller, matter.client_id, "timeline")
    closing = await session.get(Closing, matter_id)
    if closing is None:
        raise NotFound("The matter is open.")
    return _shown(session, closing)


def _shown(session: Transaction, row: Closing) -> ClosingShown:
    facts = row.model_dump(exclude={"reason", "given_up"})
    left = [
        LeftOpenShown(**one | {"reason": opened(session, one["reason"])}) for one in row.given_up
    ]
    return ClosingShown(reason=opened(session, row.reason), given_up=left, **facts)
