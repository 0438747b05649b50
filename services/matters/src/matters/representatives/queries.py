"""Who may speak for a client."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.joint_clients.queries as joint_clients
from matters.clients.models import Client
from matters.representatives.models import Representative
from shared.errors import Refusal


class CompanyNeedsVoice(Refusal):
    """A company does not speak by itself: somebody who speaks for it is to be named."""

    status = 422


async def require_person(session: AsyncSession, client_id: UUID) -> None:
    """Raises CompanyNeedsVoice where the client is a company."""
    client = await session.get_one(Client, client_id)
    if client.kind == "company":
        raise CompanyNeedsVoice(
            "A company does not speak by itself: name who did for it (representative_id)."
        )


async def with_email(session: AsyncSession, client_id: UUID, email: str) -> Representative | None:
    """The client's contact with this address, while their authority lasts; of two entries the one
    who may decide."""
    found = await session.execute(
        select(Representative)
        .where(
            col(Representative.client_id).in_(joint_clients.entries(client_id)),
            col(Representative.email) == email,
            col(Representative.ended_at).is_(None),
        )
        .order_by(col(Representative.authority) != "decide", col(Representative.representative_id))
        .limit(1)
    )
    return found.scalar_one_or_none()


async def standing(
    session: AsyncSession, representative_id: UUID, client_id: UUID
) -> Representative | None:
    """Who speaks for this client, whichever of their entries it was added to; None if they do not,
    or no longer."""
    found = await session.execute(
        select(Representative).where(
            col(Representative.representative_id) == representative_id,
            col(Representative.client_id).in_(joint_clients.entries(client_id)),
            col(Representative.ended_at).is_(None),
        )
    )
    return found.scalar_one_or_none()


async def of_client(session: AsyncSession, client_id: UUID) -> Sequence[Representative]:
    found = await session.execute(
        select(Representative)
        .where(col(Representative.client_id) == client_id, col(Representative.ended_at).is_(None))
        .order_by(col(Representative.representative_id))
    )
    return found.scalars().all()
