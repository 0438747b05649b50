"""Events of messaging in: what members of staff said to clients."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.proposals import actions
from shared.contracts.messaging import CallLogged, MessageSent
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(CallLogged)
async def on_call_logged(session: AsyncSession, event: CallLogged) -> None:
    await actions.propose(
        session,
        proposal_id=event.message_id,
        source="call",
        client_id=event.client_id,
        matter_id=event.matter_id,
        staff_id=event.staff_id,
        happened_at=event.held_at,
    )


@handlers.on(MessageSent)
async def on_message_sent(session: AsyncSession, event: MessageSent) -> None:
    """A machine's word is nobody's time."""
    if event.automatic:
        return
    await actions.propose(
        session,
        proposal_id=event.message_id,
        source="message",
        client_id=event.client_id,
        matter_id=event.matter_id,
        staff_id=event.staff_id,
        happened_at=event.sent_at,
    )
