"""HTTP in: the firm's clients."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlmodel import col

import matters.contacts.queries as contacts
import matters.firm.queries as firm
import matters.walls.queries as walls
from matters import access
from matters.clients import actions, queries
from matters.clients.models import Client, ClientBefore, What
from matters.sealed import opened
from shared import clock, revisions
from shared.accesses import record_access, record_accesses
from shared.auth import Caller
from shared.contracts.matters import ClientKind
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.revisions import IfMatch
from shared.values import EmailAddress, Line, PhoneNumber, Preferences, Reason, TimeZone

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
    """Without a time zone it is the firm's. Who decides for a company is a representative."""

    model_config = ConfigDict(extra="forbid")
    kind: ClientKind = "person"
    name: Line
    email: EmailAddress
    point_of_contact_id: UUID
    phone: PhoneNumber | None = None
    time_zone: TimeZone | None = None
    preferences: Preferences = {}


class ClientEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: ClientKind = "person"
    name: Line
    email: EmailAddress
    phone: PhoneNumber | None = None
    time_zone: TimeZone
    preferences: Preferences = {}


class ClientShown(BaseModel):
    id: UUID
    kind: ClientKind
    name: str
    email: str
    phone: str | None
    time_zone: str
    preferences: dict[str, str]
    state: Literal["prospective", "active"]
    point_of_contact_id: UUID
    registered_at: datetime
    merged_into: UUID | None


class Merging(BaseModel):
    """`merged_id` is the entry that takes nothing new any more."""

    model_config = ConfigDict(extra="forbid")
    merged_id: UUID
    reason: Reason


class ClientBeforeShown(BaseModel):
    """What was known until `changed_at`, when `changed_by` changed it: the client's details, how
    they want to hear, or (`subject_id`) somebody who speaks for them."""

    what: What
    subject_id: UUID | None
    revision: int
    changed_at: datetime
    changed_by: UUID
    facts: dict[str, Any]


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
    read = {client.client_id for client, _ in found[: paging.limit]}
    await record_accesses(session, caller, read, "list")
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
    client = await access.client(session, caller, POLICY, "change clients", client_id)
    await actions.change(session, client, if_match=if_match, by=caller.id, **body.model_dump())
    return _with_etag(client, await _contact_of(session, client_id), response)


@router.get("/{client_id}/history")
async def get_history(
    client_id: UUID, caller: Caller, session: Transaction, paging: PageQuery, request: Request
) -> Page[ClientBeforeShown]:
    """Every change of what is known of them, the latest first."""
    await access.hold_key(request, Client, client_id)
    await access.client(session, caller, POLICY, "read clients", client_id)
    await record_access(session, caller, client_id, "client")
    found = await queries.history(session, client_id, paging)
    return page(found, paging, lambda row: _before(session, row), lambda row: [str(row.change_id)])


@router.post("/{client_id}/merge")
async def post_merge(
    client_id: UUID,
    body: Merging,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
) -> ClientShown:
    """Two entries are one client. What was recorded of either stays as it was."""
    permit(POLICY, caller, "change clients")
    await access.hold_keys_of_both(request, client_id, body.merged_id)
    for one in (client_id, body.merged_id):
        await access.client(session, caller, POLICY, "change clients", one)
    facts = body.model_dump()
    client = await actions.merge(session, client_id, by=caller.id, **facts)
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


def _before(session: Transaction, row: ClientBefore) -> ClientBeforeShown:
    """Needs (accessibility) are sealed here too."""
    facts = row.facts
    if sealed := facts.get("accessibility"):
        facts = facts | {"accessibility": opened(session, sealed)}
    return ClientBeforeShown.model_validate(row.model_dump() | {"facts": facts})
