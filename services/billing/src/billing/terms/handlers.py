"""Events of intake in: fees are accepted with the signed engagement, and with what amends it."""

from sqlalchemy.ext.asyncio import AsyncSession

import billing.entries.actions as entries
from billing.terms import actions
from shared.contracts.intake import EngagementAmended, EngagementSigned
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(EngagementSigned)
async def on_engagement_signed(session: AsyncSession, event: EngagementSigned) -> None:
    await _accept(session, event)


@handlers.on(EngagementAmended)
async def on_engagement_amended(session: AsyncSession, event: EngagementAmended) -> None:
    await _accept(session, event)


async def _accept(session: AsyncSession, event: EngagementSigned | EngagementAmended) -> None:
    accepted = await actions.accept_with_engagement(session, event)
    if accepted is not None:
        matter_id = accepted.matter_id
        await entries.reconsider(session, event.client_id, matter_id, by=event.countersigned_by)
