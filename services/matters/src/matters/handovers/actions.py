"""Begin a handover of everything, and do a part of it: each part is a transaction, so that readers
see it grow and a crash in the middle loses nothing that was done."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import matters.contacts.actions as contacts
import matters.staff.queries as staff
from matters.handovers import queries
from matters.handovers.models import Handover
from shared import clock
from shared.errors import Invalid, Refusal
from shared.ids import new_id

AT_ONCE = 100


class HandoverRunning(Refusal):
    """What this person has is being handed over already: read that one."""


async def begin(
    session: AsyncSession, staff_id: UUID, *, to_staff_id: UUID, stand_in_id: UUID | None, by: UUID
) -> Handover:
    people = {to_staff_id, *([stand_in_id] if stand_in_id else [])}
    if staff_id in people:
        raise Invalid("Hand over to somebody else.")
    if stand_in_id == to_staff_id:
        raise Invalid("Nobody can stand in for themselves: name another, or nobody.")
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
    if not assignments:
        handover.ended_at = await clock.database_now(session)
        return True
    part = await contacts.hand_over_all(
        session,
        assignments,
        staff_id=handover.to_staff_id,
        stand_in_id=handover.stand_in_id,
        by=handover.begun_by,
    )
    handover.done += part.done
    handover.refused = handover.refused + [
        {"assignment_id": str(one.assignment_id), "code": code, "subject_id": str(one.subject_id)}
        for one in assignments
        if (code := part.refused.get(one.assignment_id))
    ]
    # Dying before the commit leaves this part undone, and the next tick finds it again.
    return True
