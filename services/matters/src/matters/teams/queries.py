"""Questions about teams."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.teams.models import Member


async def members(session: AsyncSession, matter_id: UUID) -> Sequence[Member]:
    found = await session.execute(
        select(Member).where(col(Member.matter_id) == matter_id).order_by(col(Member.staff_id))
    )
    return found.scalars().all()
