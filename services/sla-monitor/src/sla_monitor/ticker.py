"""Time in: fires what is due, once, and never says that nothing happened before knowing it.

It holds nothing in memory that matters: what is due stands in the clocks, so a restart catches up
in order. Firing costs by what is due, not by what is open.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, get_args

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.consumer import Ends
from shared.runtime import Runtime
from sla_monitor import clocks, deadlines, queries
from sla_monitor.calendar import CalendarRefused
from sla_monitor.models import Clock, Kind
from sla_monitor.settings import SlaMonitorSettings

log = structlog.get_logger()

STATE_HEADS = ("messaging", "matters", "billing")
MET_BY: dict[str, frozenset[Kind]] = {
    "matters": frozenset({"update", "decision", "question"}),
    "billing": frozenset({"concern"}),
}
COULD_HAVE_MET_IT = ("messaging", "matters", "billing", "intake")
LOOK_AT_LEAST_EVERY = 0.5  # seconds: `privity time advance` is noticed within one
HEARD_WITHIN = 0.15  # seconds: what just arrived is often being handled
ENDS_KEPT = timedelta(minutes=10)  # ends that are never passed were those of a topic now lost
LOCKED_LOOK_AGAIN = 0.05  # what is due is in somebody's hands right now
UNCONFIRMED_ASK_AGAIN = timedelta(seconds=0.25)
SILENT_ASK_AGAIN = timedelta(seconds=1)  # a messaging that is back states its heads within two
NEVER = datetime.min.replace(tzinfo=UTC)
UNCOUNTABLE_ASK_AGAIN = timedelta(minutes=1)
SWEEP_EVERY = 2.0


async def run(runtime: Runtime) -> None:
    """Until cancelled; a database that is away is waited for."""
    ticker = Ticker(runtime)
    runtime.ready_checks["time"] = lambda: ticker.leap.problem
    while True:
        try:
            await asyncio.sleep(await ticker.tick())
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("ticker waits", error=repr(error))
            await asyncio.sleep(LOOK_AT_LEAST_EVERY)


@dataclass
class Leap:
    """Compares the database's clock with this process's own, which cannot leap.

    Firing pauses while they are further apart than `allowed` seconds: time that nobody lived
    through must not break promises. It goes on when they agree again, or after a restart.
    """

    allowed: float
    problem: str | None = None
    _agreed: tuple[float, float] | None = None

    def happened(self, database_now: datetime, monotonic: float) -> bool:
        agreed = self._agreed or (database_now.timestamp(), monotonic)
        leap = (database_now.timestamp() - agreed[0]) - (monotonic - agreed[1])
        if abs(leap) <= self.allowed:
            self._agreed, self.problem = (database_now.timestamp(), monotonic), None
            return False
        if self.problem is None:
            log.critical("firing pauses: the clock leapt and nobody announced it", seconds=leap)
        self.problem = f"time leapt by {leap:.0f} s unannounced: restart to accept it"
        return True


class Question(NamedTuple):
    """Where the topics ended after this instant: once that was heard, all said by then was."""

    asked_at: datetime
    ends: Ends


@dataclass
class Ticker:
    runtime: Runtime
    leap: Leap = field(init=False)
    _question: Question | None = None
    _silent: set[str] = field(default_factory=set)
    _swept_at: float = float("-inf")

    def __post_init__(self) -> None:
        self.leap = Leap(self._settings.sla_monitor_leap)

    @property
    def _settings(self) -> SlaMonitorSettings:
        assert isinstance(self.runtime.settings, SlaMonitorSettings)
        return self.runtime.settings

    async def tick(self) -> float:
        """One look at the time; the seconds until the next is needed."""
        settle = timedelta(seconds=self._settings.sla_monitor_settle)
        offset = clock.offset()
        async with self.runtime.db.transaction() as session:
            now = await clock.database_now(session)
            next_at = await queries.next_instant(session)
            next_reminder = await queries.next_reminder(session)
        if clock.offset() != offset:
            return 0.0  # the clock was moved while it was read: read it again
        if self.leap.happened(now - offset, time.monotonic()):
            return LOOK_AT_LEAST_EVERY
        await self._sweep()
        if next_reminder is not None and next_reminder <= now:
            await self._remind(now)
        if next_at is None:
            return LOOK_AT_LEAST_EVERY
        if next_at + settle > now:
            return min((next_at + settle - now).total_seconds(), LOOK_AT_LEAST_EVERY)
        heard_until = await self._heard_until(now)
        looked_at = await self._fire(now, now - settle, heard_until)
        return 0.0 if looked_at else LOCKED_LOOK_AGAIN

    async def _fire(self, now: datetime, until: datetime, heard_until: datetime) -> int:
        async with self.runtime.db.transaction() as session:
            due = await queries.due_clocks(session, until, self._settings.sla_monitor_batch)
            unclear = await queries.keys_with_parked_events(session, [_key(each) for each in due])
            silent = [one for one in STATE_HEADS if not await self._told_all(session, one, now)]
            ask_again = now + (SILENT_ASK_AGAIN if self._silent else UNCONFIRMED_ASK_AGAIN)
            for each in due:
                unsure = _key(each) in unclear or any(_could_meet(one, each) for one in silent)
                sure = NEVER if unsure else heard_until
                if not await _fire_one(session, each, now, until, sure):
                    each.next_at = ask_again
            # Dying before the commit tells nothing and changes nothing: the next tick finds the
            # same clocks due. After it the firings' keys keep anything from being told again.
            return len(due)

    async def _remind(self, now: datetime) -> None:
        """Nothing that is not heard yet could make a reminder wrong but its own deadline's move,
        which messaging sees when it writes."""
        async with self.runtime.db.transaction() as session:
            await deadlines.remind(session, now, self._settings.sla_monitor_batch)
            # Dying before the commit tells nothing; after it the row says that it was told.

    async def _heard_until(self, now: datetime) -> datetime:
        """An instant by which all that was said has been heard; NEVER while that is not known.

        The ends of the topics are read after an instant, once: until they are passed that same
        question stands, or constant traffic would postpone its answer for ever.
        """
        question, self._question = self._question, None
        if question is None or not timedelta() <= now - question.asked_at <= ENDS_KEPT:
            ends = await self.runtime.consumer.ends(COULD_HAVE_MET_IT)
            if ends is None:
                return NEVER
            settle = timedelta(seconds=self._settings.sla_monitor_settle)
            question = Question(now - settle, ends)
        if await self.runtime.consumer.hear_through(question.ends, HEARD_WITHIN):
            return question.asked_at
        self._question = question
        return NEVER

    async def _told_all(self, session: AsyncSession, service: str, now: datetime) -> bool:
        """Whether a service's outbox moves: a fact that is committed there but stuck cannot be
        heard, and what cannot be heard may have met a clock."""
        settings = self._settings
        kept = settings.heads_stated_idle + 2 * settings.heads_stated_every
        told = await queries.all_stated_was_heard(
            session, service, settings.topic(service), now - timedelta(seconds=kept)
        )
        if told == (service in self._silent):
            self._silent ^= {service}
            said = "a service tells again" if told else "breaches wait: a service is silent"
            log.warning(said, of=service)
        return told

    async def _sweep(self) -> None:
        """New calendars and policies reach running clocks here, a batch at a time: a handler that
        locked all of them at once would stand in everybody's way."""
        if time.monotonic() - self._swept_at < SWEEP_EVERY:
            return
        changed = 0
        for kind in _kinds():
            async with self.runtime.db.transaction() as session:
                changed += await clocks.recompute_stale(session, kind)
        async with self.runtime.db.transaction() as session:
            changed += await deadlines.replan_stale(session)
        if not changed:
            self._swept_at = time.monotonic()


async def _fire_one(
    session: AsyncSession, each: Clock, now: datetime, until: datetime, heard_until: datetime
) -> bool:
    """False if something is due that cannot be told yet."""
    try:
        return await clocks.fire(session, each, until, detected_at=now, heard_until=heard_until)
    except CalendarRefused as error:
        # One clock whose calendar ends must not stop all others; nothing of it was told yet.
        log.critical("a clock cannot be counted", clock_id=str(each.clock_id), error=error.code)
        each.next_at = now + UNCOUNTABLE_ASK_AGAIN
        return True


def _kinds() -> Sequence[Kind]:
    return get_args(Kind)


def _could_meet(service: str, each: Clock) -> bool:
    """What messaging says may have met any clock; what the others say, those of theirs."""
    return service == "messaging" or each.kind in MET_BY[service]


def _key(each: Clock) -> str:
    """The key under which facts about this clock's conversation travel."""
    return str(each.client_id or each.conversation_id)
