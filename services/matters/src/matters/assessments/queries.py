"""The newest assessment of a matter."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.assessments.models import Assessment


async def newest(session: AsyncSession, matter_id: UUID) -> Assessment | None:
    found = await session.execute(
        select(Assessment)
        .where(col(Assessment.matter_id) == matter_id)
        .order_by(col(Assessment.version).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()
