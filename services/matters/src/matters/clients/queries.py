"""Questions about clients."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.joint_clients.queries as joint_clients
from matters.clients.models import Client, ClientBefore
from matters.contacts.models import PointOfContact
from matters.contacts.queries import covers, now
from shared.errors import Refusal
from shared.pages import PageRequest


class ClientMerged(Refusal):
    """This entry was merged into another: work with that one."""


def require_unmerged(client: Client) -> None:
    if client.merged_into is not None:
        raise ClientMerged(
            "This entry was merged into another: work with that one.",
            client_id=str(client.merged_into),
        )


class NeverRegistered(Exception):
    """The client of an event is not known here: their ConsultationRequested was not heard, or is
    parked. Replay that first."""


async def require_registered(session: AsyncSession, client_id: UUID) -> None:
    """Raises NeverRegistered: the event is parked, and what was told of the client before it."""
    if await session.get(Client, client_id) is None:
        raise NeverRegistered(f"client {client_id}")


async def client(session: AsyncSession, client_id: UUID) -> Client | None:
    return await session.get(Client, client_id)


async def survivor(session: AsyncSession, client_id: UUID) -> UUID:
    """The entry that stays, which is mostly this one: merged into another, and that perhaps into a
    third. With the directory locked it stays so until the commit."""
    found = await session.get(Client, client_id, populate_existing=True)
    while found is not None and found.merged_into is not None:
        found = await session.get(Client, found.merged_into, populate_existing=True)
    return found.client_id if found else client_id


async def lock(session: AsyncSession, client_ids: Collection[UUID], *, share: bool = False) -> None:
    """Walls and assignments of one client come one after the other; assignments share. Several are
    locked in one order."""
    mode = "SHARE" if share else "NO KEY UPDATE"
    await session.execute(
        text(
            "SELECT FROM clients WHERE client_id = ANY (CAST(:client_ids AS uuid[]))"
            f" ORDER BY client_id FOR {mode}"
        ),
        {"client_ids": list(client_ids)},
    )


def with_contact() -> Select[Client, UUID]:
    """Rows of (client, id of the point of contact now)."""
    theirs = col(PointOfContact.subject_id) == col(Client.client_id)
    return select(Client, col(PointOfContact.staff_id)).join(PointOfContact, theirs & covers(now()))


async def history(
    session: AsyncSession, client_id: UUID, paging: PageRequest
) -> Sequence[ClientBefore]:
    """The latest first, one more than a page."""
    entries = joint_clients.entries(client_id)
    wanted = select(ClientBefore).where(col(ClientBefore.client_id).in_(entries))
    if (last := paging.after_id()) is not None:
        wanted = wanted.where(col(ClientBefore.change_id) < last)
    wanted = wanted.order_by(col(ClientBefore.change_id).desc()).limit(paging.limit + 1)
    return (await session.execute(wanted)).scalars().all()
