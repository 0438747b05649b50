"""Events of messaging in: what became of an update that it was given to send."""

from sqlalchemy.ext.asyncio import AsyncSession

from matters.updates import actions
from shared.contracts.messaging import MessageBounced, MessageFailed, MessageSent
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(MessageSent)
async def on_message_sent(session: AsyncSession, event: MessageSent) -> None:
    """An update's message has its id."""
    if event.kind == "update":
        await actions.note_sent(session, event.message_id, event.sent_at)


@handlers.on(MessageFailed)
async def on_message_failed(session: AsyncSession, event: MessageFailed) -> None:
    await actions.note_failed(session, event.message_id)


@handlers.on(MessageBounced)
async def on_message_bounced(session: AsyncSession, event: MessageBounced) -> None:
    await actions.note_failed(session, event.message_id)
