"""What every clock does, whatever it is of: it settles, fires, is met or cancelled, and comes under
terms that were published since.

Each verb changes rows and tells what it did in the caller's transaction. Instants are those of the
facts, never of their arrival; only `detected_at` says when something was noticed.
"""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

import shared.clock
from shared.outbox import emit
from sla_monitor import people, queries, telling
from sla_monitor.calendar import CalendarRefused
from sla_monitor.models import Clock, ClockFiring, Kind
from sla_monitor.rules import Terms, Threshold, instant_of, next_threshold, timetable

log = structlog.get_logger()

SWEPT_AT_ONCE = 200


async def fire(
    session: AsyncSession,
    clock: Clock,
    until: datetime,
    *,
    detected_at: datetime,
    heard_until: datetime,
) -> bool:
    """Tells every threshold up to `until`, in order and each once; False if something is left.

    Beyond `heard_until` (by then all that could have met the clock was heard) only warnings
    are told: the client is not told of a delay, nor anybody of a breach, that may not be one.
    """
    terms = await queries.pinned_terms(session, clock)
    table = settle(clock, terms)
    while clock.next_at is not None and clock.next_at <= until:
        threshold = next_threshold(table, clock.state, _told(clock))
        assert threshold is not None, "a clock with a next instant has a next threshold"
        if threshold.at > heard_until and not threshold.name.startswith("warn:"):
            if clock.breached_at is None and clock.limit_at and clock.limit_at <= until:
                clock.state = "unconfirmed"
            return False
        await _tell(session, clock, threshold, detected_at)
        settle(clock, terms)
    return True


async def recompute_stale(session: AsyncSession, kind: Kind) -> int:
    """Brings running clocks under the calendar and policy now in force; how many there were.

    Counted from the original start with pauses kept. Past breaches are not rewritten.
    """
    terms = await queries.current_terms(session, kind)
    done = 0
    for clock in await queries.stale_clocks(session, kind, terms, SWEPT_AT_ONCE):
        try:
            timetable(terms.calendar, terms.policy, telling.course_of(clock))
        except CalendarRefused as error:
            # It stays under the terms that it has; the others must not wait for it.
            log.critical("a clock keeps old terms", clock_id=str(clock.clock_id), error=error.code)
            continue
        before = clock.target_at, clock.limit_at
        pin(clock, terms)
        settle(clock, terms)
        if (clock.target_at, clock.limit_at) != before and clock.limit_at is not None:
            clock.revision += 1
            await _tell_due(session, clock, terms)
        done += 1
    return done


def settle(clock: Clock, terms: Terms) -> tuple[Threshold, ...]:
    """Derives from what happened to a clock its dues, its state and its next instant."""
    table = timetable(terms.calendar, terms.policy, telling.course_of(clock))
    clock.limit_at = instant_of(table, "limit")
    clock.target_at = instant_of(table, "target") or clock.limit_at
    if clock.cancelled_at is not None:
        clock.state = "cancelled"
    elif clock.met_at is not None:
        clock.state = "met"
    elif clock.breached_at is not None:
        clock.state = "breached"
    else:
        clock.state = "paused" if waits_for_client(clock) else "running"
    following = next_threshold(table, clock.state, _told(clock))
    clock.next_at = following.at if following else None
    return table


async def meet(session: AsyncSession, clock: Clock, at: datetime, cause_id: UUID) -> None:
    """Once: what was met stays met by its first cause. Too late is a breach all the same."""
    if clock.met_at is not None or clock.cancelled_at is not None:
        return
    if clock.limit_at is not None and at > clock.limit_at and clock.breached_at is None:
        await _tell(session, clock, Threshold("limit", clock.limit_at), shared.clock.now())
    clock.met_at, clock.met_by = at, cause_id
    clock.state, clock.next_at = "met", None
    emit(session, telling.met(clock))


def cancel(session: AsyncSession, clock: Clock, at: datetime, reason: str) -> None:
    """Nothing is owed any more; what was met or cancelled before stays so."""
    if clock.met_at is None and clock.cancelled_at is None:
        clock.cancelled_at, clock.state, clock.next_at = at, "cancelled", None
        emit(session, telling.cancelled(clock, reason))


def tell_again(session: AsyncSession, clock: Clock, terms: Terms) -> None:
    clock.revision += 1
    emit(session, telling.due(clock, terms))


async def _tell(session: AsyncSession, clock: Clock, threshold: Threshold, now: datetime) -> None:
    clock.firings.append(
        ClockFiring(
            clock_id=clock.clock_id, threshold=threshold.name, due_at=threshold.at, detected_at=now
        )
    )
    if threshold.name == "limit":
        clock.breached_at = threshold.at
    elif threshold.name.startswith("warn:"):
        clock.warned_at = clock.warned_at or threshold.at
    holder = await people.holder_of(session, threshold.rung or "contact", clock, now)
    emit(session, telling.passed(clock, threshold, now, holder))


async def _tell_due(session: AsyncSession, clock: Clock, terms: Terms) -> None:
    if clock.kind != "acknowledgment":
        emit(session, telling.due(clock, terms))
        return
    assert clock.message_id is not None
    response = await queries.response_clock_of(session, clock.message_id)
    if response is not None and response.limit_at is not None:
        response_terms = await queries.pinned_terms(session, response)
        emit(session, telling.due(clock, response_terms, response))


def pin(clock: Clock, terms: Terms) -> None:
    clock.policy_version = terms.policy_version
    clock.calendar_id = terms.calendar_id
    clock.calendar_version = terms.calendar_version
    clock.time_zone = terms.calendar.time_zone


def waits_for_client(clock: Clock) -> bool:
    return any(pause.resumed_at is None for pause in clock.pauses)


def _told(clock: Clock) -> set[str]:
    return {each.threshold for each in clock.firings}
