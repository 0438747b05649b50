"""Questions about what was asked for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.information.models import Checklist, InformationItem, InformationRequest
from shared.errors import Invalid, NotFound

NOTHING = "There is nothing here that you may see."


async def newest(session: AsyncSession, checklist: str) -> Checklist:
    """Raises Invalid for one that nobody published."""
    found = await session.execute(
        select(Checklist)
        .where(col(Checklist.checklist) == checklist)
        .order_by(col(Checklist.version).desc())
        .limit(1)
    )
    row = found.scalar_one_or_none()
    if row is None:
        raise Invalid(f"There is no checklist “{checklist}”.")
    return row


async def published(session: AsyncSession, checklist: str) -> int:
    found = await session.execute(
        select(func.max(col(Checklist.version))).where(col(Checklist.checklist) == checklist)
    )
    return found.scalar_one() or 0


async def request(
    session: AsyncSession, request_id: UUID, *, locked: bool = False
) -> InformationRequest:
    """`locked`: of two who settle the last two items at once, one sees that all is done."""
    found = await session.get(
        InformationRequest, request_id, with_for_update=locked or None, populate_existing=locked
    )
    if found is None:
        raise NotFound(NOTHING)
    return found


async def requests_of(session: AsyncSession, consultation_id: UUID) -> list[InformationRequest]:
    found = await session.execute(
        select(InformationRequest)
        .where(col(InformationRequest.consultation_id) == consultation_id)
        .order_by(col(InformationRequest.request_id))
    )
    return list(found.scalars())


async def items(session: AsyncSession, request_id: UUID) -> list[InformationItem]:
    found = await session.execute(
        select(InformationItem)
        .where(col(InformationItem.request_id) == request_id)
        .order_by(col(InformationItem.position))
    )
    return list(found.scalars())


async def item(session: AsyncSession, request_id: UUID, item_id: UUID) -> InformationItem:
    found = await session.get(InformationItem, item_id)
    if found is None or found.request_id != request_id:
        raise NotFound(NOTHING)
    return found


async def to_remind(session: AsyncSession, now: datetime) -> list[InformationRequest]:
    found = await session.execute(
        select(InformationRequest)
        .where(col(InformationRequest.remind_at) <= now)
        .order_by(col(InformationRequest.remind_at))
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    return list(found.scalars())
