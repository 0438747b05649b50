"""Questions about concerns."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.concerns.models import BillingConcern, ConcernClock
from shared.errors import NotFound


def client_of(concern_id: UUID) -> Select[UUID]:
    return select(col(BillingConcern.client_id)).where(col(BillingConcern.concern_id) == concern_id)


async def concern(session: AsyncSession, concern_id: UUID, *, lock: bool = False) -> BillingConcern:
    """Raises NotFound, in the words for one that the caller may not see."""
    wanted = select(BillingConcern).where(col(BillingConcern.concern_id) == concern_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row = (await session.execute(wanted)).scalar_one_or_none()
    if row is None:
        raise NotFound("There is nothing here that you may see.")
    return row


async def promised(session: AsyncSession, concern_id: UUID) -> ConcernClock | None:
    return await session.get(ConcernClock, concern_id)
