"""The verbs of conversations: what a client says is kept and told, what the firm says is sent.

Each is called inside one transaction; the keys of the owners concerned are held before it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import custody, queries
from messaging.conversations.entries import record_letter
from messaging.conversations.keeping import Said, keep, sealed
from messaging.conversations.models import Conversation, Message
from messaging.email.rendering import Enclosed
from messaging.outbound.answers import send_to_client
from shared.contracts import ContentRef
from shared.contracts.messaging import (
    Attachment,
    ClientMessageReceived,
    MessageQuarantined,
)
from shared.keyring import seal
from shared.outbox import emit

MAX_TOLD_BODY = 64 * 1024  # octets; a longer one travels as a reference to its original

SentKind = Literal["answer", "question", "acknowledgment", "update"]


async def begin_conversation(
    session: AsyncSession,
    *,
    conversation_id: UUID,
    owner: UUID,
    client_id: UUID | None,
    matter_id: UUID | None,
    subject: str,
    at: datetime,
) -> Conversation:
    sealed = seal(session, owner, conversation_id, "conversation", "subject", subject)
    conversation = Conversation(
        conversation_id=conversation_id,
        client_id=client_id,
        matter_id=matter_id,
        subject=sealed.model_dump(mode="json"),
        begun_at=at,
    )
    session.add(conversation)
    await session.flush()
    return conversation


async def receive_client_message(
    session: AsyncSession, conversation: Conversation, said: Said
) -> Message:
    """A message of a known client, by mail or portal: kept, and told with its first receipt."""
    assert conversation.client_id is not None
    row = await keep(session, conversation, said, conversation.client_id, direction="inbound")
    await tell_received(session, row)
    return row


async def quarantine(
    session: AsyncSession, conversation: Conversation, said: Said, reason: str
) -> Message:
    """A mail that nobody known may have written waits for a person, under a key of its own."""
    owner = conversation.conversation_id
    row = await keep(
        session, conversation, said, owner, direction="inbound", quarantine_reason=reason
    )
    emit(
        session,
        MessageQuarantined.model_validate(
            _content(session, row)
            | {
                "message_id": row.message_id,
                "conversation_id": row.conversation_id,
                "received_at": row.received_at,
                "reason": reason,
                "attachments": await _told_attachments(session, row),
            }
        ),
    )
    return row


async def keep_report(session: AsyncSession, conversation: Conversation, said: Said) -> Message:
    """A delivery report about a mail of ours; what it means is told as MessageBounced."""
    assert conversation.client_id is not None
    owner = conversation.client_id
    return await keep(session, conversation, said, owner, direction="internal", kind="report")


async def keep_notice(session: AsyncSession, conversation: Conversation, said: Said) -> Message:
    """What the firm's machine tells a client stands in the conversation too."""
    assert conversation.client_id is not None
    owner = conversation.client_id
    return await keep(session, conversation, said, owner, direction="outbound", kind="notice")


async def say_to_client(
    session: AsyncSession,
    conversation: Conversation,
    said: Said,
    kind: SentKind,
    staff_id: UUID,
    enclosed: Sequence[Enclosed] = (),
    leaves_by: datetime | None = None,
) -> Message:
    """A person's words to the client: in the portal at once, in their mailbox by mail; where the
    channel is the portal, the mail only says that they are there. What it means for the clocks is
    told when it is accepted for delivery; a letter is when entered. An update answers nothing that
    was asked."""
    assert conversation.client_id is not None
    asked = kind != "update"
    answers = await queries.owed(session, conversation.conversation_id) if asked else ()
    thread = await queries.thread(session, conversation.conversation_id)
    row = await keep(
        session,
        conversation,
        said,
        conversation.client_id,
        direction="outbound",
        kind=kind,
        staff_id=staff_id,
    )
    if said.channel == "letter":
        await record_letter(session, row, kind, staff_id, answers)
    else:
        await send_to_client(
            session,
            message_id=row.message_id,
            conversation_id=row.conversation_id,
            client_id=conversation.client_id,
            matter_id=row.matter_id,
            kind=kind,
            staff_id=staff_id,
            subject=said.subject or _re(queries.subject_of(session, conversation)),
            body=said.body,
            answers=answers,
            thread=thread,
            enclosed=enclosed,
            channel="portal" if said.channel == "portal" else "email",
            urgent=said.urgent,
            leaves_by=leaves_by,
        )
    return row


async def tell_received(session: AsyncSession, row: Message) -> None:
    assert row.client_id is not None
    header = row.message_id_header
    facts = {
        "message_id": row.message_id,
        "conversation_id": row.conversation_id,
        "client_id": row.client_id,
        "matter_id": row.matter_id,
        "channel": row.channel,
        "received_at": row.received_at,
        "urgent": row.urgent,
        "automatic": row.automatic,
        "attachments": await _told_attachments(session, row),
        "message_id_header": header
        and seal(session, row.owner, row.message_id, "message", "message_id_header", header),
        "sender_differs": row.sender_differs,
        "duplicate_id_of": row.duplicate_id_of,
    }
    emit(session, ClientMessageReceived.model_validate(_content(session, row) | facts))


async def _told_attachments(session: AsyncSession, row: Message) -> tuple[Attachment, ...]:
    if row.original_size is None:  # only a mail has files
        return ()
    return custody.told(await custody.attachments(session, row.message_id))


def _content(session: AsyncSession, row: Message) -> dict[str, Any]:
    """What was said and by whom, as events carry it: sealed, a long body by reference only."""
    sender = f"{row.sender_name or ''} <{row.sender_address or ''}>".strip()
    body, original = sealed(row.body), None
    if row.original_size is not None and row.original_commitment is not None:
        original = ContentRef(
            content_id=row.message_id, size=row.original_size, commitment=row.original_commitment
        )
    if body is not None and len(body.box) * 3 // 4 > MAX_TOLD_BODY:
        body = None
    return {
        "subject_text": sealed(row.subject),
        "body": body,
        "sender": seal(session, row.owner, row.message_id, "message", "sender", sender),
        "original": original,
    }


def _re(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}".strip()
