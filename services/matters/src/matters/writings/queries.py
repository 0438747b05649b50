"""Whether a client wrote it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.joint_clients.queries as joint_clients
from matters.writings.models import Writing
from shared.errors import Refusal


class NoSuchWriting(Refusal):
    """The client wrote no message with that id since they were asked: name the one in which they
    did."""

    status = 422


async def require_theirs(
    session: AsyncSession, message_id: UUID, client_id: UUID, *, since: datetime
) -> None:
    """Raises NoSuchWriting, also for what they wrote before they knew what they were asked."""
    found = await session.execute(
        select(col(Writing.message_id)).where(
            col(Writing.message_id) == message_id,
            col(Writing.client_id).in_(joint_clients.entries(client_id)),
            col(Writing.received_at) >= since,
        )
    )
    if found.first() is None:
        raise NoSuchWriting(
            "The client wrote no message with that id since they were asked. Name the one in which"
            " they did; if it has only just arrived, try again in a moment."
        )
