"""Events of sla-monitor: what is owed to whom until when, and what became of it. "Due" means
owed."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.event import Event, Fact

ClockKind = Literal[
    "acknowledgment", "response", "triage", "update", "decision", "information",
    "emergency_update", "question", "concern", "dispute", "subject_access", "policy_review",
    "breach_notice",
]  # fmt: skip


class SkippedDay(Fact):
    """A day that does not count towards the promise, and why ("weekend", or the holiday's name)."""

    day: date
    reason: str


class CalendarPublished(Event, owner="sla-monitor", key="calendar_id"):
    """A version of a business calendar is in force from now on."""

    calendar_id: UUID
    calendar_version: int
    name: str
    time_zone: str


class UrgentTerms(Fact):
    """The promise to urgent messages, where it differs: counted as elapsed time, never paused."""

    target: str
    limit: str
    warn_at: tuple[str, ...] = ()
    ladder: tuple[str, ...] = ()


class ClockPolicyPublished(Event, owner="sla-monitor", key="kind"):
    """A version of the promise for one kind of clock is in force from now on. Durations are ISO
    8601; a step of a ladder reads `supervisor@limit+PT4H`. Without `urgent`, urgent messages are
    promised the same."""

    kind: ClockKind
    policy_version: int
    mode: Literal["elapsed", "business_day", "business_hours"]
    target: str
    limit: str
    warn_at: tuple[str, ...]
    ladder: tuple[str, ...]
    urgent: UrgentTerms | None = None


class ResponseDue(Event, owner="sla-monitor", key="client_id", subject="clock_id"):
    """An answer is owed: one open clock per conversation, from the oldest unanswered message
    on. Told when it opens and again with a higher `revision` when a message joins or the dues
    are recomputed."""

    clock_id: UUID
    revision: int = 1
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    message_ids: tuple[UUID, ...]
    opened_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime
    urgent: bool = False
    time_zone: str
    skipped: tuple[SkippedDay, ...] = ()
    policy_version: int
    calendar_version: int
    calendar_id: UUID | None = None


class AcknowledgmentDue(Event, owner="sla-monitor", key="client_id", subject="clock_id"):
    """An acknowledgment of one message is owed. `response_*` are copied from the ResponseDue
    told just before it in the same transaction: the acknowledgment promises exactly those
    instants."""

    clock_id: UUID
    revision: int = 1
    message_id: UUID
    conversation_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    opened_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime
    urgent: bool = False
    policy_version: int
    calendar_version: int
    response_clock_id: UUID
    response_target_at: AwareDatetime
    response_limit_at: AwareDatetime
    time_zone: str
    skipped: tuple[SkippedDay, ...] = ()


class TriageDue(Event, owner="sla-monitor", key="conversation_id", subject="clock_id"):
    """A quarantined message waits to be filed by a person."""

    clock_id: UUID
    revision: int = 1
    message_id: UUID
    conversation_id: UUID
    opened_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime
    policy_version: int
    calendar_version: int


class UpdateDue(Event, owner="sla-monitor", key="client_id", subject="clock_id"):
    """The client of an open matter is to hear of it again by then, though there be no news: one
    open clock per matter, from the last meaningful contact on. Told when it opens and again with a
    higher `revision` when the dues change. `prompted_at`: since then something happened that the
    client must hear, or they asked, and it is owed sooner than the cadence says."""

    clock_id: UUID
    revision: int = 1
    matter_id: UUID
    client_id: UUID
    opened_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime
    prompted_at: AwareDatetime | None = None
    time_zone: str
    policy_version: int
    calendar_version: int


class DecisionDue(Event, owner="sla-monitor", key="client_id", subject="clock_id"):
    """The client was asked to decide by `limit_at`. It is the client's to answer and the firm's to
    remind: its warnings go to the client."""

    clock_id: UUID
    revision: int = 1
    decision_id: UUID
    matter_id: UUID
    client_id: UUID
    opened_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime
    time_zone: str
    policy_version: int
    calendar_version: int


class InformationDue(Event, owner="sla-monitor", key="client_id", subject="clock_id"):
    """The client was asked for documents and facts by `limit_at`. It is theirs to bring; intake
    reminds them, and this clock tells the firm when the time is over."""

    clock_id: UUID
    revision: int = 1
    request_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    opened_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime
    time_zone: str
    policy_version: int
    calendar_version: int


class DeadlineReminderDue(Event, owner="sla-monitor", key="client_id", subject="deadline_id"):
    """Who must act is owed a reminder of a deadline: so many working days before it, by the firm's
    calendar, when that day's work begins. Told once for each step of each revision of the deadline,
    and not for an instant that was past when it was set. Says nothing of whether it is met."""

    deadline_id: UUID
    revision: int
    matter_id: UUID
    client_id: UUID
    working_days: int
    remind_at: AwareDatetime
    due_at: AwareDatetime
    time_zone: str
    calendar_version: int
    staff_id: UUID | None = None


class QuestionDue(Event, owner="sla-monitor", key="client_id", subject="clock_id"):
    """An answer is owed to a client's question or concern about a decision or the strategy of their
    matter, from when they asked. Told when it opens and again with a higher `revision` when it is
    recomputed."""

    clock_id: UUID
    revision: int = 1
    question_id: UUID
    client_id: UUID
    matter_id: UUID
    opened_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime
    time_zone: str
    policy_version: int
    calendar_version: int


class ConcernDue(Event, owner="sla-monitor", key="client_id", subject="clock_id"):
    """An answer to a billing concern is owed, from when the client raised it. Told when it opens
    and again with a higher `revision` when it is recomputed."""

    clock_id: UUID
    revision: int = 1
    concern_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    opened_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime
    time_zone: str
    policy_version: int
    calendar_version: int


class ClockFact(Event):
    """What all later facts of a clock carry. Where a clock is of no conversation,
    `conversation_id` is what it is of (update: the matter, decision: the decision,
    information: the request)."""

    clock_id: UUID
    kind: ClockKind
    conversation_id: UUID
    client_id: UUID | None = None
    matter_id: UUID | None = None
    message_ids: tuple[UUID, ...]


class ClockPaused(
    ClockFact, owner="sla-monitor", key=("client_id", "conversation_id"), subject="clock_id"
):
    """The firm waits for the client: a question was sent. Nothing counts until ClockResumed."""

    paused_at: AwareDatetime
    cause_id: UUID


class ClockResumed(
    ClockFact, owner="sla-monitor", key=("client_id", "conversation_id"), subject="clock_id"
):
    """The client wrote again; the clock goes on with what was left. The new dues are in the
    ResponseDue told with it."""

    resumed_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime


class ClockMet(
    ClockFact, owner="sla-monitor", key=("client_id", "conversation_id"), subject="clock_id"
):
    """The promise was kept, at `met_at`; `late` when the limit had passed. Told once, unless a
    bounce reopened the clock in between."""

    met_at: AwareDatetime
    cause_id: UUID
    late: bool = False


class ClockReopened(
    ClockFact, owner="sla-monitor", key=("client_id", "conversation_id"), subject="clock_id"
):
    """What had met the clock bounced: it runs again from its old start."""

    reopened_at: AwareDatetime
    cause_id: UUID


class ClockCancelled(
    ClockFact, owner="sla-monitor", key=("client_id", "conversation_id"), subject="clock_id"
):
    """The clock's subject went away, with the reason as a stable code."""

    cancelled_at: AwareDatetime
    reason: str


class DeadlineWarned(
    ClockFact, owner="sla-monitor", key=("client_id", "conversation_id"), subject="clock_id"
):
    """Time is passing: once per clock and threshold. `threshold` is a `warn_at` duration before
    the target, or "target" when the target itself passed: then the client is told that it takes
    longer."""

    threshold: str
    due_at: AwareDatetime
    detected_at: AwareDatetime
    target_at: AwareDatetime
    limit_at: AwareDatetime
    staff_id: UUID | None = None


class DeadlineBreached(
    ClockFact, owner="sla-monitor", key=("client_id", "conversation_id"), subject="clock_id"
):
    """The limit passed unmet: once per clock, and only after everything that could have met it
    by then was heard. `due_at` is the limit, `detected_at` when it was seen."""

    due_at: AwareDatetime
    detected_at: AwareDatetime
    policy_version: int
    staff_id: UUID | None = None


class EscalationRaised(
    ClockFact,
    owner="sla-monitor",
    key=("client_id", "conversation_id"),
    subject="clock_id",
    ordered=False,
):
    """A step of the escalation ladder was reached; `staff_id` is who must act now. Handled even
    while earlier events of its key are parked."""

    step: int
    role: str
    staff_id: UUID | None = None
    raised_at: AwareDatetime
    due_at: AwareDatetime
