"""HTTP in: who is represented jointly in a matter."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlmodel import col

import matters.walls.queries as walls
from matters import access
from matters.joint_clients import actions
from matters.joint_clients.models import MatterClient
from matters.matters.models import Matter
from shared.accesses import record_access
from shared.auth import Caller
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.pages import Page
from shared.policy import PolicyTable, permit
from shared.values import Reason

POLICY: PolicyTable = {
    "read joint clients": {
        "partner": "any",
        "compliance": "any",
        "integration": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "change joint clients": {"partner": "any", "integration": "any"},
}

router = APIRouter(prefix="/v1/matters", tags=["joint clients"], route_class=IdempotentRoute)


class NewJointClient(BaseModel):
    """`reason`: how all of them agreed to be represented together, knowing that nothing in the
    matter stays secret between them. It is sealed in the record."""

    model_config = ConfigDict(extra="forbid")
    client_id: UUID
    reason: Reason


class Leaving(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Reason


class JointClientShown(BaseModel):
    """From `joined_at` until `left_at`."""

    client_id: UUID
    matter_id: UUID
    joined_at: datetime
    left_at: datetime | None


@router.post("/{matter_id}/joint-clients", status_code=201)
async def post_joint_client(
    matter_id: UUID, body: NewJointClient, caller: Caller, session: Transaction, request: Request
) -> JointClientShown:
    """From now on they are told, asked and answered on their own, and read the matter."""
    permit(POLICY, caller, "change joint clients")
    await access.hold_key(request, Matter, matter_id)
    await request.state.runtime.keys.hold(body.client_id)
    matter = await access.matter(session, caller, POLICY, "change joint clients", matter_id)
    await walls.require_open(session, caller, body.client_id)
    return _shown(await actions.join(session, matter, body.client_id, reason=body.reason))


@router.get("/{matter_id}/joint-clients")
async def list_joint_clients(
    matter_id: UUID, caller: Caller, session: Transaction
) -> Page[JointClientShown]:
    """Also those who left, in the order of joining."""
    matter = await access.matter(session, caller, POLICY, "read joint clients", matter_id)
    await record_access(session, caller, matter.client_id, "client")
    found = await session.execute(
        select(MatterClient)
        .where(
            col(MatterClient.matter_id) == matter_id, col(MatterClient.membership_id) != matter_id
        )
        .order_by(col(MatterClient.membership_id))
    )
    return Page(items=[_shown(one) for one in found.scalars()])


@router.post("/{matter_id}/joint-clients/{client_id}/leave", status_code=204)
async def post_leaving(
    matter_id: UUID,
    client_id: UUID,
    body: Leaving,
    caller: Caller,
    session: Transaction,
    request: Request,
) -> None:
    """What they were told stands; from now on they are told nothing more of this matter."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "change joint clients", matter_id)
    await actions.leave(session, matter, client_id, reason=body.reason)


def _shown(member: MatterClient) -> JointClientShown:
    return JointClientShown.model_validate(member.model_dump(exclude={"membership_id"}))
