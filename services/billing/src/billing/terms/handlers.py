"""Events of intake in: fees are accepted with the signed engagement, and with what amends it."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import billing.entries.actions as entries
from billing.directory import queries as directory
from billing.terms import actions
from shared.contracts.intake import EngagementAmended, EngagementSigned
from shared.handlers import Handlers

handlers = Handlers()


async def of_all_entries(
    session: AsyncSession, event: EngagementSigned | EngagementAmended
) -> Iterable[UUID]:
    return await directory.entries(session, event.client_id)


@handlers.on(EngagementSigned, keys_of=of_all_entries)
async def on_engagement_signed(session: AsyncSession, event: EngagementSigned) -> None:
    await _accept(session, event)


@handlers.on(EngagementAmended, keys_of=of_all_entries)
async def on_engagement_amended(session: AsyncSession, event: EngagementAmended) -> None:
    await _accept(session, event)


async def _accept(session: AsyncSession, event: EngagementSigned | EngagementAmended) -> None:
    accepted = await actions.accept_with_engagement(session, event)
    if accepted is not None:
        matter_id = accepted.matter_id
        await entries.reconsider(session, event.client_id, matter_id, by=event.countersigned_by)
