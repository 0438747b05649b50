"""A matter's timeline: each event in one line that a person understands. A reading of the record,
not a second copy of it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ValidationError

from audit.readings import kind_of
from shared import sealing
from shared.contracts import CONTRACTS, Event, Sealed
from shared.keyring import KeyNotHeld, Keyring
from shared.sealing import SealBroken

LONGEST_SUMMARY = 200
_SALUTATION = re.compile(
    r"(dear|hello|hi|good (morning|afternoon|evening))\b[^,:!?]{0,60}[,:!]?", re.IGNORECASE
)

INBOUND = {"ClientMessageReceived", "MessageQuarantined"}
OUTBOUND = {"MessageSent", "MessageAcknowledged", "MessageBounced", "MessageFailed"}

SHOWN_TO_CLIENTS = INBOUND | OUTBOUND | {
    "AcknowledgmentDue", "ResponseDue", "ClockMet", "ClockPaused", "ClockResumed",
    "CallLogged", "MatterOpened", "MatterClosed", "JointClientJoined", "JointClientLeft",
    "PointOfContactAssigned",
    "UpdateDue", "UpdateRequested", "ProgressUpdateSent", "DecisionRequested", "DecisionRecorded",
    "DecisionWithdrawn", "StrategyQuestioned", "StrategyExplained",
    "CaseAssessmentShared", "CaseAssessmentAcknowledged",
    "ConsentGranted", "ConsentWithdrawn", "DisclosureMade", "FileHandedOver",
    "EngagementProposed", "EngagementSigned", "EngagementDeclined", "EngagementEnded",
    "InformationRequested", "InformationProvided",
    "FeesDisclosed", "FeesAccepted", "EstimateIssued", "EstimateRevised", "EstimateAgreed",
    "BudgetThresholdCrossed", "InvoiceIssued", "CreditNoteIssued", "PaymentReceived",
    "TrustDeposited", "TrustApplied", "LatePenaltyCharged", "BillingConcernRaised",
    "BillingConcernAnswered", "BillingConcernResolved", "ClosingStatementIssued",
    "BillingDisputeSettled", "LatePenaltyWithdrawn", "PaymentReversed", "TrustRefunded",
    "RetainerRanLow",
}  # fmt: skip
"""Notes, notices among staff, warnings and escalations are the firm's own."""


class Correction(BaseModel):
    """What somebody said is right, in an entry of its own."""

    time: AwareDatetime
    event_id: UUID
    index: int
    summary: str


class TimelineItem(BaseModel):
    """One event of a matter. `client_id`: of joint clients the one of whom it tells. `index` is its
    leaf in the record. `corrections`: newest first; then
    `summary` says the newest, and `first_recorded` what it corrects."""

    time: AwareDatetime
    kind: str
    channel: str | None = None
    direction: Literal["inbound", "outbound"] | None = None
    client_id: UUID | None = None
    message_id: UUID | None = None
    event_id: UUID
    index: int
    summary: str
    first_recorded: str | None = None
    corrections: list[Correction] = []


@dataclass(frozen=True)
class Reader:
    """What it takes to read: the keys that are held, the zone to tell times in, and whether it is
    the client who reads."""

    keys: Keyring
    zone: str
    is_client: bool

    def text(self, sealed: Sealed | None) -> str:
        """What it says at first; empty when there is nothing."""
        if sealed is None:
            return ""
        try:
            key = self.keys.key(sealed.owner, sealed.key_version)
            content = sealing.unseal(key, sealed).decode(errors="replace")
        except KeyNotHeld:
            return "(no longer readable: its key was destroyed)"
        except SealBroken:
            return "(the seal is broken)"
        return first_line(content)

    def time(self, instant: datetime, zone: str | None = None) -> str:
        """`Tue 14 Jul 16:30`"""
        try:
            local = instant.astimezone(ZoneInfo(zone or self.zone))
        except (ZoneInfoNotFoundError, ValueError):
            local = instant
        return f"{local:%a} {local.day} {local:%b %H:%M}"


def first_line(text: str) -> str:
    """The first that is more than a salutation, if there is one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = (line for line in lines if not _SALUTATION.fullmatch(line))
    return next(said, lines[0] if lines else "")


def event_of(row: Any) -> Event | None:
    """The event of a row, None when it is not one that this version knows."""
    contract = CONTRACTS.get(row.type)
    try:
        return contract.model_validate_json(row.value) if contract else None
    except ValidationError:
        return None


def item(
    row: Any, event: Event | None, reader: Reader, corrections: Sequence[Correction] = ()
) -> TimelineItem:
    kind = kind_of(row.type)
    words = _summary(kind, event, reader)
    return TimelineItem(
        time=row.fact_at,
        kind=kind,
        channel=getattr(event, "channel", "email" if kind == "MessageQuarantined" else None),
        direction=_direction(kind, event),
        client_id=getattr(event, "client_id", None),
        message_id=getattr(event, "message_id", getattr(event, "acknowledgment_id", None)),
        event_id=row.event_id,
        index=row.index,
        summary=corrections[0].summary if corrections else words,
        first_recorded=words if corrections else None,
        corrections=list(corrections),
    )


def correction(row: Any, reader: Reader) -> Correction:
    event = event_of(row)
    words = _summary(kind_of(row.type), event, reader)
    return Correction(time=row.fact_at, event_id=row.event_id, index=row.index, summary=words)


def _direction(kind: str, event: Event | None) -> Literal["inbound", "outbound"] | None:
    if kind in INBOUND:
        return "inbound"
    return "outbound" if kind in OUTBOUND else getattr(event, "direction", None)


def _summary(kind: str, event: Event | None, reader: Reader) -> str:
    in_words = "".join(f" {one.lower()}" if one.isupper() else one for one in kind).strip()
    if event is None or kind not in WORDS:
        return in_words.capitalize()
    words = WORDS[kind](event, reader) or in_words.capitalize()
    return words if len(words) <= LONGEST_SUMMARY else f"{words[: LONGEST_SUMMARY - 1]}…"


CLOCKS = {
    "acknowledgment": "Acknowledgment",
    "response": "Answer",
    "triage": "Filing",
    "update": "Progress update",
    "decision": "Decision",
    "information": "Information",
    "question": "Answer to a client's question",
    "concern": "Answer to a billing concern",
}
JOINTLY = {
    "waiting": "; of the joint clients not all have answered",
    "agreed": "; the joint clients agree",
    "divided": "; the joint clients are divided and have decided nothing together",
}


def _clock(event: Any) -> str:
    kind: str = event.kind
    return CLOCKS.get(kind, kind.replace("_", " ").capitalize())


def _subject_or_first_line(event: Any, reader: Reader) -> str:
    return reader.text(event.subject_text) or reader.text(event.body)


def _sent(event: Any, reader: Reader) -> str:
    waited = " (waited for the end of quiet hours)" if event.waited else ""
    return _subject_or_first_line(event, reader) + waited


def _due(what: str) -> Callable[[Any, Reader], str]:
    def words(event: Any, reader: Reader) -> str:
        return f"{what} due {reader.time(event.limit_at, getattr(event, 'time_zone', None))}"

    return words


def _acknowledged(event: Any, reader: Reader) -> str:
    return "Acknowledged automatically" if event.automatic else "Acknowledged by a person"


def _call(event: Any, reader: Reader) -> str:
    how = {"phone": "Phone call", "video": "Video call", "in_person": "Meeting"}[event.channel]
    return how if reader.is_client else f"{how}: {reader.text(event.note)}"


def _told(event: Any, reader: Reader) -> str:
    words = f"Progress update told ({event.channel.replace('_', ' ')})"
    noted = event.note is not None and not reader.is_client
    return f"{words}: {reader.text(event.note)}" if noted else words


def _scheduled(event: Any, reader: Reader) -> str:
    met = "Met" if event.met_at else reader.time(event.due_at)
    return f"{'Called off' if event.cancelled else met}: {reader.text(event.title)}"


def _left(event: Any, reader: Reader) -> str:
    words = "A joint client is represented no more"
    return words if reader.is_client else f"{words}: {reader.text(event.reason)}"


def _met(event: Any, reader: Reader) -> str:
    return f"{_clock(event)} given{', late' if event.late else ' in time'}"


def _warned(event: Any, reader: Reader) -> str:
    passed = event.threshold == "target"
    return f"{_clock(event)} {'takes longer' if passed else 'soon due'}: at the latest " + (
        reader.time(event.limit_at)
    )


def _sealed(field: str, before: str) -> Callable[[Any, Reader], str]:
    def words(event: Any, reader: Reader) -> str:
        return f"{before}: {reader.text(getattr(event, field))}"

    return words


WORDS: dict[str, Callable[[Any, Reader], str]] = {
    "RecordCorrected": lambda event, reader: (
        f"Correction of entry {event.corrects_index}: {reader.text(event.correction)}"
    ),
    "ClientMessageReceived": _subject_or_first_line,
    "MessageQuarantined": _subject_or_first_line,
    "MessageSent": _sent,
    "MessageCorrected": _sealed("body", "Corrected entry"),
    "MessageAcknowledged": _acknowledged,
    "MessageBounced": lambda event, _: f"Came back undelivered ({event.status})",
    "MessageFailed": lambda event, _: f"Could not be delivered ({event.status})",
    "MessageFiled": lambda event, reader: f"Filed: {reader.text(event.reason)}",
    "MessageRefiled": lambda event, reader: f"Filed to another matter: {reader.text(event.reason)}",
    "CallLogged": _call,
    "NoteWritten": lambda event, reader: f"Note: {reader.text(event.body)}",
    "StaffNotified": lambda event, _: f"Staff were told ({event.about})",
    "ManualAcknowledgmentRequested": lambda event, _: (
        f"To be acknowledged by a person ({event.rule})"
    ),
    "MatterOpened": lambda event, reader: (
        f"Matter {event.number} opened: {reader.text(event.title)}"
    ),
    "JointClientJoined": _sealed("reason", "A joint client is represented from now on"),
    "JointClientLeft": _left,
    "PointOfContactAssigned": lambda event, reader: (
        f"New point of contact from {reader.time(event.from_at)}"
    ),
    "AcknowledgmentDue": _due("Acknowledgment"),
    "ResponseDue": _due("Answer"),
    "TriageDue": _due("Filing"),
    "ClockMet": _met,
    "ClockPaused": lambda event, _: f"{_clock(event)} waits for the client",
    "ClockResumed": lambda event, reader: (
        f"{_clock(event)} due {reader.time(event.limit_at)}: the client wrote again"
    ),
    "ClockReopened": lambda event, _: f"{_clock(event)} owed again: it came back undelivered",
    "ClockCancelled": lambda event, _: f"{_clock(event)} no longer owed ({event.reason})",
    "DeadlineWarned": _warned,
    "DeadlineBreached": lambda event, reader: (
        f"{_clock(event)} overdue since {reader.time(event.due_at)}"
    ),
    "EscalationRaised": lambda event, _: (
        f"{_clock(event)} escalated to the {event.role.replace('_', ' ')}"
    ),
    "UpdateDue": _due("Progress update"),
    "DecisionDue": _due("Decision"),
    "InformationDue": _due("Information"),
    "DeadlineReminderDue": lambda event, reader: (
        f"Reminder of a deadline, {reader.time(event.due_at, event.time_zone)}: working days left"
        f" {event.working_days}"
    ),
    "QuestionDue": _due("Answer to a client's question"),
    "ConcernDue": _due("Answer to a billing concern"),
    "FileHandedOver": lambda event, _: (
        f"File handed over ({event.channel.replace('_', ' ')}), {event.entries} entries"
    ),
    "MatterClosed": _sealed("reason", "Matter closed"),
    "MilestoneReached": lambda event, _: f"Milestone reached: {event.slug.replace('-', ' ')}",
    "MilestoneReverted": lambda event, _: f"Milestone taken back: {event.slug.replace('-', ' ')}",
    "DevelopmentRecorded": _sealed("summary", "Development"),
    "DeadlineScheduled": _scheduled,
    "UpdateRequested": lambda *_: "The client asked how it stands",
    "ProgressUpdateSent": _told,
    "DecisionRequested": _sealed("question", "To decide"),
    "DecisionRecorded": lambda event, _: (
        f"Decided: {event.option}{', late' if event.late else ''}{JOINTLY.get(event.jointly, '')}"
    ),
    "DecisionWithdrawn": _sealed("reason", "No longer to decide"),
    "StrategyQuestioned": _sealed("question", "The client asks about the strategy"),
    "StrategyExplained": _sealed("answer", "About the strategy"),
    "CaseAssessmentShared": lambda event, _: (
        f"Assessment shared, version {event.assessment_version}"
    ),
    "CaseAssessmentAcknowledged": lambda event, _: (
        f"Assessment acknowledged, version {event.assessment_version}"
    ),
    "EngagementProposed": _sealed("title", "Agreement sent to be signed"),
    "EngagementSigned": _sealed("title", "Agreement signed by all"),
    "FeesDisclosed": lambda event, _: f"Fees explained, version {event.terms_version}",
    "FeesAccepted": lambda event, _: f"Fees accepted, version {event.terms_version}",
    "InvoiceIssued": lambda event, _: f"Invoice {event.number}, due {event.due_on:%d %b %Y}",
    "CreditNoteIssued": lambda event, _: f"Credit note {event.number}",
    "ClosingStatementIssued": _sealed("outcome", "How the matter ended"),
    "BillingConcernRaised": _sealed("text", "Concern about a bill"),
    "BillingConcernAnswered": _sealed("text", "About the concern"),
    "BillingDisputeSettled": _sealed("text", "The dispute was decided"),
    "BillingConcernResolved": lambda event, _: f"Concern ended: {event.outcome}",
}
