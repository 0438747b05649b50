"""Deadlines of matters: who must act is reminded so many working days before, by the firm's own
calendar, each step once. What was moved is counted anew; what is met, over or called off is left
alone.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared import clock
from shared.contracts.matters import DeadlineScheduled
from shared.contracts.sla_monitor import DeadlineReminderDue
from shared.outbox import emit
from sla_monitor import people, queries
from sla_monitor.models import Deadline, DeadlineReminder
from sla_monitor.queries import CalendarInForce
from sla_monitor.settings import SlaMonitorSettings
from sla_monitor.stepping import Step, steps_back

REPLANNED_AT_ONCE = 200


async def schedule(session: AsyncSession, told: DeadlineScheduled) -> None:
    """The newest revision counts, whichever is heard last. Steps that are past by now are not taken
    any more: whoever sets a deadline late knows of it."""
    known = await session.get(Deadline, told.deadline_id, with_for_update=True)
    if known is not None and known.revision >= told.revision:
        return
    calendar = await queries.calendar_in_force(session)
    stands = not told.cancelled and told.met_at is None
    row = Deadline(
        deadline_id=told.deadline_id,
        revision=told.revision,
        client_id=told.client_id,
        matter_id=told.matter_id,
        due_at=told.due_at,
        stands=stands,
        calendar_id=calendar.calendar_id,
        calendar_version=calendar.version,
        time_zone=calendar.value.time_zone,
    )
    await session.merge(row)
    await session.flush()
    await _forget(session, [told.deadline_id])
    if stands:
        steps, now = _steps(session, calendar, row), clock.now()
        await _plan(session, row, [step for step in steps if step.at > now])


async def close_matter(session: AsyncSession, matter_id: UUID) -> None:
    closed = await session.execute(
        update(Deadline)
        .where(col(Deadline.matter_id) == matter_id, col(Deadline.stands))
        .values(stands=False)
        .returning(col(Deadline.deadline_id))
    )
    await _forget(session, closed.scalars().all())


async def remind(session: AsyncSession, now: datetime, limit: int) -> int:
    """Tells the reminders whose time has come; how many. Several replicas may do it: rows that are
    claimed are left out, and the commit that marks them is the one that tells."""
    found = await session.execute(
        select(DeadlineReminder, Deadline)
        .join(Deadline, col(Deadline.deadline_id) == col(DeadlineReminder.deadline_id))
        .where(col(DeadlineReminder.told_at).is_(None), col(DeadlineReminder.remind_at) <= now)
        .order_by(col(DeadlineReminder.remind_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = [(reminder, deadline) for reminder, deadline in found]
    nearest = await _nearest_due(session, {deadline.deadline_id for _, deadline in due}, now)
    for reminder, deadline in due:
        if reminder.working_days > nearest[deadline.deadline_id] or deadline.due_at <= now:
            # The platform was away: one reminder of a deadline is enough, and none of what is over.
            await session.delete(reminder)
            continue
        reminder.told_at = now
        emit(session, await _told(session, reminder, deadline, now))
    return len(due)


async def _nearest_due(
    session: AsyncSession, deadline_ids: Collection[UUID], now: datetime
) -> dict[UUID, int]:
    """Of each deadline the step that is nearest to it among those whose time has come, also those
    that the next batch will find."""
    found = await session.execute(
        select(col(DeadlineReminder.deadline_id), func.min(DeadlineReminder.working_days))
        .where(
            col(DeadlineReminder.deadline_id).in_(deadline_ids),
            col(DeadlineReminder.remind_at) <= now,
        )
        .group_by(col(DeadlineReminder.deadline_id))
    )
    return {deadline_id: step for deadline_id, step in found}


async def replan_stale(session: AsyncSession) -> int:
    """Brings what is still to come under the calendar now in force; how many deadlines there were.
    A step that the new calendar puts into the past is taken now: it was owed and not taken."""
    calendar = await queries.calendar_in_force(session)
    found = await session.execute(
        select(Deadline)
        .where(
            col(Deadline.stands),
            col(Deadline.due_at) > clock.now(),
            col(Deadline.calendar_id).is_distinct_from(calendar.calendar_id)
            | (col(Deadline.calendar_version) != calendar.version)
            | (col(Deadline.time_zone) != calendar.value.time_zone),
        )
        .limit(REPLANNED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    stale = found.scalars().all()
    for deadline in stale:
        deadline.calendar_id, deadline.calendar_version = calendar.calendar_id, calendar.version
        deadline.time_zone = calendar.value.time_zone
        for step in _steps(session, calendar, deadline):
            await session.execute(
                update(DeadlineReminder)
                .where(
                    col(DeadlineReminder.deadline_id) == deadline.deadline_id,
                    col(DeadlineReminder.working_days) == step.working_days,
                    col(DeadlineReminder.told_at).is_(None),
                )
                .values(remind_at=step.at)
            )
    return len(stale)


async def _told(
    session: AsyncSession, reminder: DeadlineReminder, deadline: Deadline, now: datetime
) -> DeadlineReminderDue:
    return DeadlineReminderDue(
        deadline_id=deadline.deadline_id,
        revision=deadline.revision,
        matter_id=deadline.matter_id,
        client_id=deadline.client_id,
        working_days=reminder.working_days,
        remind_at=reminder.remind_at,
        due_at=deadline.due_at,
        time_zone=deadline.time_zone,
        calendar_version=deadline.calendar_version,
        staff_id=await people.holder_of(session, "contact", deadline, now),
    )


def _steps(session: AsyncSession, calendar: CalendarInForce, deadline: Deadline) -> list[Step]:
    settings: SlaMonitorSettings = session.info["settings"]
    return steps_back(calendar.value, deadline.due_at, settings.sla_monitor_deadline_steps)


async def _plan(session: AsyncSession, deadline: Deadline, steps: Sequence[Step]) -> None:
    of = {"deadline_id": deadline.deadline_id, "revision": deadline.revision}
    rows = [of | {"working_days": one.working_days, "remind_at": one.at} for one in steps]
    if rows:
        await session.execute(insert(DeadlineReminder).values(rows))


async def _forget(session: AsyncSession, deadline_ids: Sequence[UUID]) -> None:
    """What was not told of these is told no more."""
    await session.execute(
        delete(DeadlineReminder).where(
            col(DeadlineReminder.deadline_id).in_(deadline_ids),
            col(DeadlineReminder.told_at).is_(None),
        )
    )
