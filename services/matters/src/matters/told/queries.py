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
) -> dict[UUID, datetime]:
    """When a person last told each client something; mostly it is among the newest."""
    counted: dict[UUID, datetime] = {}
    for one in tellings:
        if one.counts:
            counted.setdefault(one.client_id, one.told_at)
    concerned = {one.client_id for one in tellings}
    if len(tellings) < MOST or counted.keys() == concerned:
        return counted
    found = await session.execute(
        select(col(Telling.client_id), func.max(Telling.told_at))
        .where(_reached(matter_id), col(Telling.counts))
        .group_by(col(Telling.client_id))
    )
    return {client_id: told_at for client_id, told_at in found}


def _reached(matter_id: UUID) -> ColumnElement[bool]:
    return (col(Telling.matter_id) == matter_id) & col(Telling.returned_at).is_(None)
