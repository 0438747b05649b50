"""Which clocks run, what each promises, and which threshold comes next: decisions without I/O.

Every threshold is an amount of counted time since the start, so that warnings before a target and
steps after a limit are counted like the target itself, and a pause shifts all of them alike.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sla_monitor.calendar import WorkingCalendar
from sla_monitor.counting import (
    ZERO,
    Duration,
    Line,
    Mode,
    counted,
    due_at,
    explanation,
    format_duration,
)
from sla_monitor.models import Kind, State

Rung = Literal["contact", "supervisor", "managing_partner"]

OPEN: tuple[State, ...] = ("running", "paused", "unconfirmed", "breached")


class LadderStep(BaseModel):
    """Who is told, and how long (counted like the target) after the target or the limit.

    The bare name of a rung means: at the limit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    to: Rung
    at: Literal["target", "limit"] = "limit"
    after: Duration = ZERO


Step = Annotated[LadderStep, BeforeValidator(lambda s: {"to": s} if isinstance(s, str) else s)]
# The point of contact is no step: they are warned, and hear of the target and of the breach.
LADDER = (
    LadderStep(to="supervisor"),
    LadderStep(to="managing_partner", after=timedelta(hours=4)),
)


class Promise(BaseModel):
    """What is owed: aimed at by `target`, broken after `limit`, warned of before the target."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mode: Mode
    target: Duration
    limit: Duration
    warn_at: Annotated[tuple[Duration, ...], Field(max_length=10)] = ()
    ladder: Annotated[tuple[Step, ...], Field(max_length=20)] = LADDER

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not ZERO < self.target <= self.limit:
            raise ValueError("write a target of at least PT1S, and a limit not before it")
        if any(not ZERO < before < self.target for before in self.warn_at):
            raise ValueError("warn_at lies before the target: write durations shorter than it")
        return self


class UrgentPromise(Promise):
    """What is owed to an urgent message: round the clock, never paused."""

    mode: Literal[Mode.ELAPSED] = Mode.ELAPSED


class ClockPolicy(Promise):
    """The promise of one kind of clock, and that to urgent messages where it differs."""

    urgent: UrgentPromise | None = None


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


DEFAULT_POLICIES: dict[Kind, ClockPolicy] = {
    "acknowledgment": ClockPolicy(
        mode=Mode.ELAPSED,
        target=hours(24),
        limit=hours(24),
        warn_at=(hours(4),),
        urgent=UrgentPromise(target=hours(0.25), limit=hours(0.25), warn_at=(hours(0.1),)),
    ),
    "response": ClockPolicy(
        mode=Mode.BUSINESS_DAY,
        target=hours(24),
        limit=hours(48),
        warn_at=(hours(8), hours(2)),
        urgent=UrgentPromise(target=hours(1), limit=hours(2), warn_at=(hours(0.5),)),
    ),
    "triage": ClockPolicy(
        mode=Mode.ELAPSED, target=hours(24), limit=hours(24), warn_at=(hours(4),)
    ),
    # Silence is a breach: four weeks, but two days after something that the client must hear.
    "update": ClockPolicy(
        mode=Mode.ELAPSED,
        target=hours(21 * 24),
        limit=hours(28 * 24),
        warn_at=(hours(7 * 24), hours(2 * 24)),
        urgent=UrgentPromise(target=hours(24), limit=hours(48), warn_at=(hours(4),)),
    ),
    # The client's own time to reply takes the place of the limit; nobody stands above a client.
    "decision": ClockPolicy(
        mode=Mode.ELAPSED,
        target=hours(7 * 24),
        limit=hours(7 * 24),
        warn_at=(hours(3 * 24), hours(24)),
        ladder=(),
    ),
    # So is the time in which a client is to bring what they were asked for.
    "information": ClockPolicy(
        mode=Mode.ELAPSED,
        target=hours(14 * 24),
        limit=hours(14 * 24),
        warn_at=(hours(3 * 24),),
        ladder=(),
    ),
    # A client's own question or concern about a decision or the strategy, as one that they wrote.
    "question": ClockPolicy(
        mode=Mode.BUSINESS_DAY, target=hours(24), limit=hours(48), warn_at=(hours(8), hours(2))
    ),
    "concern": ClockPolicy(
        mode=Mode.BUSINESS_DAY, target=hours(48), limit=hours(120), warn_at=(hours(24),)
    ),
}


def scaled(policy: ClockPolicy, within: timedelta | None) -> ClockPolicy:
    """The policy in its own proportions for a clock whose limit is its own: a matter's cadence, a
    decision's time to reply. That was said in days or as an instant, so it is counted as it passes,
    however the policy counts. The urgent promise stays as it is."""
    if within is None:
        return policy
    ratio = within / policy.limit
    warn_at = tuple(before * ratio for before in policy.warn_at)
    changed = {"target": policy.target * ratio, "limit": within, "warn_at": warn_at}
    return policy.model_copy(update=changed | {"mode": Mode.ELAPSED})


class Pause(NamedTuple):
    """A wait for the client, from the question sent until the client's next message."""

    id: str
    paused_at: datetime
    resumed_at: datetime | None = None


class Course(NamedTuple):
    """What a clock counts: since when, with which pauses; since when it is urgent; and within what
    it is promised, where that is its own."""

    opened_at: datetime
    pauses: Sequence[Pause] = ()
    urgent_at: datetime | None = None
    within: timedelta | None = None


class Terms(NamedTuple):
    """Under which calendar and policy, and which version of each, a clock counts."""

    calendar: WorkingCalendar
    calendar_id: UUID | None
    calendar_version: int
    policy: ClockPolicy
    policy_version: int


class Threshold(NamedTuple):
    """One thing to be told once: `warn:PT2H`, `target`, `limit` or `ladder:0`, and when (UTC)."""

    name: str
    at: datetime
    rung: Rung | None = None


def timetable(
    calendar: WorkingCalendar, policy: ClockPolicy, course: Course
) -> tuple[Threshold, ...]:
    """All thresholds that a clock reaches if nothing else happens, in the order of firing.

    A paused clock reaches none beyond its pause. When a clock turned urgent the urgent promise
    counts from that message, and neither target nor limit comes later than promised before.
    """
    own = scaled(policy, course.within)
    usual = _schedule(calendar, own, _running(course.opened_at, course.pauses))
    if course.urgent_at is None or policy.urgent is None:
        return tuple(usual)
    urgent = {t.name: t for t in _schedule(calendar, policy.urgent, [(course.urgent_at, None)])}
    for threshold in usual:
        if threshold.name in urgent.keys() & {"target", "limit"}:
            urgent[threshold.name] = min(urgent[threshold.name], threshold, key=_order)
    return tuple(sorted(urgent.values(), key=_order))


def next_threshold(
    table: Iterable[Threshold], state: State, fired: Iterable[str]
) -> Threshold | None:
    """The earliest not told yet. A paused clock only breaches, if it had before its pause; a
    breached one only climbs its ladder, and a met one rests."""
    if state not in OPEN:
        return None
    told = set(fired)
    left = (threshold for threshold in table if threshold.name not in told)
    if state == "paused":
        left = (threshold for threshold in left if threshold.name == "limit")
    if state == "breached":
        left = (threshold for threshold in left if threshold.rung)
    return next(left, None)


def instant_of(table: Iterable[Threshold], name: str) -> datetime | None:
    """When the clock reaches a threshold; None while a pause stands before it."""
    return next((threshold.at for threshold in table if threshold.name == name), None)


def explained(
    calendar: WorkingCalendar, policy: ClockPolicy, course: Course, until: datetime
) -> list[Line]:
    """Counted and skipped stretches from the start to `until`, pauses named by their id."""
    mode = scaled(policy, course.within).mode
    if course.urgent_at is not None and policy.urgent is not None:
        urgent = _schedule(calendar, policy.urgent, [(course.urgent_at, None)])
        if until in (threshold.at for threshold in urgent):
            return explanation(calendar, course.urgent_at, until, Mode.ELAPSED)
    lines: list[Line] = []
    at = course.opened_at
    for pause in _in_order(course.pauses):
        stop, resume = min(pause.paused_at, until), min(pause.resumed_at or until, until)
        lines += explanation(calendar, at, max(at, stop), mode)
        if stop < resume:
            lines.append(Line(max(at, stop), resume, False, "pause", pause.id))
        at = max(at, resume)
    return lines + explanation(calendar, at, until, mode)


def _schedule(
    calendar: WorkingCalendar, promise: Promise, running: Sequence[tuple[datetime, datetime | None]]
) -> list[Threshold]:
    reached = (
        (name, _reached(calendar, promise.mode, running, amount), rung)
        for name, amount, rung in _amounts(promise)
    )
    return sorted((Threshold(name, at, rung) for name, at, rung in reached if at), key=_order)


def _amounts(promise: Promise) -> list[tuple[str, timedelta, Rung | None]]:
    """A target that is also the limit is told once, as the limit."""
    warnings = [(f"warn:{format_duration(w)}", promise.target - w, None) for w in promise.warn_at]
    target = [("target", promise.target, None)] if promise.target < promise.limit else []
    base = {"target": promise.target, "limit": promise.limit}
    ladder = [
        (f"ladder:{number}", base[step.at] + step.after, step.to)
        for number, step in enumerate(promise.ladder)
    ]
    return [*warnings, *target, ("limit", promise.limit, None), *ladder]


def _order(threshold: Threshold) -> tuple[datetime, int]:
    rank = {"warn": 0, "target": 1, "limit": 2, "ladder": 3}
    return threshold.at, rank[threshold.name.split(":")[0]]


def _reached(
    calendar: WorkingCalendar,
    mode: Mode,
    running: Sequence[tuple[datetime, datetime | None]],
    amount: timedelta,
) -> datetime | None:
    """Walks the running stretches. What a pause meets exactly on time waits for its end."""
    for start, end in running:
        if end is None:
            return due_at(calendar, start, amount, mode)
        used = counted(calendar, start, end, mode)
        if amount < used:
            return due_at(calendar, start, amount, mode)
        amount -= used
    return None


def _running(
    opened_at: datetime, pauses: Iterable[Pause]
) -> list[tuple[datetime, datetime | None]]:
    """The stretches between pauses; pauses that overlap are counted once."""
    stretches: list[tuple[datetime, datetime | None]] = []
    start = opened_at
    for pause in _in_order(pauses):
        if pause.paused_at > start:
            stretches.append((start, pause.paused_at))
        if pause.resumed_at is None:
            return stretches
        start = max(start, pause.resumed_at)
    return [*stretches, (start, None)]


def _in_order(pauses: Iterable[Pause]) -> list[Pause]:
    never = datetime.max.replace(tzinfo=UTC)
    return sorted(pauses, key=lambda pause: (pause.paused_at, pause.resumed_at or never))
