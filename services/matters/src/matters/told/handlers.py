"""Events of messaging in: what reached a client, and what came back. An update is a row of its own,
whose message has its id; so has that which answers a client's question."""

from sqlalchemy.ext.asyncio import AsyncSession

import matters.updates.actions as updates
from matters.decisions.models import DecisionQuestion
from matters.told import actions
from matters.told.models import Kind
from shared.contracts.messaging import (
    CallLogged,
    MessageAcknowledged,
    MessageBounced,
    MessageFailed,
    MessageSent,
)
from shared.handlers import Handlers

handlers = Handlers()
OF = {"client_id", "matter_id", "channel"}


@handlers.on(MessageSent)
async def on_message_sent(session: AsyncSession, event: MessageSent) -> None:
    kind: Kind
    if event.kind != "update":
        kind = event.kind
    elif await session.get(DecisionQuestion, event.message_id):
        kind = "answer"
    else:
        await updates.note_sent(session, event.message_id, event.sent_at)
        return
    await actions.note(
        session,
        event.message_id,
        kind,
        told_at=event.sent_at,
        staff_id=None if event.automatic else event.staff_id,
        words=event.body or event.subject_text,
        **event.model_dump(include=OF),
    )


@handlers.on(MessageAcknowledged)
async def on_message_acknowledged(session: AsyncSession, event: MessageAcknowledged) -> None:
    await actions.note(
        session,
        event.acknowledgment_id,
        "acknowledgment",
        told_at=event.acknowledged_at,
        staff_id=None if event.automatic else event.staff_id,
        **event.model_dump(include=OF),
    )


@handlers.on(CallLogged)
async def on_call_logged(session: AsyncSession, event: CallLogged) -> None:
    """The note says to the firm what the client was told. A call that nobody took told nobody
    anything."""
    if event.two_way:
        kind: Kind = "call" if event.channel == "phone" else "meeting"
        facts = event.model_dump(include=OF | {"staff_id"})
        await actions.note(
            session, event.message_id, kind, told_at=event.held_at, words=event.note, **facts
        )


@handlers.on(MessageFailed)
async def on_message_failed(session: AsyncSession, event: MessageFailed) -> None:
    await updates.note_failed(session, event.message_id)
    await actions.take_back(session, event.message_id, event.failed_at)


@handlers.on(MessageBounced)
async def on_message_bounced(session: AsyncSession, event: MessageBounced) -> None:
    await updates.note_failed(session, event.message_id)
    await actions.take_back(session, event.message_id, event.bounced_at)
