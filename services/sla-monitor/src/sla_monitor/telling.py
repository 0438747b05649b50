"""The events of a clock, worded from its row: what is owed, and what became of it."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from shared.contracts.event import Event
from shared.contracts.sla_monitor import (
    AcknowledgmentDue,
    ClockCancelled,
    ClockMet,
    ClockPaused,
    ClockReopened,
    ClockResumed,
    ConcernDue,
    DeadlineBreached,
    DeadlineWarned,
    DecisionDue,
    EscalationRaised,
    InformationDue,
    QuestionDue,
    ResponseDue,
    SkippedDay,
    TriageDue,
    UpdateDue,
)
from sla_monitor.counting import skipped_days
from sla_monitor.models import Clock
from sla_monitor.rules import Course, Pause, Terms, Threshold, explained


def course_of(clock: Clock) -> Course:
    pauses = [Pause(str(each.pause_id), each.paused_at, each.resumed_at) for each in clock.pauses]
    return Course(clock.opened_at, pauses, clock.urgent_at, clock.within)


def due(clock: Clock, terms: Terms, response: Clock | None = None) -> Event:
    """What is owed. An acknowledgment promises exactly what `response`, told before it, says."""
    if clock.kind in ("update", "decision", "question", "information"):
        return _due_in_a_matter(clock)
    owed = {
        "clock_id": clock.clock_id,
        "revision": clock.revision,
        "conversation_id": clock.conversation_id,
        "opened_at": clock.opened_at,
        "target_at": clock.target_at,
        "limit_at": clock.limit_at,
        "policy_version": clock.policy_version,
        "calendar_version": clock.calendar_version,
    }
    if clock.kind == "triage":
        return TriageDue(message_id=_only_message(clock), **owed)
    if clock.kind == "concern":
        zone = clock.time_zone
        about = {"client_id": clock.client_id, "matter_id": clock.matter_id, "time_zone": zone}
        del owed["conversation_id"]
        return ConcernDue(concern_id=_only_message(clock), **about, **owed)
    owed |= {
        "client_id": clock.client_id,
        "matter_id": clock.matter_id,
        "urgent": clock.urgent_at is not None,
        "time_zone": clock.time_zone,
    }
    if response is None:
        return ResponseDue(
            message_ids=_message_ids(clock),
            skipped=_skipped(clock, terms),
            calendar_id=clock.calendar_id,
            **owed,
        )
    return AcknowledgmentDue(
        message_id=_only_message(clock),
        response_clock_id=response.clock_id,
        response_target_at=response.target_at,
        response_limit_at=response.limit_at,
        skipped=_skipped(response, terms),
        **owed,
    )


def _due_in_a_matter(clock: Clock) -> Event:
    owed = clock.model_dump(
        include={
            *("clock_id", "revision", "client_id", "matter_id", "opened_at", "target_at"),
            *("limit_at", "time_zone", "policy_version", "calendar_version"),
        }
    )
    if clock.kind == "decision":
        return DecisionDue(decision_id=clock.conversation_id, **owed)
    if clock.kind == "question":
        return QuestionDue(question_id=clock.conversation_id, **owed)
    if clock.kind == "information":
        return InformationDue(request_id=clock.conversation_id, **owed)
    return UpdateDue(prompted_at=clock.urgent_at, **owed)


def paused(clock: Clock, paused_at: datetime, cause_id: UUID) -> ClockPaused:
    return ClockPaused(paused_at=paused_at, cause_id=cause_id, **_of(clock))


def resumed(clock: Clock, resumed_at: datetime) -> ClockResumed:
    return ClockResumed(
        resumed_at=resumed_at, target_at=clock.target_at, limit_at=clock.limit_at, **_of(clock)
    )


def met(clock: Clock) -> ClockMet:
    return ClockMet(
        met_at=clock.met_at,
        cause_id=clock.met_by,
        late=clock.breached_at is not None,
        **_of(clock),
    )


def reopened(clock: Clock, reopened_at: datetime, cause_id: UUID) -> ClockReopened:
    return ClockReopened(reopened_at=reopened_at, cause_id=cause_id, **_of(clock))


def cancelled(clock: Clock, reason: str) -> ClockCancelled:
    return ClockCancelled(cancelled_at=clock.cancelled_at, reason=reason, **_of(clock))


def passed(
    clock: Clock, threshold: Threshold, detected_at: datetime, staff_id: UUID | None
) -> Event:
    """A threshold that was reached: a warning, the target, the limit or a step of the ladder."""
    kind, _, detail = threshold.name.partition(":")
    told = {"due_at": threshold.at, "staff_id": staff_id, **_of(clock)}
    if kind == "ladder":
        role = cast(str, threshold.rung)
        return EscalationRaised(step=int(detail), role=role, raised_at=detected_at, **told)
    if kind == "limit":
        return DeadlineBreached(
            detected_at=detected_at, policy_version=clock.policy_version, **told
        )
    return DeadlineWarned(
        threshold=detail or "target",
        detected_at=detected_at,
        target_at=clock.target_at,
        limit_at=clock.limit_at,
        **told,
    )


def _of(clock: Clock) -> dict[str, Any]:
    return {
        "clock_id": clock.clock_id,
        "kind": clock.kind,
        "conversation_id": clock.conversation_id,
        "client_id": clock.client_id,
        "matter_id": clock.matter_id,
        "message_ids": _message_ids(clock),
    }


def _message_ids(clock: Clock) -> tuple[UUID, ...]:
    in_order = sorted(clock.messages, key=lambda each: (each.received_at, each.message_id))
    return tuple(each.message_id for each in in_order)


def _only_message(clock: Clock) -> UUID:
    assert clock.message_id is not None, "a clock of one message has that message"
    return clock.message_id


def _skipped(clock: Clock, terms: Terms) -> tuple[SkippedDay, ...]:
    """Days between start and limit that did not count, a pause aside; not those of a holder's
    choice alone: each with the reason that a client can be told."""
    if clock.limit_at is None:
        return ()
    lines = explained(terms.calendar, terms.policy, course_of(clock), clock.limit_at)
    return tuple(
        SkippedDay(day=day, reason=name or reason)
        for day, (reason, name) in skipped_days(lines).items()
    )
