"""HTTP in: hand over everything that somebody has, and see how far it is."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from matters.handovers import actions
from matters.handovers.models import Handover
from matters.staff.models import StaffMember
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.policy import PolicyTable, permit

POLICY: PolicyTable = {"hand over everything": {"partner": "any"}}

router = APIRouter(prefix="/v1", tags=["handovers"], route_class=IdempotentRoute)


class NewHandover(BaseModel):
    model_config = ConfigDict(extra="forbid")
    to_staff_id: UUID
    stand_in_id: UUID | None = None


class Refused(BaseModel):
    """A client or matter that stays where it is until a person decides, and the code of why."""

    subject_id: UUID
    code: str


class HandoverShown(BaseModel):
    """It has ended when `ended_at` is set: then `done` and what was refused are everything."""

    id: UUID
    staff_id: UUID
    to_staff_id: UUID
    stand_in_id: UUID | None
    total: int
    done: int
    refused: list[Refused]
    begun_at: datetime
    ended_at: datetime | None


@router.post("/staff/{staff_id}/handovers", status_code=202)
async def post_handover(
    staff_id: UUID, body: NewHandover, caller: Caller, session: Transaction
) -> HandoverShown:
    """Begin; every client hears of it. Behind a wall nothing is handed over, and it is said."""
    permit(POLICY, caller, "hand over everything")
    if await session.get(StaffMember, staff_id) is None:
        raise NotFound("There is no such member of staff.")
    return _shown(await actions.begin(session, staff_id, by=caller.id, **body.model_dump()))


@router.get("/handovers/{handover_id}")
async def get_handover(handover_id: UUID, caller: Caller, session: Transaction) -> HandoverShown:
    permit(POLICY, caller, "hand over everything")
    handover = await session.get(Handover, handover_id)
    if handover is None:
        raise NotFound("There is no such handover.")
    return _shown(handover)


def _shown(handover: Handover) -> HandoverShown:
    facts = handover.model_dump(exclude={"handover_id"})
    return HandoverShown.model_validate(facts | {"id": handover.handover_id})
