"""HTTP in: walls, kept by partners and compliance."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

from matters import access
from matters.walls import actions, queries
from matters.walls.models import Wall
from shared.auth import Caller
from shared.contracts.matters import WallKind
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.values import Reason

POLICY: PolicyTable = {"keep walls": {"partner": "any", "compliance": "any"}}

router = APIRouter(prefix="/v1/walls", tags=["walls"], route_class=IdempotentRoute)


class NewWall(BaseModel):
    """`screen` shuts out those named, `need_to_know` everybody else. Without a matter it stands
    around the client and all their matters. `reason` is sealed in the record."""

    model_config = ConfigDict(extra="forbid")
    client_id: UUID
    matter_id: UUID | None = None
    kind: WallKind
    staff_ids: Annotated[list[UUID], Field(min_length=1, max_length=500)]
    reason: Reason


class Lowering(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Reason


class WallShown(BaseModel):
    id: UUID
    client_id: UUID
    matter_id: UUID | None
    kind: WallKind
    staff_ids: list[UUID]
    raised_at: datetime
    lowered_at: datetime | None
    stands_for: UUID | None


@router.post("", status_code=201)
async def post_wall(
    body: NewWall, caller: Caller, session: Transaction, request: Request
) -> WallShown:
    """In force at once here, and within five seconds wherever client data is read."""
    permit(POLICY, caller, "keep walls")
    await request.state.runtime.keys.hold(body.client_id)
    if body.matter_id is not None:
        matter = await access.matter(session, caller, POLICY, "keep walls", body.matter_id)
        if matter.client_id != body.client_id:
            raise NotFound(access.NOTHING)
    await access.client(session, caller, POLICY, "keep walls", body.client_id)
    return _shown(await actions.raise_wall(session, by=caller.id, **body.model_dump()))


@router.get("")
async def list_walls(
    caller: Caller, session: Transaction, paging: PageQuery, client_id: UUID | None = None
) -> Page[WallShown]:
    """Also those lowered, in the order of raising; none that is closed to the caller."""
    permit(POLICY, caller, "keep walls")
    wanted = one_page(select(Wall), Wall.wall_id, paging).where(queries.open_walls(caller))
    if client_id is not None:
        wanted = wanted.where(col(Wall.client_id) == client_id)
    found = (await session.execute(wanted)).scalars().all()
    return page(found, paging, _shown, lambda row: [str(row.wall_id)])


@router.post("/{wall_id}/lower")
async def post_lowering(
    wall_id: UUID, body: Lowering, caller: Caller, session: Transaction, request: Request
) -> WallShown:
    """Open again at once here. Whoever stands behind it does not lower it: for them nothing is
    there."""
    permit(POLICY, caller, "keep walls")
    await access.hold_key(request, Wall, wall_id)
    wall = await session.get(Wall, wall_id)
    if wall is None:
        raise NotFound(access.NOTHING)
    await queries.require_open(session, caller, wall.client_id, wall.matter_id)
    return _shown(await actions.lower_wall(session, wall, reason=body.reason, by=caller.id))


def _shown(wall: Wall) -> WallShown:
    return WallShown(id=wall.wall_id, **wall.model_dump(exclude={"wall_id"}))
