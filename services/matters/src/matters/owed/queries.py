"""What is open, the next first."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.owed.models import Owed


async def in_matter(session: AsyncSession, matter_id: UUID) -> Sequence[Owed]:
    found = await session.execute(
        select(Owed)
        .where(col(Owed.matter_id) == matter_id, col(Owed.ended_at).is_(None))
        .order_by(col(Owed.limit_at), col(Owed.clock_id))
    )
    return found.scalars().all()


async def update_of(session: AsyncSession, matter_id: UUID, client_id: UUID) -> Owed | None:
    """By when the client is to hear of the matter again; None until sla-monitor has said it."""
    found = await session.execute(
        select(Owed)
        .where(
            col(Owed.matter_id) == matter_id,
            col(Owed.client_id) == client_id,
            col(Owed.kind) == "update",
            col(Owed.ended_at).is_(None),
        )
        .order_by(col(Owed.opened_at).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()
