"""Keep what messaging tells of what reached a client. Of matters alone: what was said of none of
them stands on the client's record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.updates.actions as updates
from matters.told.models import Kind, Telling
from matters.told.rules import counts, gist
from shared.contracts import Sealed
from shared.keyring import KeyNotHeld, seal, unseal


async def note(
    session: AsyncSession,
    telling_id: UUID,
    kind: Kind,
    *,
    client_id: UUID,
    matter_id: UUID | None,
    channel: str,
    told_at: datetime,
    staff_id: UUID | None,
    words: Sealed | None = None,
) -> None:
    """Once, however often it is heard."""
    if matter_id is None:
        return
    row = Telling(
        telling_id=telling_id,
        client_id=client_id,
        matter_id=matter_id,
        kind=kind,
        channel=channel,
        told_at=told_at,
        staff_id=staff_id,
        counts=counts(kind, by_person=staff_id is not None),
        words=_gist(session, client_id, telling_id, words) if words else None,
    )
    await session.execute(insert(Telling).values(row.model_dump()).on_conflict_do_nothing())
    if row.counts:
        await updates.answer_request(session, matter_id, client_id, told_at)


async def take_back(session: AsyncSession, telling_id: UUID, at: datetime) -> None:
    """It came back. One stream carries all of a client's messages: what came back was sent before,
    and what is not here was of no matter."""
    await session.execute(
        update(Telling).where(col(Telling.telling_id) == telling_id).values(returned_at=at)
    )


def _gist(
    session: AsyncSession, client_id: UUID, telling_id: UUID, words: Sealed
) -> dict[str, Any] | None:
    """None for a client whose key was destroyed: that it was said stands, in which words does
    not."""
    try:
        said = gist(unseal(session, words))
        return seal(session, client_id, telling_id, "telling", "words", said).model_dump(
            mode="json"
        )
    except KeyNotHeld:
        return None
