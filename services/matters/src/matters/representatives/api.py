"""HTTP in: who speaks for a client, and with what authority."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlmodel import col

import matters.joint_clients.queries as joint_clients
from matters import access
from matters.clients.models import Client
from matters.representatives import actions
from matters.representatives.models import Authority, Representative
from shared import revisions
from shared.accesses import record_access
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.revisions import IfMatch
from shared.values import EmailAddress, Line, PhoneNumber

POLICY: PolicyTable = {
    "read representatives": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "keep representatives": {"partner": "any", "attorney": "team"},
}

router = APIRouter(prefix="/v1", tags=["representatives"], route_class=IdempotentRoute)


class RepresentativeEntry(BaseModel):
    """`decide`: may decide for the client; `inform`: may be told, and asks, and no more."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    email: EmailAddress
    phone: PhoneNumber | None = None
    authority: Authority


class RepresentativeShown(BaseModel):
    id: UUID
    client_id: UUID
    name: str
    email: str
    phone: str | None
    authority: Authority
    added_at: datetime
    ended_at: datetime | None


@router.post("/clients/{client_id}/representatives", status_code=201)
async def post_representative(
    client_id: UUID,
    body: RepresentativeEntry,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
) -> RepresentativeShown:
    await access.hold_key(request, Client, client_id)
    client = await access.client(session, caller, POLICY, "keep representatives", client_id)
    return _shown(await actions.add(session, client, **body.model_dump()), response)


@router.get("/clients/{client_id}/representatives")
async def list_representatives(
    client_id: UUID, caller: Caller, session: Transaction, paging: PageQuery
) -> Page[RepresentativeShown]:
    """Also those whose authority ended, in the order of adding."""
    await access.client(session, caller, POLICY, "read representatives", client_id)
    await record_access(session, caller, client_id, "client")
    entries = joint_clients.entries(client_id)
    theirs = select(Representative).where(col(Representative.client_id).in_(entries))
    wanted = one_page(theirs, Representative.representative_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    return page(found, paging, _shown, lambda row: [str(row.representative_id)])


@router.put("/representatives/{representative_id}")
async def put_representative(
    representative_id: UUID,
    body: RepresentativeEntry,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> RepresentativeShown:
    await access.hold_key(request, Representative, representative_id)
    found = await _kept(session, caller, representative_id)
    facts = body.model_dump()
    await actions.change(session, found, if_match=if_match, by=caller.id, **facts)
    return _shown(found, response)


@router.delete("/representatives/{representative_id}", status_code=204)
async def delete_representative(
    representative_id: UUID, caller: Caller, session: Transaction, request: Request
) -> None:
    """Their authority ends now; what they decided stands."""
    await access.hold_key(request, Representative, representative_id)
    await actions.end(session, await _kept(session, caller, representative_id), by=caller.id)


async def _kept(session: Transaction, caller: Caller, representative_id: UUID) -> Representative:
    permit(POLICY, caller, "keep representatives")
    found = await session.get(Representative, representative_id, with_for_update=True)
    if found is None or found.ended_at is not None:
        raise NotFound(access.NOTHING)
    await access.client(session, caller, POLICY, "keep representatives", found.client_id)
    return found


def _shown(row: Representative, response: Response | None = None) -> RepresentativeShown:
    if response is not None:
        response.headers["ETag"] = revisions.etag(row.revision)
    left_out = {"representative_id", "revision"}
    return RepresentativeShown(id=row.representative_id, **row.model_dump(exclude=left_out))
