"""HTTP in: the firm's clients."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlmodel import col

import matters.contacts.queries as contacts
import matters.firm.queries as firm
import matters.walls.queries as walls
from matters import access, revisions
from matters.clients import actions, queries
from matters.clients.models import Client
from matters.revisions import IfMatch
from matters.values import EmailAddress, Line, PhoneNumber, Preferences, TimeZone
from shared import clock
from shared.accesses import record_access
from shared.auth import Caller
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit

POLICY: PolicyTable = {
    "read clients": {
        "partner": "any",
        "compliance": "any",
        "integration": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "register clients": {"partner": "any", "integration": "any"},
    "change clients": {"partner": "any"},
}

router = APIRouter(prefix="/v1/clients", tags=["clients"], route_class=IdempotentRoute)


class NewClient(BaseModel):
    """Without a time zone it is the firm's."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    email: EmailAddress
    point_of_contact_id: UUID
    phone: PhoneNumber | None = None
    time_zone: TimeZone | None = None
    preferences: Preferences = {}


class ClientEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Line
    email: EmailAddress
    phone: PhoneNumber | None = None
    time_zone: TimeZone
    preferences: Preferences = {}


class ClientShown(BaseModel):
    id: UUID
    name: str
    email: str
    phone: str | None
    time_zone: str
    preferences: dict[str, str]
    state: Literal["prospective", "active"]
    point_of_contact_id: UUID
    registered_at: datetime


@router.post("", status_code=201)
async def post_client(
    body: NewClient, caller: Caller, session: Transaction, request: Request, response: Response
) -> ClientShown:
    """A client exists from now on, with a key of their own and a point of contact."""
    permit(POLICY, caller, "register clients")
    client_id = new_id()
    await request.state.runtime.keys.hold(client_id, create=True)
    client = Client(
        client_id=client_id,
        registered_at=await clock.database_now(session),
        time_zone=body.time_zone or await firm.time_zone(session),
        **body.model_dump(exclude={"time_zone", "point_of_contact_id"}),
    )
    contact_id = body.point_of_contact_id
    await actions.register(session, client, point_of_contact_id=contact_id, by=caller.id)
    return _with_etag(client, contact_id, response)


@router.get("")
async def list_clients(
    caller: Caller, session: Transaction, paging: PageQuery
) -> Page[ClientShown]:
    """Those whom the caller may read, in the order of registration."""
    relation = permit(POLICY, caller, "read clients")
    wanted = one_page(queries.with_contact(), Client.client_id, paging)
    if relation == "self":
        wanted = wanted.where(col(Client.client_id) == caller.client_id)
    if relation == "team":
        wanted = wanted.where(col(Client.client_id).in_(contacts.team_clients(caller)))
    wanted = wanted.where(walls.open_clients(caller))
    found = (await session.execute(wanted)).all()
    for client, _ in found[: paging.limit]:
        await record_access(session, caller, client.client_id, "list")
    return page(found, paging, lambda row: _shown(*row), lambda row: [str(row[0].client_id)])


@router.get("/{client_id}")
async def get_client(
    client_id: UUID, caller: Caller, session: Transaction, response: Response
) -> ClientShown:
    client = await access.client(session, caller, POLICY, "read clients", client_id)
    await record_access(session, caller, client_id, "client")
    return _with_etag(client, await _contact_of(session, client_id), response)


@router.put("/{client_id}")
async def put_client(
    client_id: UUID,
    body: ClientEntry,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> ClientShown:
    """Replace what is known of the client: what is left out is unset."""
    permit(POLICY, caller, "change clients")
    await request.state.runtime.keys.hold(client_id)
    await access.client(session, caller, POLICY, "change clients", client_id)
    client = await actions.change(session, client_id, if_match=if_match, **body.model_dump())
    return _with_etag(client, await _contact_of(session, client_id), response)


async def _contact_of(session: Transaction, client_id: UUID) -> UUID:
    contact = await contacts.in_force(session, client_id)
    assert contact is not None, "a client is never without a point of contact"
    return contact.staff_id


def _with_etag(client: Client, contact_id: UUID, response: Response) -> ClientShown:
    response.headers["ETag"] = revisions.etag(client.revision)
    return _shown(client, contact_id)


def _shown(client: Client, contact_id: UUID) -> ClientShown:
    return ClientShown(
        id=client.client_id,
        point_of_contact_id=contact_id,
        **client.model_dump(exclude={"client_id", "revision"}),
    )
