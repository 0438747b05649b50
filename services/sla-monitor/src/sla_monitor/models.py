"""What sla-monitor remembers: calendars and policies by version, who is asked, and every clock."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Interval, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlalchemy.types import Text
from sqlmodel import Field, Relationship, SQLModel

Kind = Literal[
    "acknowledgment", "response", "triage", "update", "decision", "question", "concern",
    "information",
]  # fmt: skip
State = Literal["running", "paused", "unconfirmed", "met", "breached", "cancelled"]


class Instant(DateTime):
    """timestamptz: an instant is UTC and never naive."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True)


class Row(SQLModel, registry=registry()):
    """Base of this service's tables; other services in one process have metadata of their own."""


class Calendar(Row, table=True):
    """One version of a calendar, never changed. `document` is a PublishedCalendar."""

    __tablename__ = "calendars"
    calendar_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    name: str
    document: dict[str, Any] = Field(sa_type=JSONB)
    published_at: datetime = Field(sa_type=Instant)
    published_by: UUID


class PolicyVersion(Row, table=True):
    """One version of a clock policy, never changed. Version 1 is built in and has no row."""

    __tablename__ = "clock_policies"
    kind: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_type=JSONB)
    published_at: datetime = Field(sa_type=Instant)
    published_by: UUID


class Firm(Row, table=True):
    """What the firm last said of itself, as far as clocks need it."""

    __tablename__ = "firms"
    firm_id: UUID = Field(primary_key=True)
    time_zone: str
    calendar_id: UUID | None = None
    revision: int


class StaffMember(Row, table=True):
    """Who stands above and beside whom. No names, they are matters' own; the address is how a
    caller is known."""

    __tablename__ = "staff"
    staff_id: UUID = Field(primary_key=True)
    email: str | None = None
    supervisor_id: UUID | None = None
    stand_in_id: UUID | None = None
    managing_partner: bool = False
    active: bool = True


class ContactAssignment(Row, table=True):
    """From `from_at` on, the point of contact of a matter, or without one of a client."""

    __tablename__ = "contact_assignments"
    assignment_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID | None = None
    staff_id: UUID
    from_at: datetime = Field(sa_type=Instant)


class MergedClient(Row, table=True):
    """An entry that turned out to be a client known already; `client_id` stays."""

    __tablename__ = "merged_clients"
    merged_id: UUID = Field(primary_key=True)
    client_id: UUID


class Wall(Row, table=True):
    """Around the matter, or, without one, around the client. `kind` and `staff_ids` are None where
    its lowering was heard first: then it never stood."""

    __tablename__ = "walls"
    wall_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID | None = None
    kind: str | None = None
    staff_ids: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))
    lowered: bool = False


class Absence(Row, table=True):
    """Who is away when, and who acts for them."""

    __tablename__ = "absences"
    absence_id: UUID = Field(primary_key=True)
    revision: int
    staff_id: UUID
    stand_in_id: UUID
    from_at: datetime = Field(sa_type=Instant)
    until_at: datetime = Field(sa_type=Instant)
    cancelled: bool = False


class ClockMessage(Row, table=True):
    """A client's message that a clock runs for."""

    __tablename__ = "clock_messages"
    clock_id: UUID = Field(primary_key=True, foreign_key="clocks.clock_id")
    message_id: UUID = Field(primary_key=True)
    received_at: datetime = Field(sa_type=Instant)
    urgent: bool = False


class ClockPause(Row, table=True):
    """A wait for the client; `pause_id` is the question that was sent."""

    __tablename__ = "clock_pauses"
    clock_id: UUID = Field(primary_key=True, foreign_key="clocks.clock_id")
    pause_id: UUID = Field(primary_key=True)
    paused_at: datetime = Field(sa_type=Instant)
    resumed_at: datetime | None = Field(default=None, sa_type=Instant)


class ClockFiring(Row, table=True):
    """A threshold that was told: the primary key is why it is told once."""

    __tablename__ = "clock_firings"
    clock_id: UUID = Field(primary_key=True, foreign_key="clocks.clock_id")
    threshold: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=Instant)
    detected_at: datetime = Field(sa_type=Instant)


def _parts_of_a_clock(order: str) -> dict[str, str]:
    return {"lazy": "selectin", "order_by": order, "cascade": "all, delete-orphan"}


class Clock(Row, table=True):
    """A promise to a client that runs. `target_at` and `limit_at` are unknown while it pauses.

    `message_id` is set where a clock is of one message (acknowledgment, triage, a billing concern);
    where it is of no conversation, `conversation_id` is what it is of (update: the matter,
    decision: the decision, concern: the concern, information: the request). `met_by` is the
    message, acknowledgment or call that met it: if that bounces, the clock opens again. `within` is
    what this one is promised, where that is not the policy's limit.
    """

    __tablename__ = "clocks"
    clock_id: UUID = Field(primary_key=True)
    kind: Kind = Field(sa_type=Text)
    state: State = Field(default="running", sa_type=Text)
    revision: int = 1
    conversation_id: UUID
    client_id: UUID | None = None
    matter_id: UUID | None = None
    message_id: UUID | None = None
    opened_at: datetime = Field(sa_type=Instant)
    urgent_at: datetime | None = Field(default=None, sa_type=Instant)
    within: timedelta | None = Field(default=None, sa_type=Interval)
    policy_version: int
    calendar_id: UUID | None = None
    calendar_version: int
    time_zone: str
    target_at: datetime | None = Field(default=None, sa_type=Instant)
    limit_at: datetime | None = Field(default=None, sa_type=Instant)
    next_at: datetime | None = Field(default=None, sa_type=Instant)
    warned_at: datetime | None = Field(default=None, sa_type=Instant)
    breached_at: datetime | None = Field(default=None, sa_type=Instant)
    met_at: datetime | None = Field(default=None, sa_type=Instant)
    met_by: UUID | None = None
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)

    messages: list[ClockMessage] = Relationship(
        sa_relationship_kwargs=_parts_of_a_clock("ClockMessage.received_at")
    )
    pauses: list[ClockPause] = Relationship(
        sa_relationship_kwargs=_parts_of_a_clock("ClockPause.paused_at")
    )
    firings: list[ClockFiring] = Relationship(
        sa_relationship_kwargs=_parts_of_a_clock("ClockFiring.due_at")
    )


class Deadline(Row, table=True):
    """Something in a matter that is to be done or takes place by an instant. It no longer `stands`
    when it was called off or its matter closed."""

    __tablename__ = "deadlines"
    deadline_id: UUID = Field(primary_key=True)
    revision: int
    client_id: UUID
    matter_id: UUID
    due_at: datetime = Field(sa_type=Instant)
    stands: bool
    calendar_id: UUID | None = None
    calendar_version: int
    time_zone: str


class DeadlineReminder(Row, table=True):
    """One step before a deadline; its key is why it is told once."""

    __tablename__ = "deadline_reminders"
    deadline_id: UUID = Field(primary_key=True, foreign_key="deadlines.deadline_id")
    revision: int = Field(primary_key=True)
    working_days: int = Field(primary_key=True)
    remind_at: datetime = Field(sa_type=Instant)
    told_at: datetime | None = Field(default=None, sa_type=Instant)


class ClientContact(Row, table=True):
    """When a client last heard of a matter from a person; also of one not yet heard of here."""

    __tablename__ = "client_contacts"
    matter_id: UUID = Field(primary_key=True)
    client_id: UUID = Field(primary_key=True)
    contacted_at: datetime = Field(sa_type=Instant)
    cause_id: UUID


class UpdatePrompt(Row, table=True):
    """Something that clients of a matter are to hear soon: it happened (`cause_id`), or one of them
    (`client_id`) asked."""

    __tablename__ = "update_prompts"
    cause_id: UUID = Field(primary_key=True)
    matter_id: UUID
    client_id: UUID | None = None
    prompted_at: datetime = Field(sa_type=Instant)


class HeadsStatement(Row, table=True):
    """What a service last stated of its streams: each `heads` is a StreamHead."""

    __tablename__ = "heads_statements"
    service: str = Field(primary_key=True)
    stated_at: datetime = Field(sa_type=Instant)
    heads: list[dict[str, Any]] = Field(sa_type=JSONB)


class EarlyFiling(Row, table=True):
    """A message whose filing was heard before its quarantine: they travel in two streams."""

    __tablename__ = "early_filings"
    message_id: UUID = Field(primary_key=True)
    filed_at: datetime = Field(sa_type=Instant)
