"""Register clients and keep how to reach them."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.contacts.actions as points
import matters.representatives.queries as representatives
from matters import revisions
from matters.clients.models import Client
from shared.contracts import Sealed
from shared.contracts.matters import ClientChanged, ClientContact, ClientRegistered
from shared.errors import NotFound
from shared.keyring import seal
from shared.outbox import emit


async def register(
    session: AsyncSession, client: Client, *, point_of_contact_id: UUID, by: UUID
) -> None:
    """The client's key must be held: it was made before this transaction."""
    session.add(client)
    await session.flush()
    emit(session, ClientRegistered(**_told(session, client)))
    await points.assign_first(
        session,
        client_id=client.client_id,
        staff_id=point_of_contact_id,
        from_at=client.registered_at,
        by=by,
    )


async def change(
    session: AsyncSession, client_id: UUID, *, if_match: str | None, **facts: Any
) -> Client:
    """Replace what is known of a client; raises NotFound and PreconditionFailed."""
    found = await session.execute(
        select(Client).where(col(Client.client_id) == client_id).with_for_update()
    )
    client = found.scalar_one_or_none()
    if client is None:
        raise NotFound("There is no such client.")
    revisions.check(if_match, client.revision)
    for name, value in facts.items():
        setattr(client, name, value)
    client.revision += 1
    await _tell_changed(session, client)
    return client


async def engage(session: AsyncSession, client_id: UUID) -> None:
    """Who signed an engagement is a client from now on. The client's key must be held."""
    client = await session.get_one(Client, client_id, with_for_update=True)
    if client.state != "active":
        client.state = "active"
        client.revision += 1
        await _tell_changed(session, client)


async def tell_changed(session: AsyncSession, client_id: UUID) -> None:
    """Something that belongs to a client changed, and is told with all that is known of them."""
    client = await session.get_one(Client, client_id, with_for_update=True)
    client.revision += 1
    await _tell_changed(session, client)


async def _tell_changed(session: AsyncSession, client: Client) -> None:
    contacts = tuple(
        ClientContact(
            contact_id=one.representative_id,
            name=_sealed(session, one.client_id, one.representative_id, "name", one.name),
            email=_sealed(session, one.client_id, one.representative_id, "email", one.email),
            phone=_sealed(session, one.client_id, one.representative_id, "phone", one.phone)
            if one.phone
            else None,
            authority=one.authority,
        )
        for one in await representatives.of_client(session, client.client_id)
    )
    emit(session, ClientChanged(contacts=contacts, **_told(session, client)))


def _told(session: AsyncSession, client: Client) -> dict[str, Any]:
    def sealed(field: str, value: str) -> Sealed:
        return _sealed(session, client.client_id, client.client_id, field, value)

    return {
        "client_id": client.client_id,
        "state": client.state,
        "name": sealed("name", client.name),
        "email": sealed("email", client.email),
        "phone": sealed("phone", client.phone) if client.phone else None,
        "time_zone": client.time_zone,
        "preferences": client.preferences,
    }


def _sealed(
    session: AsyncSession, client_id: UUID, content_id: UUID, field: str, value: str
) -> Sealed:
    return seal(session, client_id, content_id, "client", field, value)
