"""Events of messaging in: a client wrote."""

from sqlalchemy.ext.asyncio import AsyncSession

from matters.writings import actions
from shared.contracts.messaging import ClientMessageReceived
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(ClientMessageReceived)
async def on_client_message_received(session: AsyncSession, event: ClientMessageReceived) -> None:
    await actions.note(session, event)
