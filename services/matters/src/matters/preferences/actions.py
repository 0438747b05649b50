"""Keep how a client wants to hear. A wish never goes further than the client's consent."""

from collections.abc import Mapping
from datetime import time
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.clients.models import Client
from matters.consents.models import Consent
from matters.consents.queries import stands
from matters.preferences.models import ClientPreferences
from matters.preferences.rules import consents_needed, without
from shared import clock, revisions
from shared.contracts import Sealed
from shared.contracts.matters import PreferencesChanged
from shared.errors import Refusal
from shared.keyring import seal
from shared.outbox import emit


class ContradictsConsent(Refusal):
    """The client has not consented to what they would prefer: ask for the consent first."""

    status = 422


async def prefer(
    session: AsyncSession,
    client: Client,
    *,
    preferences: Mapping[str, str],
    quiet_from: time | None,
    quiet_until: time | None,
    language: str,
    accessibility: str,
    if_match: str | None,
) -> ClientPreferences:
    """Replaces all of it. Raises ContradictsConsent and PreconditionFailed. The client's key must
    be held."""
    kept = await locked(session, client)
    revisions.check(if_match, kept.revision)
    given = await _consents(session, client.client_id)
    if missing := consents_needed(preferences) - given:
        raise ContradictsConsent(
            f"The client has not consented to {', '.join(sorted(missing))}: ask for that first."
        )
    content = client.client_id, client.client_id, "preferences", "accessibility", accessibility
    kept.quiet_from, kept.quiet_until, kept.language = quiet_from, quiet_until, language
    kept.accessibility = seal(session, *content).model_dump(mode="json") if accessibility else None
    _change(session, client, kept, dict(preferences))
    return kept


async def obey_withdrawal(session: AsyncSession, client: Client, consent: str) -> None:
    """A consent ended: what was preferred by it is preferred no longer, unless another stands."""
    kept = await locked(session, client)
    if consent not in consents_needed(client.preferences):
        return
    if consent not in await _consents(session, client.client_id):
        _change(session, client, kept, without(client.preferences, consent))


async def locked(session: AsyncSession, client: Client) -> ClientPreferences:
    """Two who write at once, also the first time, write one after the other."""
    empty = ClientPreferences(client_id=client.client_id).model_dump()
    await session.execute(insert(ClientPreferences).values(empty).on_conflict_do_nothing())
    kept = await session.get_one(ClientPreferences, client.client_id, with_for_update=True)
    await session.refresh(client, with_for_update=True)
    return kept


def _change(
    session: AsyncSession, client: Client, kept: ClientPreferences, preferences: dict[str, str]
) -> None:
    client.preferences = preferences
    kept.revision += 1
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


async def _consents(session: AsyncSession, client_id: UUID) -> set[str]:
    """Purposes of all consents of the client that stand; shared, so that none ends meanwhile."""
    await session.flush()
    found = await session.execute(
        select(Consent).where(col(Consent.client_id) == client_id).with_for_update(read=True)
    )
    now = await clock.database_now(session)
    return {one.purpose for one in found.scalars() if stands(one, now)}
