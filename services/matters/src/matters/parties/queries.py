"""The parties of a matter."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.parties.models import Party


async def parties(session: AsyncSession, matter_id: UUID) -> Sequence[Party]:
    found = await session.execute(
        select(Party).where(col(Party.matter_id) == matter_id).order_by(col(Party.party_id))
    )
    return found.scalars().all()
