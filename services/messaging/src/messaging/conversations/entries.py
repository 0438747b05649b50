"""What a person enters by hand: internal notes, calls and meetings, letters. An entry that was
wrong is never changed: a newer one names it, and both stay."""

from datetime import datetime
from typing import Literal, cast, get_args
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.conversations import queries
from messaging.conversations.keeping import Said, keep, sealed
from messaging.conversations.models import Conversation, Message
from shared import clock
from shared.contracts.messaging import (
    AnswerKind,
    CallLogged,
    Channel,
    EnteredKind,
    MessageCorrected,
    MessageSent,
    NoteWritten,
)
from shared.errors import Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class NothingToCorrect(Refusal):
    """Only what a person entered by hand is corrected: what was sent or received stands."""


class AlreadyCorrected(Refusal):
    """A newer entry corrects this one: correct that."""


async def write_note(
    session: AsyncSession, conversation: Conversation, said: Said, staff_id: UUID
) -> Message:
    """Internal: never an answer, never shown to the client."""
    assert conversation.client_id is not None
    row = await keep(
        session,
        conversation,
        said,
        conversation.client_id,
        direction="internal",
        kind="note",
        staff_id=staff_id,
    )
    body = sealed(row.body)
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
    row = await keep(
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
    note = sealed(row.body)
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


async def record_letter(
    session: AsyncSession,
    row: Message,
    kind: AnswerKind,
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
            body=sealed(row.body),
        ),
    )


async def correct(
    session: AsyncSession, wrong: Message, *, body: str, reason: str, staff_id: UUID
) -> Message:
    """An entry of its own beside the wrong one, about the same instant. It changes no clock. The
    wrong one's row is locked, and the key of the conversation's client held. Raises
    NothingToCorrect and AlreadyCorrected, also for the second of two at once."""
    kind = "letter" if wrong.channel == "letter" else wrong.kind
    if kind not in get_args(EnteredKind) or wrong.client_id is None:
        raise NothingToCorrect("What was sent or received stands: write a new message instead.")
    newer = await queries.corrections(session, [wrong.message_id])
    if newer:
        found = newer[wrong.message_id]
        raise AlreadyCorrected("Somebody corrected this entry: correct theirs.", id=str(found))
    conversation = await session.get_one(Conversation, wrong.conversation_id)
    client_id = conversation.client_id or wrong.client_id
    said = Said(
        message_id=new_id(),
        received_at=wrong.received_at,
        channel=cast(Channel, wrong.channel),
        subject="",
        body=body,
        sender_name=wrong.sender_name or "",
        sender_address=wrong.sender_address or "",
        more={"corrects": wrong.message_id},
    )
    row = await keep(
        session,
        conversation,
        said,
        client_id,
        direction=wrong.direction,
        kind=wrong.kind,
        staff_id=staff_id,
    )
    emit(
        session,
        MessageCorrected(
            message_id=row.message_id,
            corrects=wrong.message_id,
            conversation_id=row.conversation_id,
            client_id=client_id,
            matter_id=row.matter_id,
            kind=kind,
            staff_id=staff_id,
            corrected_at=clock.now(),
            body=sealed(row.body),
            reason=seal(session, client_id, row.message_id, "correction", "reason", reason),
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
