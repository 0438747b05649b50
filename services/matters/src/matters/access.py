"""Whose it is, and whether the caller may: asked by every door before it does anything. Foreign,
walled off and missing are one answer."""

from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

import matters.contacts.queries as contacts
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
    """Have the key of the client whose row this is at hand before the request's own transaction
    begins. Tells nothing: what is missing or foreign is refused later."""
    runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        row = await looking.get(owned, row_id)
    if row is not None:
        await runtime.keys.hold(row.client_id)
