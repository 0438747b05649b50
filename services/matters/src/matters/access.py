"""Whose it is, and whether the caller may: asked by every door before it does anything. Foreign,
walled off and missing are one answer."""

from uuid import UUID

from fastapi import Request
from sqlalchemy import ColumnElement, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.contacts.queries as contacts
import matters.joint_clients.queries as joint_clients
import matters.walls.queries as walls
from matters.clients.models import Client
from matters.matters.models import Matter
from matters.tables import ClientRow
from shared.auth import CallerIdentity
from shared.errors import NotFound
from shared.policy import PolicyTable, permit

NOTHING = walls.NOTHING


async def client(
    session: AsyncSession, caller: CallerIdentity, table: PolicyTable, action: str, client_id: UUID
) -> Client:
    permit(table, caller, action)
    relations = await contacts.relations(session, caller, client_id)
    permit(table, caller, action, relations)
    found = await session.get(Client, client_id)
    if found is None:
        raise NotFound(NOTHING)
    return found


async def matter(
    session: AsyncSession, caller: CallerIdentity, table: PolicyTable, action: str, matter_id: UUID
) -> Matter:
    permit(table, caller, action)
    found = await session.get(Matter, matter_id)
    if found is None:
        raise NotFound(NOTHING)
    relations = await contacts.relations(session, caller, found.client_id, matter_id)
    permit(table, caller, action, relations)
    return found


async def hold_key(request: Request, owned: type[ClientRow], row_id: UUID) -> None:
    """Have the key of the client whose row this is, and of all clients of its matter, at hand
    before the request's own transaction begins. Tells nothing: what is missing or foreign is
    refused later."""
    runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        row = await looking.get(owned, row_id)
        matter_id = getattr(row, "matter_id", None)
        others = await joint_clients.members(looking, matter_id) if matter_id else ()
    if row is not None:
        await runtime.keys.hold(row.client_id, *(one.client_id for one in others))


async def hold_keys_of_both(request: Request, client_id: UUID, merged_id: UUID) -> None:
    """Likewise for two entries that become one, and for the clients with whom they are joint."""
    runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        joint = await joint_clients.joint_matters(looking, merged_id)
    await runtime.keys.hold(client_id, merged_id, *(one.client_id for one in joint))


def own(caller: CallerIdentity, row: ClientRow) -> None:
    """What is told or asked of each client is shown to that client alone; raises NotFound."""
    if caller.role == "client" and caller.client_id != row.client_id:
        raise NotFound(NOTHING)


def theirs(caller: CallerIdentity, of: type[ClientRow]) -> ColumnElement[bool]:
    """For a list of what is told or asked of each client: likewise."""
    return true() if caller.role != "client" else col(of.client_id) == caller.client_id
