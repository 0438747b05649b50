"""Consents that stand, and who has seen a file."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.consents.models import Consent
from shared import clock


async def standing_purposes(session: AsyncSession, client_id: UUID) -> set[str]:
    """Of all consents of the client that stand; shared, so that none ends meanwhile."""
    found = await session.execute(
        select(Consent).where(col(Consent.client_id) == client_id).with_for_update(read=True)
    )
    now = await clock.database_now(session)
    return {one.purpose for one in found.scalars() if stands(one, now)}


async def lapsing(session: AsyncSession, until: datetime, limit: int) -> Sequence[Consent]:
    """Those whose date has passed and that were not ended by it yet."""
    found = await session.execute(
        select(Consent)
        .where(
            col(Consent.expires_at) <= until,
            col(Consent.lapsed_at).is_(None),
            col(Consent.withdrawn_at).is_(None),
        )
        .order_by(col(Consent.expires_at))
        .limit(limit)
    )
    return found.scalars().all()


async def shared(session: AsyncSession, consent_id: UUID) -> Consent | None:
    """A withdrawal and a disclosure come one after the other; disclosures share."""
    return await session.get(Consent, consent_id, with_for_update={"read": True})


def stands(consent: Consent, at: datetime) -> bool:
    ended = consent.expires_at is not None and consent.expires_at <= at
    return consent.withdrawn_at is None and not ended
