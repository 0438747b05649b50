"""Exactly one point of contact at every instant: a new one takes over at the very instant at which
the one before ends. The database refuses overlaps and gaps (migrations/versions/0001)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.absences.queries as absences
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


class HandedOver(NamedTuple):
    """How many changed hands, and which stay where they are, with the code of why. Whatever is
    neither changed hands by somebody else meanwhile."""

    done: int
    refused: Mapping[UUID, str]


async def require_may_answer(
    session: AsyncSession, staff_id: UUID, client_id: UUID, matter_id: UUID | None = None
) -> None:
    """Until the end of this transaction they stay active, and no wall comes between the client and
    them or who covers their absences. Raises Invalid and BehindWall."""
    await _require_active(session, staff_id)
    await clients.lock(session, [client_id], share=True)
    people = await _who_answers(session, staff_id, await clock.database_now(session))
    await walls.require_no_wall(session, people, client_id, matter_id)


def assign_first(
    session: AsyncSession,
    *,
    client_id: UUID,
    matter_id: UUID | None = None,
    staff_id: UUID,
    from_at: datetime,
    by: UUID,
) -> PointOfContact:
    """With the client or matter itself, which never exists without a contact: one of whom it is
    known that they may answer."""
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
    if stand_in_id == staff_id:
        raise Invalid("Nobody can stand in for themselves: name another, or nobody.")
    for one in people:
        await _require_active(session, one)
    await clients.lock(session, [before.client_id], share=True)
    answering = {*people, *await _who_answers(session, staff_id, instant)}
    await walls.require_no_wall(session, answering, before.client_id, before.matter_id)
    if not await _end(session, [(before, instant)]):
        raise HandedOverMeanwhile("Somebody else handed over at the same time.")
    return _take_over(session, before, instant, staff_id, stand_in_id, by)


async def hand_over_all(
    session: AsyncSession,
    assignments: Sequence[PointOfContact],
    *,
    staff_id: UUID,
    stand_in_id: UUID | None,
    by: UUID,
) -> HandedOver:
    """These very assignments, from now on; planned ones from their own instant. In a fixed number
    of statements, however many they are."""
    people = [staff_id, *([stand_in_id] if stand_in_id else [])]
    try:
        for one in people:
            await _require_active(session, one)
    except Invalid as refusal:  # who was to take over has left meanwhile
        return HandedOver(0, {one.assignment_id: refusal.code for one in assignments})
    await clients.lock(session, {one.client_id for one in assignments}, share=True)
    now = await clock.database_now(session)
    answering = {*people, *await _who_answers(session, staff_id, now)}
    walled = await walls.walled(session, answering, assignments)
    left = {
        one.assignment_id: (one, max(now, one.from_at))
        for one in assignments
        if one.assignment_id not in walled
    }
    ended = await _end(session, list(left.values()))
    for assignment_id in ended:
        _take_over(session, *left[assignment_id], staff_id, stand_in_id, by)
    behind = walls.BehindWall("They stand behind a wall around it.")
    return HandedOver(len(ended), dict.fromkeys(walled, behind.code))


# Only as they were seen: who waits here for somebody else's handover finds it changed.
_END = text("""
    WITH seen AS (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[]), CAST(:ends AS timestamptz[])
        ) AS seen (assignment_id, instant, until_at)
    ), never_began AS (
        DELETE FROM points_of_contact contact USING seen
        WHERE contact.assignment_id = seen.assignment_id AND contact.from_at = seen.instant
          AND contact.until_at IS NOT DISTINCT FROM seen.until_at
        RETURNING contact.assignment_id
    ), ended AS (
        UPDATE points_of_contact contact SET until_at = seen.instant FROM seen
        WHERE contact.assignment_id = seen.assignment_id AND contact.from_at < seen.instant
          AND contact.until_at IS NOT DISTINCT FROM seen.until_at
        RETURNING contact.assignment_id
    )
    TABLE never_began UNION ALL TABLE ended
""")


async def _end(
    session: AsyncSession, ending: Sequence[tuple[PointOfContact, datetime]]
) -> Sequence[UUID]:
    """Each at its instant; those of them that were still as they were seen. The rows in memory stay
    as they were: who takes over gets their end."""
    found = await session.execute(
        _END,
        {
            "ids": [one.assignment_id for one, _ in ending],
            "instants": [instant for _, instant in ending],
            "ends": [one.until_at for one, _ in ending],
        },
    )
    return found.scalars().all()


def _take_over(
    session: AsyncSession,
    before: PointOfContact,
    instant: datetime,
    staff_id: UUID,
    stand_in_id: UUID | None,
    by: UUID,
) -> PointOfContact:
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


async def _who_answers(session: AsyncSession, staff_id: UUID, from_at: datetime) -> set[UUID]:
    """They themselves, of whom it is known that they are active, and who covers them from then on:
    nobody plans an absence of theirs before this transaction ends."""
    return {staff_id, *await absences.covers_of(session, staff_id, from_at)}


async def _require_active(session: AsyncSession, staff_id: UUID) -> None:
    """Shares the row, so that nobody deactivates this member, or plans an absence of theirs, until
    the assignment is there."""
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
