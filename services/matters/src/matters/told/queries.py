"""What reached the client of a matter."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.told.models import Telling

MOST = 200


async def newest(session: AsyncSession, matter_id: UUID) -> Sequence[Telling]:
    """The latest first; what is older stands in the matter's timeline."""
    found = await session.execute(
        select(Telling).where(_reached(matter_id)).order_by(col(Telling.told_at).desc()).limit(MOST)
    )
    return found.scalars().all()


async def last_that_counts(
    session: AsyncSession, matter_id: UUID, tellings: Sequence[Telling]
) -> datetime | None:
    """When a person last told them something; mostly it is among the newest."""
    counted = next((one.told_at for one in tellings if one.counts), None)
    if counted is not None or len(tellings) < MOST:
        return counted
    found = await session.execute(
        select(func.max(Telling.told_at)).where(_reached(matter_id), col(Telling.counts))
    )
    return found.scalar_one()


def _reached(matter_id: UUID) -> ColumnElement[bool]:
    return (col(Telling.matter_id) == matter_id) & col(Telling.returned_at).is_(None)
