"""What is still to be handed over."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.contacts.models import PointOfContact
from matters.contacts.queries import now
from matters.handovers.models import Handover


async def count_left(session: AsyncSession, staff_id: UUID) -> int:
    found = await session.execute(select(func.count()).where(_theirs(staff_id)))
    return found.scalar_one()


async def left(session: AsyncSession, handover: Handover, limit: int) -> Sequence[PointOfContact]:
    """Assignments of this person, in force or planned, that were not refused before; a client's
    together, so that two batches take their locks in one order."""
    refused = [UUID(one["assignment_id"]) for one in handover.refused]
    found = await session.execute(
        select(PointOfContact)
        .where(_theirs(handover.staff_id), col(PointOfContact.assignment_id).not_in(refused))
        .order_by(col(PointOfContact.client_id), col(PointOfContact.from_at))
        .limit(limit)
    )
    return found.scalars().all()


async def next_open(session: AsyncSession) -> Handover | None:
    """The oldest that has not ended and that no other replica is at, locked."""
    found = await session.execute(
        select(Handover)
        .where(col(Handover.ended_at).is_(None))
        .order_by(col(Handover.handover_id))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return found.scalar_one_or_none()


def _theirs(staff_id: UUID) -> ColumnElement[bool]:
    until_at = col(PointOfContact.until_at)
    return (col(PointOfContact.staff_id) == staff_id) & (until_at.is_(None) | (until_at > now()))
