"""HTTP in: matters."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from sqlmodel import col

import matters.clients.queries as clients
import matters.contacts.queries as contacts
import matters.joint_clients.queries as joint_clients
import matters.walls.queries as walls
from matters import access
from matters.matters import actions, queries
from matters.matters.models import Matter
from shared.accesses import record_access, record_accesses
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.values import Line, Reason, Slug

POLICY: PolicyTable = {
    "read matters": {
        "partner": "any",
        "compliance": "any",
        "integration": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "open matters": {"partner": "any", "integration": "any"},
}

router = APIRouter(prefix="/v1/matters", tags=["matters"], route_class=IdempotentRoute)


class NewMatter(BaseModel):
    """`reason`: why it opens without a signed engagement; it is sealed in the record."""

    model_config = ConfigDict(extra="forbid")
    client_id: UUID
    title: Line
    practice_area: Slug
    point_of_contact_id: UUID
    reason: Reason


class MatterShown(BaseModel):
    """`joint_client_ids`: who is represented jointly with the client."""

    id: UUID
    number: str
    client_id: UUID
    joint_client_ids: list[UUID]
    title: str
    practice_area: str
    point_of_contact_id: UUID
    opened_at: datetime
    closed_at: datetime | None
    cadence_days: int | None
    engagement_id: UUID | None


@router.post("", status_code=201)
async def post_matter(
    body: NewMatter, caller: Caller, session: Transaction, request: Request
) -> MatterShown:
    """Open a matter directly. Its number counts within the firm's year, without gaps."""
    permit(POLICY, caller, "open matters")
    await request.state.runtime.keys.hold(body.client_id)
    client = await clients.client(session, body.client_id)
    if client is None:
        raise Invalid(f"There is no client {body.client_id}.")
    clients.require_unmerged(client)
    await walls.require_open(session, caller, body.client_id)
    matter = await actions.open_matter(session, by=caller.id, **body.model_dump())
    return _shown(matter, body.point_of_contact_id)


@router.get("")
async def list_matters(
    caller: Caller, session: Transaction, paging: PageQuery, client_id: UUID | None = None
) -> Page[MatterShown]:
    """Those that the caller may read, in the order of opening."""
    relation = permit(POLICY, caller, "read matters")
    wanted = one_page(queries.with_contact(), Matter.matter_id, paging)
    if client_id is not None:
        theirs = await clients.entries_of(session, client_id)
        wanted = wanted.where(col(Matter.matter_id).in_(joint_clients.matters_of(*theirs)))
    if relation == "self":
        assert caller.client_id is not None, "a client's token names the client"
        own = await clients.entries_of(session, caller.client_id)
        wanted = wanted.where(col(Matter.matter_id).in_(joint_clients.matters_of(*own)))
    if relation == "team":
        wanted = wanted.where(col(Matter.matter_id).in_(contacts.team_matters(caller)))
    wanted = wanted.where(walls.open_matters(caller))
    found = (await session.execute(wanted)).all()
    read = {matter.client_id for matter, _ in found[: paging.limit]}
    await record_accesses(session, caller, read, "list")
    joint = await joint_clients.joint_of(session, [matter.matter_id for matter, _ in found])
    return page(
        found,
        paging,
        lambda row: _shown(*row, joint.get(row[0].matter_id, [])),
        lambda row: [str(row[0].matter_id)],
    )


@router.get("/{matter_id}")
async def get_matter(matter_id: UUID, caller: Caller, session: Transaction) -> MatterShown:
    client_id = (await access.matter(session, caller, POLICY, "read matters", matter_id)).client_id
    wanted = queries.with_contact().where(col(Matter.matter_id) == matter_id)
    found = (await session.execute(wanted)).one_or_none()
    if found is None:
        raise NotFound(access.NOTHING)
    await record_access(session, caller, client_id, "client")
    joint = await joint_clients.joint_of(session, [matter_id])
    return _shown(*found, joint.get(matter_id, []))


def _shown(matter: Matter, contact_id: UUID, joint: Sequence[UUID] = ()) -> MatterShown:
    return MatterShown(
        id=matter.matter_id,
        point_of_contact_id=contact_id,
        joint_client_ids=list(joint),
        **matter.model_dump(include=set(MatterShown.model_fields)),
    )
