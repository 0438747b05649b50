"""Register clients and keep how to reach them."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.contacts.actions as contacts
from matters import revisions
from matters.clients.models import Client
from shared.contracts import Sealed
from shared.contracts.matters import ClientChanged, ClientRegistered
from shared.errors import NotFound
from shared.keyring import seal
from shared.outbox import emit


async def register(
    session: AsyncSession, client: Client, *, point_of_contact_id: UUID, by: UUID
) -> None:
    """The client's key must be held: it was made before this transaction."""
    session.add(client)
    await session.flush()
    told = _told(session, client) | {"registered_at": client.registered_at}
    emit(session, ClientRegistered.model_validate(told))
    await contacts.assign_first(
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
    emit(session, ClientChanged(**_told(session, client)))
    return client


def _told(session: AsyncSession, client: Client) -> dict[str, Any]:
    def sealed(field: str, value: str) -> Sealed:
        return seal(session, client.client_id, client.client_id, "client", field, value)

    return {
        "client_id": client.client_id,
        "name": sealed("name", client.name),
        "email": sealed("email", client.email),
        "phone": sealed("phone", client.phone) if client.phone else None,
        "time_zone": client.time_zone,
        "preferences": client.preferences,
    }
