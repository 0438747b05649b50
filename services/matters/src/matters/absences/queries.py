"""Who is away, and who covers."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.absences.models import Absence
from shared import clock

# What the stand-in will see of the absentee's: their clients and matters in that time, where the
# assignment names no other stand-in.
_CLOSED_TO_COVER = text("""
    SELECT contact.subject_id FROM points_of_contact contact
    WHERE contact.staff_id = :staff_id
      AND tstzrange(contact.from_at, contact.until_at) && tstzrange(:from_at, :until_at)
      AND EXISTS (
          SELECT FROM walls
          WHERE walls.lowered_at IS NULL AND walls.client_id = contact.client_id
            AND (walls.matter_id IS NULL OR walls.matter_id = contact.matter_id)
            AND (walls.kind = 'screen') = (:stand_in_id = ANY (walls.staff_ids)))
    ORDER BY contact.subject_id
""")


async def away(
    session: AsyncSession, staff_id: UUID, from_at: datetime, until_at: datetime, but: UUID
) -> Absence | None:
    """Another absence of this person in that time."""
    return await _first(session, col(Absence.staff_id) == staff_id, from_at, until_at, but)


async def covering(
    session: AsyncSession, staff_id: UUID, from_at: datetime, until_at: datetime, but: UUID
) -> Absence | None:
    """Somebody's absence that this person covers in that time."""
    return await _first(session, col(Absence.stand_in_id) == staff_id, from_at, until_at, but)


async def covers_anybody(session: AsyncSession, staff_id: UUID) -> bool:
    """Whether this person covers an absence that has not ended."""
    found = await session.execute(
        select(col(Absence.absence_id))
        .where(
            col(Absence.stand_in_id) == staff_id,
            col(Absence.cancelled_at).is_(None),
            col(Absence.until_at) > clock.now(),
        )
        .limit(1)
    )
    return found.first() is not None


async def covers_of(session: AsyncSession, staff_id: UUID, from_at: datetime) -> set[UUID]:
    """Who covers this person's absences from then on."""
    found = await session.execute(
        select(col(Absence.stand_in_id)).where(
            col(Absence.staff_id) == staff_id,
            col(Absence.cancelled_at).is_(None),
            col(Absence.until_at) > from_at,
        )
    )
    return set(found.scalars())


async def covered_by(session: AsyncSession, staff_ids: Collection[UUID]) -> set[UUID]:
    """Whose absences, begun or planned, one of these covers."""
    found = await session.execute(
        select(col(Absence.staff_id)).where(
            col(Absence.stand_in_id).in_(staff_ids),
            col(Absence.cancelled_at).is_(None),
            col(Absence.until_at) > clock.now(),
        )
    )
    return set(found.scalars())


async def closed_to_cover(session: AsyncSession, absence: Absence) -> Collection[UUID]:
    """Clients and matters that the stand-in would have to answer for and may not know of."""
    asked = absence.model_dump(include={"staff_id", "stand_in_id", "from_at", "until_at"})
    return (await session.execute(_CLOSED_TO_COVER, asked)).scalars().all()


async def _first(
    session: AsyncSession,
    whose: ColumnElement[bool],
    from_at: datetime,
    until_at: datetime,
    but: UUID,
) -> Absence | None:
    found = await session.execute(
        select(Absence)
        .where(
            whose,
            col(Absence.cancelled_at).is_(None),
            col(Absence.from_at) < until_at,
            col(Absence.until_at) > from_at,
            col(Absence.absence_id) != but,
        )
        .order_by(col(Absence.from_at))
        .limit(1)
    )
    return found.scalar_one_or_none()
