"""What the firm's machine tells a client of itself: one purpose, one line in the conversation, one
mail. Where the client prefers the portal the mail only says that the line is there; where they
prefer to be spoken to, their point of contact is asked to."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import actions as conversations
from messaging.conversations.keeping import Said
from messaging.conversations.models import Conversation
from messaging.directory.rules import Purpose
from messaging.email import composing, staff_texts, texts
from messaging.email.composing import Heading
from messaging.email.rendering import Block, Mailbox, UnusableAddress, plain_text
from messaging.notices.actions import Subject, tell
from messaging.notices.cases import Case
from messaging.outbound import queries as outbound
from messaging.outbound.actions import queue
from shared import clock
from shared.contracts.messaging import MessageSent
from shared.ids import new_id
from shared.keyring import seal

log = structlog.get_logger()


async def tell_client(
    session: AsyncSession,
    case: Case,
    conversation: Conversation,
    *,
    purpose: str,
    of: Purpose,
    subject: str,
    blocks: Sequence[Block],
    at_once: bool = False,
    leaves_by: datetime | None = None,
) -> bool:
    """False if the client cannot be mailed. `of` is which of their wishes counts; it waits for the
    end of their quiet hours unless it is to go `at_once` or would be too late by then."""
    client, message_id, in_portal = case.client, new_id(), case.manner.in_portal(of)
    heading = Heading(
        message_id=case.house.message_id(message_id),
        date=clock.now(),
        firm=case.house.mailbox,
        to=Mailbox(name=client.name, address=client.email),
        thread=await outbound.thread(session, conversation.conversation_id),
        reading=case.manner.reading,
    )
    mailed = (texts.ANNOUNCED_SUBJECT, texts.ANNOUNCED) if in_portal else (subject, blocks)
    try:
        mail = composing.client_notice(heading, *mailed)
    except UnusableAddress:
        log.error("a client cannot be mailed", client_id=str(client.client_id), purpose=purpose)
        return False
    said = Said(
        message_id=message_id,
        received_at=clock.now(),
        channel="portal" if in_portal else "email",
        subject=subject,
        body=plain_text(blocks),
        sender_name=case.house.mailbox.name,
        sender_address=case.house.mailbox.address,
        automatic=True,
    )
    told_as = MessageSent(
        message_id=message_id,
        conversation_id=conversation.conversation_id,
        client_id=client.client_id,
        matter_id=conversation.matter_id,
        kind="notice",
        channel=said.channel,
        sent_at=clock.now(),
        automatic=True,
        body=seal(session, client.client_id, message_id, "message", "body", said.body),
    )
    news = await queue(
        session,
        mail,
        outbound_id=message_id,
        purpose=purpose,
        told_as=told_as,
        at_once=at_once,
        leaves_by=leaves_by,
    )
    if news:
        await conversations.keep_notice(session, conversation, said)
        await _ask_to_speak(session, case, conversation, purpose, of, subject)
    return True


async def _ask_to_speak(
    session: AsyncSession,
    case: Case,
    conversation: Conversation,
    purpose: str,
    of: Purpose,
    subject: str,
) -> None:
    """The mail leaves all the same: a wish for a voice must not end in silence."""
    way = case.manner.by_person(of)
    if way is None:
        return
    await tell(
        session,
        case.house,
        case.contact,
        purpose=f"wish/{purpose}",
        about="preference",
        of=Subject(
            conversation_id=conversation.conversation_id,
            client_id=case.client.client_id,
            matter_id=conversation.matter_id,
        ),
        title=f"{case.client.name} prefers another way than mail",
        blocks=staff_texts.prefers(case.client.name, way, subject),
    )
