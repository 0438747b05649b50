"""Whose it is, and whether the caller may: asked by every door before it does anything. Foreign,
walled off and missing are one answer."""

from collections.abc import Sequence
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


async def hold_keys_of_entries(request: Request, client_id: UUID) -> None:
    """Likewise for all entries of a client, whose rows are read together."""
    runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        entries = await joint_clients.entries_of(looking, client_id)
    await runtime.keys.hold(*entries)


async def own(session: AsyncSession, caller: CallerIdentity, row: ClientRow) -> None:
    """What is told or asked of each client is shown to that client alone, whichever of their
    entries it was told; raises NotFound."""
    if caller.role == "client" and row.client_id not in await own_entries(session, caller):
        raise NotFound(NOTHING)


def theirs(caller: CallerIdentity, of: type[ClientRow]) -> ColumnElement[bool]:
    """For a list of what is told or asked of each client: likewise."""
    if caller.role != "client" or caller.client_id is None:
        return true()
    return col(of.client_id).in_(joint_clients.entries(caller.client_id))


async def own_entries(session: AsyncSession, caller: CallerIdentity) -> Sequence[UUID]:
    assert caller.client_id is not None, "a client's token names the client"
    return await joint_clients.entries_of(session, caller.client_id)


async def as_client(session: AsyncSession, caller: CallerIdentity, matter: Matter) -> UUID:
    """As which of their entries the client who calls is one of this matter."""
    own = await own_entries(session, caller)
    return await joint_clients.member_of(session, own, matter.matter_id) or matter.client_id
