"""The newest assessment of a matter."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.assessments.models import Assessment


async def newest_version(session: AsyncSession, matter_id: UUID) -> int:
    """0 where none was shared."""
    found = await session.execute(
        select(func.max(Assessment.version)).where(col(Assessment.matter_id) == matter_id)
    )
    return found.scalar_one() or 0
