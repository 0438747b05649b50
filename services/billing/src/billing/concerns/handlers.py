"""Events in: by when a concern is to be answered, and what clients write about bills."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.concerns import actions, questions
from shared.contracts.messaging import ClientMessageReceived
from shared.contracts.sla_monitor import ConcernDue
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(ConcernDue)
async def on_concern_due(session: AsyncSession, event: ConcernDue) -> None:
    await actions.note_promise(session, event)


@handlers.on(ClientMessageReceived)
async def on_client_message_received(session: AsyncSession, event: ClientMessageReceived) -> None:
    await questions.hear(session, event)
