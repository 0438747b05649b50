"""What sla-monitor says is owed to clients."""

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.acknowledgments import actions, promises
from messaging.outbound.postponed import patient
from shared.contracts.sla_monitor import AcknowledgmentDue, ResponseDue
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(AcknowledgmentDue)
@patient
async def on_acknowledgment_due(session: AsyncSession, event: AcknowledgmentDue) -> None:
    await actions.acknowledge(session, event)


@handlers.on(ResponseDue)
async def on_response_due(session: AsyncSession, event: ResponseDue) -> None:
    await promises.keep_promise(session, event)
