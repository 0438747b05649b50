"""A clock's thresholds as mails: a warning, the target passed (then the client is told too), a
breach, a step of the ladder. Each is one mail a person, however often its event is heard."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.acknowledgments.promises import promise_of
from messaging.conversations import queries as conversations
from messaging.conversations.models import Conversation, Message
from messaging.directory.models import Staff
from messaging.email import staff_texts, texts
from messaging.email.staff_texts import Owed, Waiting
from messaging.email.texts import Promise
from messaging.notices import actions
from messaging.notices.actions import About, Subject
from messaging.notices.cases import Case, acting_person, case_to_write, head, house_of
from messaging.notices.client_notices import tell_client
from messaging.outbound import queries as outbound
from messaging.outbound.postponed import NotYetKnown
from messaging.settings import MessagingSettings
from shared import clock
from shared.contracts.sla_monitor import (
    ClockFact,
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
    TriageDue,
)

_OWED: dict[str, Owed] = {"response": "answer", "acknowledgment": "acknowledgment"}


async def ask_for_triage(session: AsyncSession, due: TriageDue) -> None:
    """Whoever does triage hears of a message that nobody could be found for."""
    house, staff = await house_of(session), await actions.who_does_triage(session)
    await actions.tell_triage(
        session,
        house,
        staff,
        of=Subject(
            conversation_id=due.conversation_id, message_id=due.message_id, clock_id=due.clock_id
        ),
        purpose=f"triage/{due.message_id}",
        about="triage",
        lead="A message waits in triage: the platform could not tell whose it is.",
        received_at=due.opened_at,
        due_at=due.limit_at,
    )


async def warn(session: AsyncSession, event: DeadlineWarned) -> None:
    """The target is near, or has passed: then the client hears of it too, before the limit."""
    passed = event.threshold == "target"
    purpose = f"warning/{event.clock_id}/{event.threshold}/{event.target_at.isoformat()}"
    if event.client_id is None:
        lead = "A message still waits in triage, and its time is running out."
        await _about_triage(session, event, purpose, "warning", lead, event.limit_at, None)
        return
    waits = await _waits(session, event, event.target_at, event.limit_at)
    staff = await _who(session, event.staff_id, waits.case)
    lead = staff_texts.near(waits.client, waits.owed)
    if passed:
        told = await _tell_client_of_delay(session, event, waits)
        lead = staff_texts.target_passed(waits.client, waits.owed, client_told=told)
    mark = "Target passed" if passed else "Reminder"
    await _remind(session, event, waits, staff, purpose, "warning", mark, lead)


async def tell_of_breach(session: AsyncSession, event: DeadlineBreached) -> None:
    """The point of contact hears that the promise was broken; the ladder tells those above."""
    purpose = f"breach/{event.clock_id}"
    if event.client_id is None:
        lead = "A message was not filed in time: it still waits in triage."
        await _about_triage(session, event, purpose, "breach", lead, event.due_at, event.staff_id)
        return
    waits = await _waits(session, event, event.due_at, event.due_at)
    staff = await _who(session, event.staff_id, waits.case)
    lead = staff_texts.broken(waits.client, waits.owed, event.due_at, waits.case.house.zone)
    await _remind(session, event, waits, staff, purpose, "breach", "Overdue", lead)


async def escalate(session: AsyncSession, event: EscalationRaised) -> None:
    """The person of this step must act now; without one named, the managing partner."""
    purpose = f"escalation/{event.clock_id}/{event.step}"
    if event.client_id is None:
        lead = f"A message waits in triage and comes to you (step {event.step} of the ladder)."
        await _about_triage(
            session, event, purpose, "escalation", lead, event.due_at, event.staff_id
        )
        return
    waits = await _waits(session, event, event.due_at, event.due_at)
    named = event.staff_id
    staff = await acting_person(session, named, clock.now()) if named else await head(session)
    lead = staff_texts.raised(waits.client, waits.owed, waits.case.contact.name, event.step)
    await _remind(session, event, waits, staff, purpose, "escalation", "Escalated", lead)


@dataclass(frozen=True, kw_only=True)
class _Waits:
    """Who waits for what: a clock's event with its people and its oldest message."""

    case: Case
    message: Message
    owed: Owed
    waiting: Waiting

    @property
    def client(self) -> str:
        return self.case.client.name


async def _waits(
    session: AsyncSession, event: ClockFact, target_at: datetime, limit_at: datetime
) -> _Waits:
    assert event.client_id is not None
    case = await case_to_write(session, event.client_id, event.matter_id)
    message = await conversations.message(session, event.message_ids[0])
    if message is None:
        raise NotYetKnown(f"message {event.message_ids[0]}")
    owed = _OWED.get(event.kind, "answer")
    promise = await promise_of(session, event.clock_id)
    if promise is None and owed == "answer":
        promise = Promise(target_at=target_at, limit_at=limit_at)
    acknowledge_by = limit_at if owed == "acknowledgment" else None
    waiting = actions.waiting_for(
        case, message, promise, urgent=message.urgent, acknowledge_by=acknowledge_by
    )
    return _Waits(case=case, message=message, owed=owed, waiting=waiting)


async def _who(session: AsyncSession, staff_id: UUID | None, case: Case) -> Staff:
    return await acting_person(session, staff_id, clock.now()) if staff_id else case.contact


async def _remind(
    session: AsyncSession,
    event: ClockFact,
    waits: _Waits,
    staff: Staff,
    purpose: str,
    about: About,
    mark: str,
    lead: str,
) -> None:
    await actions.remind(
        session,
        waits.case,
        staff,
        waits.message,
        waits.waiting,
        purpose=purpose,
        about=about,
        mark=mark,
        lead=lead,
        clock_id=event.clock_id,
    )


async def _about_triage(
    session: AsyncSession,
    event: ClockFact,
    purpose: str,
    about: About,
    lead: str,
    due_at: datetime,
    staff_id: UUID | None,
) -> None:
    house = await house_of(session)
    message = await conversations.message(session, event.message_ids[0])
    if message is None:
        raise NotYetKnown(f"message {event.message_ids[0]}")
    staff = (
        await acting_person(session, staff_id, clock.now())
        if staff_id
        else await actions.who_does_triage(session)
    )
    await actions.tell_triage(
        session,
        house,
        staff,
        of=Subject(
            conversation_id=event.conversation_id,
            message_id=message.message_id,
            clock_id=event.clock_id,
        ),
        purpose=purpose,
        about=about,
        lead=lead,
        received_at=message.received_at,
        due_at=due_at,
    )


async def _tell_client_of_delay(
    session: AsyncSession, event: DeadlineWarned, waits: _Waits
) -> bool:
    """Whether the client is told: only of an answer, only while the limit lies ahead, and within
    the day's number of automatic mails."""
    case, now = waits.case, clock.now()
    settings: MessagingSettings = session.info["settings"]
    sent = await outbound.automatic_since(session, case.client.email, now - timedelta(days=1))
    if event.kind != "response" or now >= event.limit_at or sent >= settings.messaging_daily_cap:
        return False
    if await outbound.is_being_answered(session, waits.message.message_id, fully=True):
        return False
    blocks = texts.delay(
        client=case.client.name,
        firm=case.house.name,
        contact=case.contact.name,
        promise=Promise(target_at=event.target_at, limit_at=event.limit_at),
        zone=case.zone,
        emergency=case.house.emergency,
    )
    conversation = await session.get_one(Conversation, event.conversation_id)
    purpose = f"delay/{event.clock_id}/{event.target_at.isoformat()}"
    return await tell_client(
        session,
        case,
        conversation,
        purpose=purpose,
        of="updates",
        subject="Your answer will take longer",
        blocks=blocks,
        leaves_by=event.limit_at,
    )
