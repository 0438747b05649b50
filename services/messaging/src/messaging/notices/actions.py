"""Tells members of staff by mail: one purpose and person, one mail. StaffNotified follows when
their mail server has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import queries as conversations
from messaging.conversations.models import Message
from messaging.directory.models import Staff
from messaging.email import composing, staff_texts
from messaging.email.composing import Heading
from messaging.email.rendering import Block, Mailbox, UnusableAddress
from messaging.email.staff_texts import ReplyTo, Waiting
from messaging.email.texts import Promise
from messaging.notices.cases import Case, House, acting_person, head
from messaging.outbound.actions import queue
from messaging.settings import MessagingSettings
from shared import clock
from shared.contracts.messaging import StaffNotified
from shared.ids import new_id
from shared.keyring import KeyNotHeld

log = structlog.get_logger()

About = Literal[
    "message", "triage", "manual-acknowledgment", "warning", "breach", "escalation", "failure",
    "preference", "deadline", "retainer", "consultation", "question",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a notice is about, in ids."""

    conversation_id: UUID
    message_id: UUID | None = None
    client_id: UUID | None = None
    matter_id: UUID | None = None
    clock_id: UUID | None = None


async def tell(
    session: AsyncSession,
    house: House,
    staff: Staff,
    *,
    purpose: str,
    about: About,
    of: Subject,
    title: str,
    blocks: Sequence[Block],
    ways: ReplyTo | None = None,
    waits: str = "",
) -> None:
    """One mail to one person. `waits` is who a reply goes to."""
    notice_id = new_id()
    heading = Heading(
        message_id=house.message_id(notice_id),
        date=clock.now(),
        firm=house.mailbox,
        to=Mailbox(name=staff.name, address=staff.email),
        thread=(house.anchor(of.conversation_id),),
    )
    try:
        mail = composing.staff_notice(
            heading, title, blocks, reply_to=ways.answer if ways else None, about=waits
        )
    except UnusableAddress:
        log.error("a member of staff cannot be mailed", staff_id=str(staff.staff_id), about=about)
        return
    told_as = StaffNotified(
        notice_id=notice_id,
        staff_id=staff.staff_id,
        client_id=of.client_id,
        conversation_id=of.conversation_id,
        matter_id=of.matter_id,
        message_id=of.message_id,
        clock_id=of.clock_id,
        about=about,
        notified_at=clock.now(),
    )
    await queue(
        session,
        mail,
        outbound_id=notice_id,
        purpose=f"{purpose}/{staff.staff_id}",
        told_as=told_as,
    )


async def tell_of_message(
    session: AsyncSession, case: Case, message: Message, waiting: Waiting, clock_id: UUID
) -> None:
    """The point of contact hears of it at once; of an urgent message their supervisor does too."""
    body, attached = await _words(session, message)
    told: list[tuple[Staff, str | None]] = [(case.contact, None)]
    if waiting.urgent and case.supervisor:
        told.append((case.supervisor, case.contact.name))
    for staff, for_information in told:
        ways = case.house.ways(message.message_id, staff.staff_id)
        await tell(
            session,
            case.house,
            staff,
            purpose=f"notice/{message.message_id}",
            about="message",
            of=subject_of(message, case, clock_id),
            title=staff_texts.subject_line(waiting, case.house.zone),
            blocks=staff_texts.notice(
                waiting=waiting,
                reply_to=ways,
                zone=case.house.zone,
                body=body,
                attachments=attached,
                for_information=for_information,
            ),
            ways=ways,
            waits=waiting.client,
        )


async def _words(session: AsyncSession, message: Message) -> tuple[str | None, list[str]]:
    """The client's words and the names of their files, where the policy lets them be mailed."""
    settings: MessagingSettings = session.info["settings"]
    if not settings.messaging_notice_bodies:
        return None, []
    try:
        names = await conversations.attachment_names(session, message.message_id)
        return conversations.body_of(session, message) or "", names
    except KeyNotHeld:  # filed out of quarantine: sealed under the conversation's own key
        return None, []


async def ask_for_acknowledgment(
    session: AsyncSession, case: Case, message: Message, waiting: Waiting, clock_id: UUID, rule: str
) -> None:
    """The task of a person where the machine may not speak."""
    ways = case.house.ways(message.message_id, case.contact.staff_id)
    await tell(
        session,
        case.house,
        case.contact,
        purpose=f"manual-acknowledgment/{clock_id}",
        about="manual-acknowledgment",
        of=subject_of(message, case, clock_id),
        title=staff_texts.subject_line(waiting, case.house.zone, mark="Please acknowledge"),
        blocks=staff_texts.manual_acknowledgment(
            waiting=waiting, reply_to=ways, zone=case.house.zone, rule=rule
        ),
        ways=ways,
        waits=waiting.client,
    )


async def remind(
    session: AsyncSession,
    case: Case,
    staff: Staff,
    message: Message,
    waiting: Waiting,
    *,
    purpose: str,
    about: About,
    mark: str,
    lead: str,
    clock_id: UUID,
) -> None:
    """A warning, a breach or an escalation, to whom it concerns."""
    ways = case.house.ways(message.message_id, staff.staff_id)
    await tell(
        session,
        case.house,
        staff,
        purpose=purpose,
        about=about,
        of=subject_of(message, case, clock_id),
        title=staff_texts.subject_line(waiting, case.house.zone, mark=mark),
        blocks=staff_texts.reminder(lead, waiting=waiting, reply_to=ways, zone=case.house.zone),
        ways=ways,
        waits=waiting.client,
    )


async def tell_triage(
    session: AsyncSession,
    house: House,
    staff: Staff,
    *,
    of: Subject,
    purpose: str,
    about: About,
    lead: str,
    received_at: datetime,
    due_at: datetime,
) -> None:
    """A message without a client: nothing of its sender is in the mail."""
    await tell(
        session,
        house,
        staff,
        purpose=purpose,
        about=about,
        of=of,
        title="A message waits in triage",
        blocks=staff_texts.triage(lead, received_at=received_at, due_at=due_at, zone=house.zone),
    )


async def who_does_triage(session: AsyncSession) -> Staff:
    settings: MessagingSettings = session.info["settings"]
    if settings.messaging_triage_staff_id:
        return await acting_person(session, settings.messaging_triage_staff_id, clock.now())
    return await head(session)


def waiting_for(
    case: Case,
    message: Message,
    promise: Promise | None,
    *,
    urgent: bool,
    acknowledge_by: datetime | None = None,
) -> Waiting:
    return Waiting(
        client=case.client.name,
        client_address=case.client.email,
        channel=message.channel,
        matter=case.matter,
        received_at=message.received_at,
        promise=promise,
        acknowledge_by=acknowledge_by,
        urgent=urgent,
        language=case.manner.language,
        covered=f"{case.away.name} is away, {case.contact.name} acts" if case.away else None,
    )


def subject_of(message: Message, case: Case, clock_id: UUID | None) -> Subject:
    return Subject(
        conversation_id=message.conversation_id,
        message_id=message.message_id,
        client_id=case.client.client_id,
        matter_id=message.matter_id,
        clock_id=clock_id,
    )
