"""Plan absences. Whoever is to stand in is there all the time, and may know of what they cover."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import matters.staff.queries as staff
from matters.absences import queries
from matters.absences.models import Absence
from shared import clock, revisions
from shared.contracts.matters import AbsencePlanned
from shared.errors import Invalid, NotFound, Refusal
from shared.outbox import emit


class AwayAlready(Refusal):
    """This person is away in that time by another plan: change that one."""


class AbsenceOver(Refusal):
    """They were away, and somebody acted for them: that stays as it was."""


class StandInAway(Refusal):
    """Who is to stand in is away too: choose another."""


class CoversForAnother(Refusal):
    """This person covers somebody else's absence in that time: choose another for that first."""


class CoverBehindWall(Refusal):
    """Who is to stand in may not know of something they would have to answer for."""


async def plan(session: AsyncSession, absence: Absence) -> Absence:
    """Raises the refusals above."""
    await staff.lock_directory(session)
    await staff.lock_member(session, absence.staff_id)
    session.add(absence)
    with session.no_autoflush:
        await _check(session, absence)
    return _tell(session, absence)


async def change(
    session: AsyncSession,
    absence_id: UUID,
    *,
    stand_in_id: UUID,
    from_at: datetime,
    until_at: datetime,
    if_match: str | None,
) -> Absence:
    """Another time, or another stand-in. Raises PreconditionFailed and the refusals above."""
    await staff.lock_directory(session)
    absence = await _standing(session, absence_id)
    revisions.check(if_match, absence.revision)
    await staff.lock_member(session, absence.staff_id)
    absence.stand_in_id, absence.from_at, absence.until_at = stand_in_id, from_at, until_at
    absence.revision += 1
    with session.no_autoflush:
        await _check(session, absence)
    return _tell(session, absence)


async def cancel(session: AsyncSession, absence_id: UUID) -> Absence:
    """They are there after all. Raises AbsenceOver."""
    await staff.lock_directory(session)
    absence = await _standing(session, absence_id)
    absence.cancelled_at = clock.now()
    absence.revision += 1
    return _tell(session, absence)


async def _standing(session: AsyncSession, absence_id: UUID) -> Absence:
    absence = await session.get(Absence, absence_id, with_for_update=True)
    if absence is None or absence.cancelled_at is not None:
        raise NotFound("There is no such absence.")
    if absence.until_at <= clock.now():
        raise AbsenceOver("That absence is over and stays as it was: plan another one.")
    return absence


async def _check(session: AsyncSession, absence: Absence) -> None:
    people = {absence.staff_id, absence.stand_in_id}
    if len(people) == 1:
        raise Invalid("Nobody can stand in for themselves.")
    if unknown := people - await staff.known(session, people, active=True):
        raise Invalid(f"There is no active member of staff {min(unknown)}.")
    during = absence.from_at, absence.until_at, absence.absence_id
    if await queries.away(session, absence.staff_id, *during):
        raise AwayAlready("They are away in that time by another plan: change that one.")
    if other := await queries.away(session, absence.stand_in_id, *during):
        raise StandInAway(
            "Who is to stand in is away too: choose another.",
            from_at=other.from_at.isoformat(),
            until_at=other.until_at.isoformat(),
        )
    if other := await queries.covering(session, absence.staff_id, *during):
        raise CoversForAnother(
            "They cover somebody else's absence in that time: choose another for that first.",
            absence_id=str(other.absence_id),
        )
    if closed := await queries.closed_to_cover(session, absence):
        raise CoverBehindWall(
            "Who is to stand in stands behind a wall: choose another, or hand these over first.",
            subject_ids=[str(one) for one in closed],
        )


def _tell(session: AsyncSession, absence: Absence) -> Absence:
    facts = absence.model_dump(include=set(AbsencePlanned.model_fields))
    emit(session, AbsencePlanned(cancelled=absence.cancelled_at is not None, **facts))
    return absence
