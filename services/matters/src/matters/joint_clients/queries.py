"""Whose a matter is, and in which matters a client is."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.joint_clients.models import MatterClient
from matters.matters.models import Matter
from shared.errors import Refusal
from shared.keyring import KeyNotHeld, keys_of


async def clients_of(session: AsyncSession, matter: Matter) -> list[UUID]:
    """The matter's own client first, then those who joined, in the order of joining."""
    found = await session.execute(
        select(col(MatterClient.client_id))
        .where(col(MatterClient.matter_id) == matter.matter_id, col(MatterClient.left_at).is_(None))
        .order_by(
            col(MatterClient.membership_id) != col(MatterClient.matter_id),
            col(MatterClient.membership_id),
        )
    )
    return list(found.scalars())


class JoinedMeanwhile(Refusal):
    """A client joined the matter while this was done: try again, and they are told too."""


async def whom_to_tell(session: AsyncSession, matter: Matter) -> list[UUID]:
    """The same, each with their key at hand. The matter must be held, so that nobody joins or
    leaves meanwhile. Raises JoinedMeanwhile."""
    each = await clients_of(session, matter)
    try:
        for joint in each[1:]:
            keys_of(session).key(joint)
    except KeyNotHeld as error:
        raise JoinedMeanwhile(
            "A client joined the matter meanwhile: try again. One who was erased leaves it first."
        ) from error
    return each


async def members(session: AsyncSession, matter_id: UUID) -> Sequence[MatterClient]:
    """Who is or was a client of the matter: what somebody was told stands when they leave."""
    found = await session.execute(
        select(MatterClient).where(col(MatterClient.matter_id) == matter_id)
    )
    return found.scalars().all()


async def is_client_of(session: AsyncSession, client_id: UUID, matter_id: UUID) -> bool:
    found = await session.get(MatterClient, (matter_id, client_id))
    return found is not None and found.left_at is None


def matters_of(*client_ids: UUID) -> Select[UUID]:
    """The ids of the matters of which one of these is a client, their own and joint ones."""
    return select(col(MatterClient.matter_id)).where(
        col(MatterClient.client_id).in_(client_ids), col(MatterClient.left_at).is_(None)
    )


async def joint_matters(session: AsyncSession, *client_ids: UUID) -> Sequence[Matter]:
    """Those of which these are not the only clients, in the order of opening."""
    with_others = select(col(MatterClient.matter_id)).where(
        col(MatterClient.client_id).not_in(client_ids), col(MatterClient.left_at).is_(None)
    )
    theirs = col(Matter.matter_id).in_(matters_of(*client_ids))
    found = await session.execute(
        select(Matter)
        .where(theirs, col(Matter.matter_id).in_(with_others))
        .order_by(col(Matter.matter_id))
    )
    return found.scalars().all()


async def joint_of(session: AsyncSession, matter_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Who is represented jointly with the client of each of these matters."""
    found = await session.execute(
        select(col(MatterClient.matter_id), col(MatterClient.client_id))
        .where(
            col(MatterClient.matter_id).in_(matter_ids),
            col(MatterClient.left_at).is_(None),
            col(MatterClient.membership_id) != col(MatterClient.matter_id),
        )
        .order_by(col(MatterClient.membership_id))
    )
    joint: dict[UUID, list[UUID]] = {}
    for matter_id, client_id in found:
        joint.setdefault(matter_id, []).append(client_id)
    return joint
