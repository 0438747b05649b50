"""Keep how a client wants to hear. A wish never goes further than the client's consent."""

from collections.abc import Mapping
from datetime import time
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

import matters.clients.queries as clients
import matters.consents.queries as consents
import matters.updates.actions as updates
from matters.clients.models import Client, ClientBefore
from matters.preferences import queries
from matters.preferences.models import ClientPreferences
from matters.preferences.rules import consents_needed, without
from shared import clock, revisions
from shared.contracts import Sealed
from shared.contracts.matters import PreferencesChanged
from shared.keyring import seal
from shared.outbox import emit


async def begin(session: AsyncSession, client: Client) -> None:
    """What they wish for when they are registered is told as each later wish is."""
    kept = ClientPreferences(client_id=client.client_id)
    session.add(kept)
    await wish(session, client, kept, client.preferences)


async def prefer(
    session: AsyncSession,
    client: Client,
    *,
    preferences: Mapping[str, str],
    quiet_from: time | None,
    quiet_until: time | None,
    language: str,
    accessibility: str,
    by: UUID,
    if_match: str | None,
) -> ClientPreferences:
    """Replaces all of it. Raises ContradictsConsent, PreconditionFailed and ClientMerged. The
    client's key must be held."""
    kept = await locked(session, client)
    revisions.check(if_match, kept.revision)
    clients.require_unmerged(client)
    await queries.require_consents(session, client.client_id, preferences)
    content = client.client_id, client.client_id, "preferences", "accessibility", accessibility
    await _keep_before(session, client, kept, by)
    kept.quiet_from, kept.quiet_until, kept.language = quiet_from, quiet_until, language
    kept.accessibility = seal(session, *content).model_dump(mode="json") if accessibility else None
    await wish(session, client, kept, dict(preferences))
    return kept


async def obey_ending(
    session: AsyncSession, client: Client, kept: ClientPreferences, consent: str, *, by: UUID
) -> None:
    """A consent ended: what was preferred by it is preferred no longer, unless another stands.
    `kept` is locked."""
    if consent not in consents_needed(client.preferences):
        return
    await session.flush()
    if consent not in await consents.standing_purposes(session, client.client_id):
        await _keep_before(session, client, kept, by)
        await wish(session, client, kept, without(client.preferences, consent))


async def locked(session: AsyncSession, client: Client) -> ClientPreferences:
    """Two who write at once, also the first time, write one after the other. Before any consent of
    theirs is locked: everybody takes them in this order."""
    empty = ClientPreferences(client_id=client.client_id).model_dump()
    await session.execute(insert(ClientPreferences).values(empty).on_conflict_do_nothing())
    kept = await session.get_one(ClientPreferences, client.client_id, with_for_update=True)
    # NO KEY UPDATE: a disclosure that holds a consent may still refer to the client.
    await session.refresh(client, with_for_update={"key_share": True})
    return kept


async def _keep_before(
    session: AsyncSession, client: Client, kept: ClientPreferences, by: UUID
) -> None:
    facts = kept.model_dump(mode="json", exclude={"client_id", "revision"})
    facts |= {"preferences": client.preferences}
    session.add(
        ClientBefore(
            client_id=client.client_id,
            what="preferences",
            revision=kept.revision,
            changed_at=await clock.database_now(session),
            changed_by=by,
            facts=facts,
        )
    )
    client.revision += 1  # who read the client before writes no older wish over this one


async def wish(
    session: AsyncSession, client: Client, kept: ClientPreferences, preferences: dict[str, str]
) -> None:
    """`kept` is locked, or new: who read it before writes no older wish over this one."""
    client.preferences = preferences
    kept.revision += 1
    await updates.follow_wish(session, client.client_id)
    emit(
        session,
        PreferencesChanged(
            client_id=client.client_id,
            revision=kept.revision,
            preferences=preferences,
            quiet_from=f"{kept.quiet_from:%H:%M}" if kept.quiet_from else None,
            quiet_until=f"{kept.quiet_until:%H:%M}" if kept.quiet_until else None,
            language=kept.language,
            accessibility=Sealed.model_validate(kept.accessibility) if kept.accessibility else None,
        ),
    )
