"""Begin a handover of everything, and do a part of it: each part is a transaction, so that readers
see it grow and a crash in the middle loses nothing that was done."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import matters.contacts.actions as contacts
import matters.staff.queries as staff
from matters.contacts.actions import HandedOverMeanwhile
from matters.contacts.models import PointOfContact
from matters.handovers import queries
from matters.handovers.models import Handover
from shared import clock
from shared.errors import Invalid, Refusal
from shared.ids import new_id

AT_ONCE = 50


class HandoverRunning(Refusal):
    """What this person has is being handed over already: read that one."""


async def begin(
    session: AsyncSession, staff_id: UUID, *, to_staff_id: UUID, stand_in_id: UUID | None, by: UUID
) -> Handover:
    people = {to_staff_id, *([stand_in_id] if stand_in_id else [])}
    if staff_id in people:
        raise Invalid("Hand over to somebody else.")
    if unknown := people - await staff.known(session, people, active=True):
        raise Invalid(f"There is no active member of staff {min(unknown)}.")
    handover = Handover(
        handover_id=new_id(),
        staff_id=staff_id,
        to_staff_id=to_staff_id,
        stand_in_id=stand_in_id,
        total=await queries.count_left(session, staff_id),
        begun_at=await clock.database_now(session),
        begun_by=by,
    )
    session.add(handover)
    try:
        await session.flush()
    except IntegrityError as error:
        raise HandoverRunning("What this person has is being handed over already.") from error
    return handover


async def go_on(session: AsyncSession) -> bool:
    """The next part of the oldest handover; False when there is none."""
    handover = await queries.next_open(session)
    if handover is None:
        return False
    assignments = await queries.left(session, handover, AT_ONCE)
    now = await clock.database_now(session)
    for assignment in assignments:
        code = await _hand_over(session, handover, assignment, now)
        if code is None:
            handover.done += 1
        elif code:
            refused = {"assignment_id": str(assignment.assignment_id), "code": code}
            refused["subject_id"] = str(assignment.subject_id)
            handover.refused = [*handover.refused, refused]
    if not assignments:
        handover.ended_at = now
    # Dying before the commit leaves this part undone, and the next tick finds it again.
    return True


async def _hand_over(
    session: AsyncSession, handover: Handover, assignment: PointOfContact, now: datetime
) -> str | None:
    """None when it is done, else the code of a refusal, which concerns this one only; empty where
    somebody else was first. A planned assignment is replaced from its own instant."""
    planned = assignment.from_at > now
    try:
        assert assignment.subject_id is not None
        await contacts.hand_over(
            session,
            assignment.subject_id,
            staff_id=handover.to_staff_id,
            stand_in_id=handover.stand_in_id,
            from_at=assignment.from_at if planned else None,
            by=handover.begun_by,
            if_match=None,
        )
        await session.flush()
    except HandedOverMeanwhile:
        return ""  # no longer theirs
    except Refusal as refusal:
        return refusal.code
    return None
