"""Who is asked: the point of contact, those above them, and whoever covers who is away."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from sla_monitor.models import Absence, Clock, ContactAssignment, Deadline, StaffMember
from sla_monitor.rules import Rung


async def holder_of(
    session: AsyncSession, rung: Rung, owed: Clock | Deadline, at: datetime
) -> UUID | None:
    """Who stands on this rung for what is owed; where nobody does, a managing partner."""
    contact = await _present(session, await _contact(session, owed, at), at)
    if rung == "contact" and contact:
        return contact.staff_id
    if rung == "supervisor" and contact and contact.supervisor_id:
        supervisor = await _present(session, contact.supervisor_id, at)
        if supervisor:
            return supervisor.staff_id
    found = await session.execute(
        select(col(StaffMember.staff_id))
        .where(col(StaffMember.managing_partner), col(StaffMember.active))
        .order_by(col(StaffMember.staff_id))
        .limit(1)
    )
    return found.scalar_one_or_none()


async def _present(
    session: AsyncSession, staff_id: UUID | None, at: datetime
) -> StaffMember | None:
    """The member of staff; who covers them, when they are away; their stand-in, when they have
    left."""
    if staff_id is None:
        return None
    staff_id = await _cover(session, staff_id, at) or staff_id
    member = await session.get(StaffMember, staff_id)
    if member is None:
        # Assigned before the directory entry was heard of (two streams): the id is enough.
        return StaffMember(staff_id=staff_id)
    if member.active or member.stand_in_id is None:
        return member if member.active else None
    stand_in = await session.get(StaffMember, member.stand_in_id)
    return stand_in if stand_in and stand_in.active else None


async def _cover(session: AsyncSession, staff_id: UUID, at: datetime) -> UUID | None:
    """Who acts for them at that instant. Nobody who covers is away (matters' own promise)."""
    found = await session.execute(
        select(col(Absence.stand_in_id)).where(
            col(Absence.staff_id) == staff_id,
            ~col(Absence.cancelled),
            col(Absence.from_at) <= at,
            col(Absence.until_at) > at,
        )
    )
    return found.scalars().first()


async def _contact(session: AsyncSession, owed: Clock | Deadline, at: datetime) -> UUID | None:
    """The point of contact of its matter at that instant, whichever entry of a client the matter is
    recorded under, else of its client."""
    found = await session.execute(
        select(col(ContactAssignment.staff_id))
        .where(
            (col(ContactAssignment.matter_id) == owed.matter_id)
            | (
                col(ContactAssignment.matter_id).is_(None)
                & (col(ContactAssignment.client_id) == owed.client_id)
            ),
            col(ContactAssignment.from_at) <= at,
        )
        .order_by(
            col(ContactAssignment.matter_id).is_(None),
            col(ContactAssignment.from_at).desc(),
            col(ContactAssignment.assignment_id).desc(),
        )
        .limit(1)
    )
    return found.scalar_one_or_none()
