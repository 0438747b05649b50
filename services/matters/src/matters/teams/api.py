"""HTTP in: the team of a matter."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from matters import access
from matters.matters.models import Matter
from matters.teams import actions, queries
from shared import revisions
from shared.accesses import record_access
from shared.auth import Caller
from shared.contracts.matters import Duty
from shared.db import Transaction
from shared.errors import Invalid
from shared.idempotency import IdempotentRoute
from shared.policy import PolicyTable
from shared.revisions import IfMatch

POLICY: PolicyTable = {
    "read teams": {
        "partner": "any",
        "compliance": "any",
        "integration": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "set teams": {"partner": "any", "attorney": "team"},
}

router = APIRouter(prefix="/v1/matters", tags=["teams"], route_class=IdempotentRoute)


class Colleague(BaseModel):
    model_config = ConfigDict(extra="forbid")
    staff_id: UUID
    duty: Duty


class Team(BaseModel):
    """Who works on it beside the point of contact, who stands in, and those above them."""

    model_config = ConfigDict(extra="forbid")
    members: Annotated[list[Colleague], Field(max_length=100)]


@router.get("/{matter_id}/team")
async def get_team(
    matter_id: UUID, caller: Caller, session: Transaction, response: Response
) -> Team:
    matter = await access.matter(session, caller, POLICY, "read teams", matter_id)
    await record_access(session, caller, matter.client_id, "client")
    return await _shown(session, matter, response)


@router.put("/{matter_id}/team")
async def put_team(
    matter_id: UUID,
    body: Team,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> Team:
    """Say who works on it: who is left out does so no longer."""
    matter = await access.matter(session, caller, POLICY, "set teams", matter_id)
    duties = {one.staff_id: one.duty for one in body.members}
    if len(duties) < len(body.members):
        raise Invalid("Everybody has one duty in a team: name each once.")
    await actions.set_team(session, matter, duties, if_match=if_match)
    return await _shown(session, matter, response)


async def _shown(session: Transaction, matter: Matter, response: Response) -> Team:
    response.headers["ETag"] = revisions.etag(matter.team_revision)
    found = await queries.members(session, matter.matter_id)
    return Team(members=[Colleague(staff_id=one.staff_id, duty=one.duty) for one in found])
