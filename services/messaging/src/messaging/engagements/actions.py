"""Compose and queue: one mail for each link, code and time of a consultation, however often its
event is heard. They go to the address that intake names, which need not be the client's own: of a
couple both sign."""

from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations.actions import begin_conversation, receive_client_message
from messaging.conversations.keeping import Said
from messaging.conversations.models import Conversation, Message
from messaging.directory import queries as directory
from messaging.email import composing
from messaging.email.composing import Heading
from messaging.email.rendering import Calendar, Mailbox, UnusableAddress, plain_text
from messaging.engagements import texts
from messaging.engagements.invitations import invitation
from messaging.engagements.texts import Letter
from messaging.notices.actions import Subject, tell
from messaging.notices.cases import acting_person, head, house_of, person, require_key
from messaging.outbound.actions import queue
from messaging.outbound.postponed import NotYetKnown
from shared import clock
from shared.contracts.intake import (
    CodeIssued,
    ConsultationRequested,
    ConsultationScheduled,
    EngagementHeldUp,
    EngagementQuestionAsked,
    LinkIssued,
)
from shared.contracts.messaging import MessageSent
from shared.ids import new_id
from shared.keyring import seal, unseal

log = structlog.get_logger()

SUBJECT = "Becoming our client"


async def send_link(session: AsyncSession, event: LinkIssued) -> None:
    house = await house_of(session)
    to = Mailbox(name=unseal(session, event.name), address=unseal(session, event.email))
    letter = texts.link(
        event.purpose,
        name=to.name,
        firm=house.name,
        url=unseal(session, event.url),
        expires_at=event.expires_at,
        zone=await _zone(session, event.client_id, house.zone),
    )
    of, purpose = event.client_id, f"link/{event.link_id}"
    until = event.expires_at
    await _send(session, of, to, letter, purpose, leaves_by=until, withheld=True)


async def send_code(session: AsyncSession, event: CodeIssued) -> None:
    """Nothing is sent that works no longer. Whoever asks for a code waits for it."""
    if event.expires_at <= clock.now():
        return
    house = await house_of(session)
    to = Mailbox(name=unseal(session, event.name), address=unseal(session, event.email))
    letter = texts.code(
        name=to.name,
        firm=house.name,
        digits=unseal(session, event.code),
        expires_at=event.expires_at,
        zone=await _zone(session, event.client_id, house.zone),
    )
    of, purpose = event.client_id, f"code/{event.code_id}"
    await _send(session, of, to, letter, purpose, keep_words=False, at_once=True, withheld=True)


async def invite(session: AsyncSession, event: ConsultationScheduled) -> None:
    house = await house_of(session)
    host = await person(session, event.staff_id)
    to = Mailbox(name=unseal(session, event.name), address=unseal(session, event.email))
    place = unseal(session, event.place)
    letter = texts.invitation(
        name=to.name,
        firm=house.name,
        with_whom=host.name,
        starts_at=event.starts_at,
        channel=event.channel,
        place=place,
        moved=event.sequence > 0,
        cancelled=event.cancelled,
        zone=await _zone(session, event.client_id, house.zone),
    )
    calendar = invitation(
        consultation_id=event.consultation_id,
        sequence=event.sequence,
        cancelled=event.cancelled,
        told_at=clock.now(),
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        place=place,
        firm=house.name,
        organizer=house.mailbox.address,
        attendee=to.address,
    )
    purpose = f"consultation/{event.consultation_id}/{event.sequence}"
    of, until = event.client_id, event.starts_at
    await _send(session, of, to, letter, purpose, calendar=calendar, leaves_by=until)


async def take_question(session: AsyncSession, event: EngagementQuestionAsked) -> None:
    """A question before signing is a message of the client: acknowledged, clocked, answered. Raises
    NotYetKnown before anything is written."""
    client = await directory.client(session, event.client_id)
    if client is None:
        raise NotYetKnown(f"client {event.client_id}")
    if await session.get(Message, event.question_id) is not None:
        return
    if client.client_id != event.client_id:
        require_key(session, client)
    conversation = await _conversation(session, client.client_id, event.asked_at)
    said = Said(
        message_id=event.question_id,
        received_at=event.asked_at,
        channel="portal",
        subject="A question before signing",
        body=unseal(session, event.question),
        sender_name=client.name,
        sender_address=client.email,
    )
    await receive_client_message(session, conversation, said)


async def tell_of_request(session: AsyncSession, event: ConsultationRequested) -> None:
    """Whoever is to answer hears that somebody asks, and not who: a conflict may stand between
    them. Raises NotYetKnown before anything is written."""
    house = await house_of(session)
    named = event.point_of_contact_id or (await head(session)).staff_id
    staff = await acting_person(session, named, clock.now())
    notice = texts.requested(
        practice_area=event.practice_area,
        source=event.source,
        consultation_id=event.consultation_id,
        requested_at=event.requested_at,
        zone=house.zone,
    )
    conversation = await _conversation(session, event.client_id, event.requested_at)
    await tell(
        session,
        house,
        staff,
        purpose=f"consultation-requested/{event.consultation_id}",
        about="consultation",
        of=Subject(conversation_id=conversation.conversation_id, client_id=event.client_id),
        title=notice.subject,
        blocks=notice.blocks,
    )


async def tell_of_hold_up(session: AsyncSession, event: EngagementHeldUp) -> None:
    """Whoever must decide on a conflict that came to light late, or answers the client meanwhile.
    Raises NotYetKnown before anything is written."""
    house = await house_of(session)
    client = await directory.client(session, event.client_id)
    if client is None:
        raise NotYetKnown(f"client {event.client_id}")
    now = clock.now()
    people = [await acting_person(session, one, now) for one in event.staff_ids]
    notice = texts.held_up(
        client=client.name,
        state=event.state,
        consultation_id=event.consultation_id,
        revision=event.revision,
    )
    conversation = await _conversation(session, event.client_id, event.held_up_at)
    of = Subject(conversation_id=conversation.conversation_id, client_id=event.client_id)
    for one in people:
        await tell(
            session,
            house,
            one,
            purpose=f"held-up/{event.engagement_id}/{event.check_id}/{event.revision}",
            about="warning",
            of=of,
            title=notice.subject,
            blocks=notice.blocks,
        )


async def _send(
    session: AsyncSession,
    client_id: UUID,
    to: Mailbox,
    letter: Letter,
    purpose: str,
    *,
    calendar: Calendar | None = None,
    keep_words: bool = True,
    at_once: bool = False,
    leaves_by: datetime | None = None,
    withheld: bool = False,
) -> None:
    house = await house_of(session)
    conversation = await _conversation(session, client_id, clock.now())
    outbound_id = new_id()
    heading = Heading(
        message_id=house.message_id(outbound_id),
        date=clock.now(),
        firm=house.mailbox,
        to=to,
        thread=(house.anchor(conversation.conversation_id),),
    )
    try:
        mail = composing.letter(heading, letter.subject, letter.blocks, calendar=calendar)
    except UnusableAddress:
        log.error("a letter of intake cannot be sent", client_id=str(client_id), purpose=purpose)
        return
    words = plain_text(letter.blocks) if keep_words else letter.subject
    told_as = MessageSent(
        message_id=outbound_id,
        conversation_id=conversation.conversation_id,
        client_id=client_id,
        kind="notice",
        channel="email",
        sent_at=clock.now(),
        automatic=True,
        body=seal(session, client_id, outbound_id, "message", "body", words),
    )
    await queue(
        session,
        mail,
        outbound_id=outbound_id,
        purpose=purpose,
        told_as=told_as,
        at_once=at_once,
        leaves_by=leaves_by,
        withheld=withheld,
    )


async def _conversation(session: AsyncSession, client_id: UUID, at: datetime) -> Conversation:
    """One for all that is said on the way to an engagement; replies find it again."""
    conversation_id = uuid5(NAMESPACE_OID, f"intake/{client_id}")
    found = await session.get(Conversation, conversation_id)
    return found or await begin_conversation(
        session,
        conversation_id=conversation_id,
        owner=client_id,
        client_id=client_id,
        matter_id=None,
        subject=SUBJECT,
        at=at,
    )


async def _zone(session: AsyncSession, client_id: UUID, firms: ZoneInfo) -> ZoneInfo:
    client = await directory.client(session, client_id)
    return ZoneInfo(client.time_zone) if client else firms
