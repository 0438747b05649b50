"""Who may speak for a client."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.representatives.models import Representative


async def with_email(session: AsyncSession, client_id: UUID, email: str) -> Representative | None:
    """The client's contact with this address, while their authority lasts."""
    found = await session.execute(
        select(Representative).where(
            col(Representative.client_id) == client_id,
            col(Representative.email) == email,
            col(Representative.ended_at).is_(None),
        )
    )
    return found.scalar_one_or_none()


async def standing(session: AsyncSession, representative_id: UUID) -> Representative | None:
    found = await session.get(Representative, representative_id)
    return found if found and found.ended_at is None else None


async def of_client(session: AsyncSession, client_id: UUID) -> Sequence[Representative]:
    found = await session.execute(
        select(Representative)
        .where(col(Representative.client_id) == client_id, col(Representative.ended_at).is_(None))
        .order_by(col(Representative.representative_id))
    )
    return found.scalars().all()
