"""Events of sla-monitor in: by when a concern is to be answered."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.concerns import actions
from shared.contracts.sla_monitor import ConcernDue
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(ConcernDue)
async def on_concern_due(session: AsyncSession, event: ConcernDue) -> None:
    await actions.note_promise(session, event)
