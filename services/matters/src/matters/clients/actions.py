"""Register clients and keep how to reach them."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.contacts.actions as points
import matters.joint_clients.actions as joint
import matters.joint_clients.queries as joint_clients
import matters.preferences.actions as wishes
import matters.preferences.queries as allowed
import matters.representatives.queries as representatives
import matters.walls.actions as walls
from matters.clients import queries
from matters.clients.models import Client, ClientBefore, What
from shared import clock, revisions
from shared.contracts import FIRM_ID, Sealed
from shared.contracts.matters import (
    ClientChanged,
    ClientContact,
    ClientRegistered,
    ClientsMerged,
)
from shared.errors import Invalid
from shared.keyring import seal
from shared.outbox import emit

DETAILS = {"kind", "name", "email", "phone", "time_zone", "preferences", "state", "merged_into"}


async def register(
    session: AsyncSession, client: Client, *, point_of_contact_id: UUID, by: UUID
) -> None:
    """The client's key must be held: it was made before this transaction. Raises
    ContradictsConsent: nobody has consented before they are known."""
    await allowed.require_consents(session, client.client_id, client.preferences)
    session.add(client)
    await session.flush()
    await points.require_may_answer(session, point_of_contact_id, client.client_id)
    told = _told(session, client) | {"registered_at": client.registered_at}
    emit(session, ClientRegistered.model_validate(told))
    points.assign_first(
        session,
        client_id=client.client_id,
        staff_id=point_of_contact_id,
        from_at=client.registered_at,
        by=by,
    )
    if client.preferences:
        await wishes.begin(session, client)


async def change(
    session: AsyncSession,
    client: Client,
    *,
    preferences: dict[str, str],
    if_match: str | None,
    by: UUID,
    **facts: Any,
) -> None:
    """Replace what is known of a client; what was known before is kept. Raises PreconditionFailed,
    ClientMerged and ContradictsConsent."""
    kept = await wishes.locked(session, client)
    revisions.check(if_match, client.revision)
    queries.require_unmerged(client)
    await allowed.require_consents(session, client.client_id, preferences)
    await _keep_details(session, client, by)
    if preferences != client.preferences:
        await wishes.wish(session, client, kept, preferences)
    for name, value in facts.items():
        setattr(client, name, value)
    client.revision += 1
    await _tell_changed(session, client)


async def merge(
    session: AsyncSession, client_id: UUID, merged_id: UUID, *, reason: str, by: UUID
) -> Client:
    """Two entries are one client: this one stays, the other takes nothing new, nor do those that
    were merged into the other before. Nothing that was recorded is rewritten; the one that stays
    takes the other's place in open matters of others, and what is closed around one of them is
    closed around all. Raises ClientMerged, also for the second of two at once, and
    WallBeforeContact. The keys of both, and of those others, must be held."""
    await walls.lock_around(session, client_id, merged_id)
    found = await session.execute(
        select(Client)
        .where(
            col(Client.client_id).in_([client_id, merged_id])
            | (col(Client.merged_into) == merged_id)
        )
        .order_by(col(Client.client_id))
        .with_for_update()
    )
    entries = {one.client_id: one for one in found.scalars()}
    if client_id == merged_id or not {client_id, merged_id} <= set(entries):
        raise Invalid("Merge a client into another one, and name both.")
    kept = entries.pop(client_id)
    queries.require_unmerged(kept)
    queries.require_unmerged(entries[merged_id])
    for one in entries.values():
        await _keep_details(session, one, by)
        one.merged_into = client_id
        one.revision += 1
    emit(
        session,
        ClientsMerged(
            client_id=client_id,
            merged_id=merged_id,
            reason=_sealed(session, client_id, merged_id, "merged", reason),
            merged_by=by,
            merged_at=await clock.database_now(session),
        ),
    )
    for matter in await joint_clients.joint_matters(session, merged_id):
        if matter.client_id != merged_id:
            await joint.follow(session, matter, merged_id, client_id, reason=reason)
    await walls.stand_together(session, client_id, reason=reason)
    return kept


async def keep_before(
    session: AsyncSession,
    client_id: UUID,
    what: What,
    revision: int,
    facts: dict[str, Any],
    *,
    by: UUID,
    subject_id: UUID | None = None,
) -> None:
    """What was known until now, before it is changed: once for each revision."""
    session.add(
        ClientBefore(
            client_id=client_id,
            what=what,
            subject_id=subject_id,
            revision=revision,
            changed_at=await clock.database_now(session),
            changed_by=by,
            facts=facts,
        )
    )


async def _keep_details(session: AsyncSession, client: Client, by: UUID) -> None:
    facts = client.model_dump(mode="json", include=DETAILS)
    await keep_before(session, client.client_id, "details", client.revision, facts, by=by)


async def engage(session: AsyncSession, client_id: UUID) -> None:
    """Who signed an engagement is a client from now on. The client's key must be held."""
    client = await session.get_one(Client, client_id, with_for_update=True)
    if client.state != "active":
        await _keep_details(session, client, FIRM_ID)
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
        "kind": client.kind,
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
