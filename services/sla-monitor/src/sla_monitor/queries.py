"""Reads that more than one caller wants: which terms apply, which clock is meant, who is asked."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, TextualSelect, column, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from shared.contracts import FIRM_ID
from sla_monitor.calendar import PublishedCalendar, Span, WorkingCalendar, working_calendar
from sla_monitor.models import (
    Calendar,
    ClientContact,
    Clock,
    ClockMessage,
    DeadlineReminder,
    Firm,
    Kind,
    PolicyVersion,
    UpdatePrompt,
)
from sla_monitor.rules import DEFAULT_POLICIES, OPEN, ClockPolicy, Terms

OFFICE_DAY = (Span(9 * 60, 17 * 60),)

_ALL_STATED_WAS_HEARD = text("""
    SELECT EXISTS (
        SELECT FROM heads_statements
        WHERE service = :service AND stated_at >= :since AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset(heads)
                AS head (partition int, epoch int, last_sequence bigint)
            JOIN inbox_offsets AS heard
                ON heard.topic = :topic AND heard.partition = head.partition
            WHERE (heard.epoch, heard.sequence) < (head.epoch, head.last_sequence)))
""")

# Versions never change, so their values may be kept for as long as the process lives.
_values: dict[tuple[UUID, int], WorkingCalendar] = {}


@lru_cache
def built_in_calendar(time_zone: str) -> WorkingCalendar:
    """Monday to Friday, nine to five, no holidays: until the firm has chosen a calendar."""
    return WorkingCalendar(time_zone=time_zone, weekly=(OFFICE_DAY,) * 5 + ((),) * 2)


async def current_terms(session: AsyncSession, kind: Kind) -> Terms:
    """What a clock that opens now is promised under."""
    version, policy = await newest_policy(session, kind)
    return Terms(*await calendar_in_force(session), policy, version)


class CalendarInForce(NamedTuple):
    """The firm's own calendar and its version; without one, the built-in one in the firm's zone."""

    value: WorkingCalendar
    calendar_id: UUID | None
    version: int


async def calendar_in_force(session: AsyncSession) -> CalendarInForce:
    firm = await session.get(Firm, FIRM_ID)
    if firm is not None and firm.calendar_id is not None:
        newest = await _newest_version(session, firm.calendar_id)
        if newest is not None:
            value = await calendar_value(session, firm.calendar_id, newest)
            return CalendarInForce(value, firm.calendar_id, newest)
    return CalendarInForce(built_in_calendar(firm.time_zone if firm else "UTC"), None, 0)


async def pinned_terms(session: AsyncSession, clock: Clock) -> Terms:
    """What a clock was promised under, whatever was published since."""
    if clock.calendar_id is None:
        calendar = built_in_calendar(clock.time_zone)
    else:
        calendar = await calendar_value(session, clock.calendar_id, clock.calendar_version)
    policy = await policy_version(session, clock.kind, clock.policy_version)
    return Terms(calendar, clock.calendar_id, clock.calendar_version, policy, clock.policy_version)


async def calendar_value(session: AsyncSession, calendar_id: UUID, version: int) -> WorkingCalendar:
    if (calendar_id, version) not in _values:
        row = await session.get_one(Calendar, (calendar_id, version))
        _values[calendar_id, version] = working_calendar(
            PublishedCalendar.model_validate(row.document)
        )
    return _values[calendar_id, version]


async def newest_calendar(session: AsyncSession, calendar_id: UUID) -> Calendar | None:
    version = await _newest_version(session, calendar_id)
    return await session.get(Calendar, (calendar_id, version)) if version else None


async def _newest_version(session: AsyncSession, calendar_id: UUID) -> int | None:
    """Without the document, which is large: its value is kept by version."""
    found = await session.execute(
        select(func.max(Calendar.version)).where(col(Calendar.calendar_id) == calendar_id)
    )
    return found.scalar_one()


def newest_calendars() -> Select[Calendar]:
    """The newest version of each calendar."""
    other = aliased(Calendar)
    newer = select(other).where(
        col(other.calendar_id) == col(Calendar.calendar_id),
        col(other.version) > col(Calendar.version),
    )
    return select(Calendar).where(~newer.exists())


async def newest_policy(session: AsyncSession, kind: Kind) -> tuple[int, ClockPolicy]:
    found = await session.execute(
        select(func.max(PolicyVersion.version)).where(col(PolicyVersion.kind) == kind)
    )
    version = found.scalar_one() or 1
    return version, await policy_version(session, kind, version)


async def policy_version(session: AsyncSession, kind: Kind, version: int) -> ClockPolicy:
    if version == 1:
        return DEFAULT_POLICIES[kind]
    row = await session.get_one(PolicyVersion, (kind, version))
    return ClockPolicy.model_validate(row.document)


async def open_response_clock(session: AsyncSession, conversation_id: UUID) -> Clock | None:
    """The one open response clock of a conversation, locked."""
    found = await session.execute(
        select(Clock)
        .where(
            col(Clock.conversation_id) == conversation_id,
            col(Clock.kind) == "response",
            col(Clock.state).in_(OPEN),
        )
        .with_for_update()
    )
    return found.scalar_one_or_none()


async def open_update_clock(session: AsyncSession, subject_id: UUID) -> Clock | None:
    """The one open update clock of a matter's own client (the matter is its subject), or of a
    joint one (their membership is), locked."""
    its = col(Clock.conversation_id) == subject_id
    return (await session.execute(_open_update_clocks().where(its))).scalar_one_or_none()


async def update_clock_of(session: AsyncSession, matter_id: UUID, client_id: UUID) -> Clock | None:
    """The one of this client of the matter, under whichever entry of theirs, locked."""
    its = (col(Clock.matter_id) == matter_id) & of_client(client_id)
    return (await session.execute(_open_update_clocks().where(its))).scalar_one_or_none()


async def update_clocks(session: AsyncSession, matter_id: UUID) -> Sequence[Clock]:
    """Those of all clients of a matter, locked."""
    its = col(Clock.matter_id) == matter_id
    return (await session.execute(_open_update_clocks().where(its))).scalars().all()


def _open_update_clocks() -> Select[Clock]:
    return (
        select(Clock)
        .where(col(Clock.kind) == "update", col(Clock.state).in_(OPEN))
        .order_by(col(Clock.clock_id))
        .with_for_update()
    )


async def last_contact(session: AsyncSession, matter_id: UUID, client_id: UUID) -> datetime | None:
    """When a person last told this client something of the matter, as far as it was heard."""
    found = await session.execute(
        select(func.max(ClientContact.contacted_at)).where(
            col(ClientContact.matter_id) == matter_id,
            col(ClientContact.client_id).in_(entries_of(client_id)),
        )
    )
    return found.scalar_one()


async def first_prompt(
    session: AsyncSession, matter_id: UUID, client_id: UUID, *, after: datetime
) -> datetime | None:
    """Since when this client is to hear of the matter soon, for what came after that instant."""
    whose = col(UpdatePrompt.client_id)
    found = await session.execute(
        select(func.min(UpdatePrompt.prompted_at)).where(
            col(UpdatePrompt.matter_id) == matter_id,
            whose.is_(None) | whose.in_(entries_of(client_id)),
            col(UpdatePrompt.prompted_at) > after,
        )
    )
    return found.scalar_one()


def of_client(client_id: UUID) -> ColumnElement[bool]:
    """Clocks of this client, under whichever entry they run."""
    return col(Clock.client_id).in_(entries_of(client_id))


def entries_of(client_id: UUID) -> TextualSelect:
    """All entries of a client: those that were merged are read together."""
    return text(_ENTRIES).bindparams(of=client_id).columns(column("id"))


_ENTRIES = """
    WITH kept AS (
        SELECT COALESCE((SELECT client_id FROM merged_clients WHERE merged_id = CAST(:of AS uuid)),
                        CAST(:of AS uuid)) AS id)
    SELECT id FROM kept UNION SELECT merged_id FROM merged_clients JOIN kept ON client_id = id
"""


async def clock_of(session: AsyncSession, kind: Kind, subject_id: UUID) -> Clock | None:
    """The clock of a decision, a question, or a request for information, locked."""
    found = await session.execute(
        select(Clock)
        .where(col(Clock.conversation_id) == subject_id, col(Clock.kind) == kind)
        .with_for_update()
    )
    return found.scalar_one_or_none()


async def asked_clocks(session: AsyncSession, matter_id: UUID) -> Sequence[Clock]:
    """What a client was asked in a matter, or asked themselves, and is not answered."""
    found = await session.execute(
        select(Clock)
        .where(
            col(Clock.matter_id) == matter_id,
            col(Clock.kind).in_(("decision", "information", "question")),
            col(Clock.state).in_(OPEN),
        )
        .order_by(col(Clock.clock_id))
        .with_for_update()
    )
    return found.scalars().all()


async def clocks_named(session: AsyncSession, clock_ids: Sequence[UUID]) -> Sequence[Clock]:
    found = await session.execute(
        select(Clock)
        .where(col(Clock.clock_id).in_(clock_ids))
        .order_by(col(Clock.clock_id))
        .with_for_update()
    )
    return found.scalars().all()


async def response_clock_of(session: AsyncSession, message_id: UUID) -> Clock | None:
    """The newest response clock that runs or ran for a message."""
    found = await session.execute(
        select(Clock)
        .join(ClockMessage)
        .where(col(ClockMessage.message_id) == message_id, col(Clock.kind) == "response")
        .order_by(col(Clock.clock_id).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()


def clocks_of(message_id: UUID) -> Select[UUID]:
    """Ids of all clocks that run or ran for a message."""
    return select(col(ClockMessage.clock_id)).where(col(ClockMessage.message_id) == message_id)


async def clock_of_message(session: AsyncSession, kind: Kind, message_id: UUID) -> Clock | None:
    """The acknowledgment or triage clock of a message, locked."""
    found = await session.execute(
        select(Clock)
        .where(col(Clock.message_id) == message_id, col(Clock.kind) == kind)
        .with_for_update()
    )
    return found.scalar_one_or_none()


async def open_acknowledgments(
    session: AsyncSession, conversation_id: UUID, until: datetime
) -> Sequence[Clock]:
    """Acknowledgment clocks of a conversation's messages received until then, locked."""
    found = await session.execute(
        select(Clock)
        .where(
            col(Clock.conversation_id) == conversation_id,
            col(Clock.kind) == "acknowledgment",
            col(Clock.state).in_(OPEN),
            col(Clock.opened_at) <= until,
        )
        .order_by(col(Clock.clock_id))
        .with_for_update()
    )
    return found.scalars().all()


async def clocks_met_by(session: AsyncSession, cause_id: UUID) -> Sequence[Clock]:
    found = await session.execute(
        select(Clock)
        .where(col(Clock.met_by) == cause_id)
        .order_by(col(Clock.clock_id))
        .with_for_update()
    )
    return found.scalars().all()


async def due_clocks(session: AsyncSession, until: datetime, limit: int) -> Sequence[Clock]:
    """Claims clocks whose next instant has come; those that another replica fires are left out."""
    found = await session.execute(
        select(Clock)
        .where(col(Clock.next_at) <= until)
        .order_by(col(Clock.next_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.scalars().all()


async def next_instant(session: AsyncSession) -> datetime | None:
    found = await session.execute(select(func.min(Clock.next_at)))
    return found.scalar_one()


async def next_reminder(session: AsyncSession) -> datetime | None:
    untold = col(DeadlineReminder.told_at).is_(None)
    found = await session.execute(select(func.min(DeadlineReminder.remind_at)).where(untold))
    return found.scalar_one()


async def stale_clocks(session: AsyncSession, kind: Kind, terms: Terms, limit: int) -> list[Clock]:
    """Running clocks under terms that are no longer those in force."""
    found = await session.execute(
        select(Clock)
        .where(
            col(Clock.kind) == kind,
            col(Clock.state).in_(("running", "paused", "unconfirmed")),
            (col(Clock.policy_version) != terms.policy_version)
            | col(Clock.calendar_id).is_distinct_from(terms.calendar_id)
            | (col(Clock.calendar_version) != terms.calendar_version)
            | (col(Clock.time_zone) != terms.calendar.time_zone),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(found.scalars())


async def keys_with_parked_events(session: AsyncSession, keys: Sequence[str]) -> set[str]:
    """Keys for which something was heard but not yet understood: nobody may say what is missing."""
    found = await session.execute(
        text(
            "SELECT DISTINCT key FROM parked_events WHERE replayed_at IS NULL AND key = ANY(:keys)"
        ),
        {"keys": list(keys)},
    )
    return set(found.scalars())


async def all_stated_was_heard(
    session: AsyncSession, service: str, topic: str, since: datetime
) -> bool:
    """Whether a service stated its heads since then and all numbers up to them were heard here.

    It cannot see what was committed after the last statement and waits in an outbox whose relay
    stalled since then; nor a stream of which nothing was heard yet.
    """
    asked = {"service": service, "topic": topic, "since": since}
    found = await session.execute(_ALL_STATED_WAS_HEARD, asked)
    return bool(found.scalar_one())
