"""Keep who speaks for a client. Each change is a ClientChanged with all who do."""

from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import matters.clients.actions as clients
import matters.clients.queries as known
from matters.clients.models import Client
from matters.representatives.models import Authority, Representative
from shared import clock, revisions
from shared.errors import Refusal
from shared.ids import new_id


class SpeaksAlready(Refusal):
    """Somebody with this address speaks for the client already: change that entry."""


async def add(
    session: AsyncSession,
    client: Client,
    *,
    name: str,
    email: str,
    phone: str | None,
    authority: Authority,
) -> Representative:
    """Raises ClientMerged and SpeaksAlready. The client's key must be held."""
    known.require_unmerged(client)
    added = Representative(
        representative_id=new_id(),
        client_id=client.client_id,
        name=name,
        email=email,
        phone=phone,
        authority=authority,
        added_at=await clock.database_now(session),
    )
    session.add(added)
    await _keep(session, added)
    return added


async def change(
    session: AsyncSession, found: Representative, *, if_match: str | None, by: UUID, **facts: Any
) -> None:
    """What was known of them before is kept. Raises PreconditionFailed and SpeaksAlready."""
    revisions.check(if_match, found.revision)
    await _keep_before(session, found, by)
    for name, value in facts.items():
        setattr(found, name, value)
    await _keep(session, found)


async def end(session: AsyncSession, found: Representative, *, by: UUID) -> None:
    await _keep_before(session, found, by)
    found.ended_at = await clock.database_now(session)
    await _keep(session, found)


async def _keep_before(session: AsyncSession, found: Representative, by: UUID) -> None:
    facts = found.model_dump(mode="json", include={"name", "email", "phone", "authority"})
    of = {"by": by, "subject_id": found.representative_id}
    await clients.keep_before(
        session, found.client_id, "representative", found.revision, facts, **of
    )
    found.revision += 1


async def _keep(session: AsyncSession, changed: Representative) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        raise SpeaksAlready("Somebody with this address speaks for the client already.") from error
    await clients.tell_changed(session, changed.client_id)
