"""Exactly one point of contact at every instant: a new one takes over at the very instant at which
the one before ends. The database refuses overlaps and gaps (migrations/versions/0001)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, Delete, Update, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.clients.queries as clients
import matters.walls.queries as walls
from matters.contacts import queries
from matters.contacts.models import PointOfContact
from matters.staff.models import StaffMember
from shared import clock, revisions
from shared.contracts.matters import PointOfContactAssigned
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.outbox import emit


class HandedOverMeanwhile(Refusal):
    """Somebody else handed over at the same time, and was first: read, then decide again."""


async def assign_first(
    session: AsyncSession,
    *,
    client_id: UUID,
    matter_id: UUID | None = None,
    staff_id: UUID,
    from_at: datetime,
    by: UUID,
) -> PointOfContact:
    """With the client or matter itself: it never exists without a contact."""
    await _require_active(session, staff_id)
    await clients.lock(session, client_id, share=True)
    await walls.require_no_wall(session, [staff_id], client_id, matter_id)
    assignment = PointOfContact(
        assignment_id=new_id(),
        client_id=client_id,
        matter_id=matter_id,
        staff_id=staff_id,
        from_at=from_at,
        assigned_by=by,
    )
    return _tell(session, assignment)


async def hand_over(
    session: AsyncSession,
    subject_id: UUID,
    *,
    staff_id: UUID,
    stand_in_id: UUID | None,
    from_at: datetime | None,
    by: UUID,
    if_match: str | None,
) -> PointOfContact:
    """From now or a later instant on, until a handover that is planned for after it.

    A planned handover is replaced by another one from its very instant. Raises
    HandedOverMeanwhile for the second of two at once, Invalid for an instant that is past, and
    BehindWall for who may not know of the client.
    """
    now = await clock.database_now(session)
    instant = from_at or now
    if instant < now:
        raise Invalid("What is past stays as it was: hand over from now or from a later instant.")
    before = await queries.in_force(session, subject_id, instant)
    if before is None:
        raise HandedOverMeanwhile("Somebody else handed over at the same time.")
    revisions.check(if_match, before.assignment_id)
    people = [staff_id, *([stand_in_id] if stand_in_id else [])]
    for one in people:
        await _require_active(session, one)
    await clients.lock(session, before.client_id, share=True)
    await walls.require_no_wall(session, people, before.client_id, before.matter_id)
    await _end(session, before, instant)
    assignment = PointOfContact(
        assignment_id=new_id(),
        client_id=before.client_id,
        matter_id=before.matter_id,
        staff_id=staff_id,
        stand_in_id=stand_in_id,
        from_at=instant,
        until_at=before.until_at,
        assigned_by=by,
    )
    return _tell(session, assignment, replaces=before.staff_id)


async def _end(session: AsyncSession, before: PointOfContact, instant: datetime) -> None:
    """Only as it was seen: who waited here for somebody else's handover finds it changed."""
    seen = (
        col(PointOfContact.assignment_id) == before.assignment_id,
        col(PointOfContact.until_at).is_not_distinct_from(before.until_at),
    )
    if before.from_at == instant:
        ending: Delete | Update = delete(PointOfContact).where(*seen)
    else:
        ending = update(PointOfContact).where(*seen).values(until_at=instant)
    # `before` stays as it was seen: the one who takes over gets its end.
    ended = await session.execute(ending.execution_options(synchronize_session=False))
    assert isinstance(ended, CursorResult)
    if ended.rowcount != 1:
        raise HandedOverMeanwhile("Somebody else handed over at the same time.")


async def _require_active(session: AsyncSession, staff_id: UUID) -> None:
    """Shares the row, so that nobody deactivates this member until the assignment is there."""
    found = await session.execute(
        select(col(StaffMember.staff_id))
        .where(col(StaffMember.staff_id) == staff_id, col(StaffMember.active))
        .with_for_update(read=True)
    )
    if found.first() is None:
        raise Invalid(f"There is no active member of staff {staff_id}.")


def _tell(
    session: AsyncSession, assignment: PointOfContact, replaces: UUID | None = None
) -> PointOfContact:
    session.add(assignment)
    facts = assignment.model_dump(include=set(PointOfContactAssigned.model_fields))
    emit(session, PointOfContactAssigned(replaces=replaces, **facts))
    return assignment
