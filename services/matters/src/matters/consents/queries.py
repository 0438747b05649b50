"""Consents that stand, and who has seen a file."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from matters.consents.models import Consent


async def locked(session: AsyncSession, consent_id: UUID, *, share: bool = False) -> Consent | None:
    """A withdrawal and a disclosure come one after the other; disclosures share."""
    return await session.get(Consent, consent_id, with_for_update={"read": share})


def stands(consent: Consent, at: datetime) -> bool:
    ended = consent.expires_at is not None and consent.expires_at <= at
    return consent.withdrawn_at is None and not ended
