"""HTTP in: close a matter, and hand its file over."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

import matters.staff.queries as staff
from matters import access
from matters.closing import actions
from matters.matters.models import Matter
from matters.updates.api import Words
from shared.auth import Caller
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.policy import PolicyTable
from shared.values import Reason

POLICY: PolicyTable = {"close matters": {"partner": "any", "attorney": "team"}}

router = APIRouter(prefix="/v1", tags=["closing"], route_class=IdempotentRoute)


class GivenUp(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: UUID
    reason: Reason


class NewClosing(BaseModel):
    """`letter` goes to the client as the last update: how it ended, what they keep and must do.
    `give_up` names what may stay open, each with its reason."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason
    letter: Words
    give_up: Annotated[list[GivenUp], Field(max_length=200)] = []


class ClosingShown(BaseModel):
    """Retention counts from `closed_at`."""

    matter_id: UUID
    closed_by: UUID
    closed_at: datetime


@router.post("/matters/{matter_id}/close", status_code=201)
async def post_closing(
    matter_id: UUID, body: NewClosing, caller: Caller, session: Transaction, request: Request
) -> ClosingShown:
    """Refused while clocks, decisions or questions are open that are not given up."""
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
    return ClosingShown(**closing.model_dump(include=set(ClosingShown.model_fields)))
