"""Timers: one runs a member of staff at a time, and becomes an entry for each day it ran on."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries as directory
from billing.directory.models import BilledMatter, Timekeeper
from billing.entries import actions, rules
from billing.entries.actions import NotWaiting
from billing.entries.gate import Work
from billing.entries.models import Entry, Timer
from shared import clock
from shared.errors import Refusal
from shared.ids import new_id


class TimerRuns(Refusal):
    """Another timer of this member of staff runs: stop it first."""


async def start(session: AsyncSession, matter: BilledMatter, staff: Timekeeper) -> Timer:
    """Raises TimerRuns: one at a time, however often it is started at once."""
    timer = Timer(
        timer_id=new_id(),
        staff_id=staff.staff_id,
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        started_at=clock.now(),
    )
    added = await session.execute(
        insert(Timer)
        .values(timer.model_dump())
        .on_conflict_do_nothing()
        .returning(col(Timer.timer_id))
    )
    if added.one_or_none() is None:
        raise TimerRuns("Another timer of this member of staff runs: stop it first.")
    return timer


async def stop(
    session: AsyncSession, timer: Timer, matter: BilledMatter, work: Work, by: UUID
) -> list[Entry]:
    """An entry for each day that it ran on, cut at the firm's midnight. The timer is locked."""
    if timer.stopped_at is not None:
        raise NotWaiting("The timer was stopped already.")
    timer.stopped_at = clock.now()
    zone = await directory.zone(session)
    slices = rules.days_of(timer.started_at, timer.stopped_at, zone)
    parts = [
        work._replace(day=one.day, started_at=one.started_at, minutes=one.minutes) for one in slices
    ]
    return [await actions.record(session, matter, part, by) for part in parts]
