"""HTTP in: whom a matter concerns."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from matters import access
from matters.matters.models import Matter
from matters.parties import actions, queries
from matters.sealed import opened
from shared import revisions
from shared.accesses import record_access
from shared.auth import Caller
from shared.contracts import Sealed
from shared.contracts.matters import MatterParty, PartyRole
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.keyring import seal
from shared.policy import PolicyTable
from shared.revisions import IfMatch
from shared.values import Line

POLICY: PolicyTable = {
    "read parties": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
    },
    "set parties": {"partner": "any", "attorney": "team"},
}

router = APIRouter(prefix="/v1/matters", tags=["parties"], route_class=IdempotentRoute)


class PartyEntry(BaseModel):
    """Without an `id` it is somebody new."""

    model_config = ConfigDict(extra="forbid")
    id: UUID | None = None
    role: PartyRole
    kind: Literal["person", "company"] = "person"
    name: Line
    also: Annotated[list[Line], Field(max_length=20)] = []


class Parties(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parties: Annotated[list[PartyEntry], Field(max_length=200)]


@router.get("/{matter_id}/parties")
async def get_parties(
    matter_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> Parties:
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "read parties", matter_id)
    await record_access(session, caller, matter.client_id, "client")
    return await _shown(session, matter, response)


@router.put("/{matter_id}/parties")
async def put_parties(
    matter_id: UUID,
    body: Parties,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> Parties:
    """All of them: who is left out is none any more. Intake looks for conflicts among them."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "set parties", matter_id)
    parties = [_sealed(session, matter, one) for one in body.parties]
    await actions.set_parties(session, matter, parties, if_match=if_match)
    return await _shown(session, matter, response)


def _sealed(session: Transaction, matter: Matter, entry: PartyEntry) -> MatterParty:
    party_id = entry.id or new_id()

    def sealed(field: str, name: str) -> Sealed:
        return seal(session, matter.client_id, party_id, "party", field, name)

    return MatterParty(
        party_id=party_id,
        role=entry.role,
        kind=entry.kind,
        name=sealed("name", entry.name),
        also=tuple(sealed(f"also/{n}", name) for n, name in enumerate(entry.also)),
    )


async def _shown(session: Transaction, matter: Matter, response: Response) -> Parties:
    response.headers["ETag"] = revisions.etag(matter.parties_revision)
    return Parties(
        parties=[
            PartyEntry(
                id=one.party_id,
                role=one.role,
                kind=one.kind,
                name=opened(session, one.name),
                also=[opened(session, name) for name in one.also],
            )
            for one in await queries.parties(session, matter.matter_id)
        ]
    )
