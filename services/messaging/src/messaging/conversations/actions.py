"""The verbs of conversations: what a client says is kept and told, what the firm says is sent.

Each is called inside one transaction; the keys of the owners concerned are held before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.conversations import custody, queries
from messaging.conversations.custody import SealedOriginal
from messaging.conversations.models import Conversation, Message
from messaging.email.rendering import Enclosed
from messaging.outbound.answers import send_to_client
from shared import clock, telemetry
from shared.contracts import ContentRef, Sealed
from shared.contracts.messaging import (
    Attachment,
    CallLogged,
    Channel,
    ClientMessageReceived,
    MessageQuarantined,
    MessageSent,
    NoteWritten,
)
from shared.keyring import seal
from shared.outbox import emit

MAX_TOLD_BODY = 64 * 1024  # octets; a longer one travels as a reference to its original

SentKind = Literal["answer", "question", "acknowledgment", "update"]


@dataclass(frozen=True, kw_only=True)
class Said:
    """The words of one message in either direction. `mail` are further columns of `Message`."""

    message_id: UUID
    received_at: datetime
    channel: Channel
    subject: str
    body: str
    sender_name: str = ""
    sender_address: str = ""
    urgent: bool = False
    automatic: bool = False
    mail: dict[str, Any] | None = None
    original: SealedOriginal | None = None


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
    row = await _keep(session, conversation, said, conversation.client_id, direction="inbound")
    await tell_received(session, row)
    return row


async def quarantine(
    session: AsyncSession, conversation: Conversation, said: Said, reason: str
) -> Message:
    """A mail that nobody known may have written waits for a person, under a key of its own."""
    owner = conversation.conversation_id
    row = await _keep(
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
    return await _keep(session, conversation, said, owner, direction="internal", kind="report")


async def keep_notice(session: AsyncSession, conversation: Conversation, said: Said) -> Message:
    """What the firm's machine tells a client stands in the conversation too."""
    assert conversation.client_id is not None
    owner = conversation.client_id
    return await _keep(session, conversation, said, owner, direction="outbound", kind="notice")


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
    row = await _keep(
        session,
        conversation,
        said,
        conversation.client_id,
        direction="outbound",
        kind=kind,
        staff_id=staff_id,
    )
    if said.channel == "letter":
        await _send_letter(session, row, kind, staff_id, answers)
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


async def _send_letter(
    session: AsyncSession,
    row: Message,
    kind: SentKind,
    staff_id: UUID,
    answers: tuple[UUID, ...],
) -> None:
    assert row.client_id is not None
    if kind == "answer":
        await _settle(session, answers, row.received_at)
    emit(
        session,
        MessageSent(
            message_id=row.message_id,
            conversation_id=row.conversation_id,
            client_id=row.client_id,
            matter_id=row.matter_id,
            kind=kind,
            channel="letter",
            sent_at=row.received_at,
            staff_id=staff_id,
            answers=answers,
            body=_sealed(row.body),
        ),
    )


async def write_note(
    session: AsyncSession, conversation: Conversation, said: Said, staff_id: UUID
) -> Message:
    """Internal: never an answer, never shown to the client."""
    assert conversation.client_id is not None
    row = await _keep(
        session,
        conversation,
        said,
        conversation.client_id,
        direction="internal",
        kind="note",
        staff_id=staff_id,
    )
    body = _sealed(row.body)
    assert body is not None
    emit(
        session,
        NoteWritten(
            message_id=row.message_id,
            conversation_id=row.conversation_id,
            client_id=conversation.client_id,
            matter_id=row.matter_id,
            staff_id=staff_id,
            written_at=row.received_at,
            body=body,
        ),
    )
    return row


async def log_call(
    session: AsyncSession,
    conversation: Conversation,
    said: Said,
    *,
    direction: Literal["inbound", "outbound"],
    two_way: bool,
    staff_id: UUID,
) -> Message:
    """A call or meeting, entered by hand. When both spoke it answers what was open by then."""
    assert conversation.client_id is not None
    owed = await queries.owed(session, conversation.conversation_id)
    row = await _keep(
        session,
        conversation,
        said,
        conversation.client_id,
        direction=direction,
        kind="call",
        staff_id=staff_id,
    )
    if two_way:
        await _settle(session, owed, said.received_at)
    note = _sealed(row.body)
    assert note is not None
    emit(
        session,
        CallLogged.model_validate(
            {
                "message_id": row.message_id,
                "conversation_id": row.conversation_id,
                "client_id": row.client_id,
                "matter_id": row.matter_id,
                "channel": said.channel,
                "direction": direction,
                "two_way": two_way,
                "held_at": said.received_at,
                "entered_at": clock.now(),
                "staff_id": staff_id,
                "note": note,
            }
        ),
    )
    return row


async def _settle(session: AsyncSession, answered: tuple[UUID, ...], at: datetime) -> None:
    """Only what came before can have been answered."""
    await session.execute(
        update(Message)
        .where(col(Message.message_id).in_(answered), col(Message.received_at) <= at)
        .values(settled_at=at)
    )


async def _keep(
    session: AsyncSession,
    conversation: Conversation,
    said: Said,
    owner: UUID,
    *,
    direction: str,
    kind: str = "message",
    staff_id: UUID | None = None,
    quarantine_reason: str | None = None,
) -> Message:
    row = Message(
        message_id=said.message_id,
        conversation_id=conversation.conversation_id,
        client_id=conversation.client_id,
        matter_id=conversation.matter_id,
        direction=direction,
        kind=kind,
        channel=said.channel,
        received_at=said.received_at,
        urgent=said.urgent,
        automatic=said.automatic,
        staff_id=staff_id,
        quarantine_reason=quarantine_reason,
        trace_id=telemetry.trace_id(),
        owner=owner,
        subject=_seal(session, owner, said.message_id, "subject", said.subject),
        body=_seal(session, owner, said.message_id, "body", said.body),
        sender_name=said.sender_name or None,
        sender_address=said.sender_address or None,
        **(said.mail or {}),
    )
    if said.original is not None:
        row.key_version = said.original.key_version
        row.original_size = said.original.size
        row.original_commitment = said.original.commitment
        row.content_identity = said.original.identity
    session.add(row)
    await session.flush()
    if said.original is not None:
        await custody.keep(session, said.original)
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
    body, original = _sealed(row.body), None
    if row.original_size is not None and row.original_commitment is not None:
        original = ContentRef(
            content_id=row.message_id, size=row.original_size, commitment=row.original_commitment
        )
    if body is not None and len(body.box) * 3 // 4 > MAX_TOLD_BODY:
        body = None
    return {
        "subject_text": _sealed(row.subject),
        "body": body,
        "sender": seal(session, row.owner, row.message_id, "message", "sender", sender),
        "original": original,
    }


def _seal(
    session: AsyncSession, owner: UUID, message_id: UUID, field: str, text: str
) -> dict[str, Any]:
    return seal(session, owner, message_id, "message", field, text).model_dump(mode="json")


def _sealed(stored: dict[str, Any] | None) -> Sealed | None:
    return Sealed.model_validate(stored) if stored else None


def _re(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}".strip()
