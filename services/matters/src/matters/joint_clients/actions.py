"""Let a client join the matter of another, and leave it. From then on they are told, asked and
answered on their own (ADR-0034)."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import matters.clients.queries as clients
import matters.decisions.actions as decisions
import matters.joint_clients.queries as joint_clients
import matters.staff.queries as staff
import matters.updates.actions as updates
import matters.walls.actions as walls
from matters.clients.models import Client
from matters.joint_clients.models import MatterClient
from matters.matters.models import Matter
from matters.matters.queries import require_open
from shared import clock
from shared.contracts import Sealed
from shared.contracts.matters import JointClientJoined, JointClientLeft
from shared.errors import Invalid, NotFound, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class AlreadyJoint(Refusal):
    """This client is a client of the matter already."""


async def join(
    session: AsyncSession, matter: Matter, client_id: UUID, *, reason: str
) -> MatterClient:
    """`reason`: how both agreed to be represented together. Raises AlreadyJoint, MatterClosed, and
    WallBeforeContact where a wall around the client would stand before who answers for the matter.
    The keys of both must be held."""
    await staff.lock_directory(session)  # no wall is raised around either meanwhile
    await clients.lock(session, {client_id, matter.client_id}, share=True)
    await session.refresh(matter, with_for_update=True)
    require_open(matter)
    client = await session.get(Client, client_id)
    if client is None:
        raise Invalid(f"There is no client {client_id}.")
    clients.require_unmerged(client)
    entries = await clients.entries_of(session, client_id)
    there = await joint_clients.is_client_of(session, client_id, matter.matter_id)
    if matter.client_id in entries or there:
        raise AlreadyJoint("They are a client of this matter already.")
    return await _enter(session, matter, client_id, reason)


async def leave(session: AsyncSession, matter: Matter, client_id: UUID, *, reason: str) -> None:
    """The others stay. What was prepared for this one is not sent, and what they were asked is not
    asked any more. Raises NotFound for who is no joint client, also for the second of two at once.
    The keys of both must be held."""
    await session.refresh(matter, with_for_update=True)
    member = await session.get(MatterClient, (matter.matter_id, client_id), with_for_update=True)
    if member is None or member.left_at is not None or member.membership_id == matter.matter_id:
        raise NotFound("They are no joint client of this matter.")
    await decisions.withdraw_for(session, matter.matter_id, client_id, reason=reason)
    await updates.cancel_for(session, matter.matter_id, client_id)
    member.left_at = await clock.database_now(session)
    emit(
        session,
        JointClientLeft(
            membership_id=member.membership_id,
            matter_id=matter.matter_id,
            client_id=matter.client_id,
            joint_client_id=client_id,
            reason=_sealed(session, matter, member, "left", reason),
            left_at=member.left_at,
        ),
    )


async def follow(
    session: AsyncSession, matter: Matter, merged_id: UUID, client_id: UUID, *, reason: str
) -> None:
    """An entry was merged into another, which takes its place in this matter while it is open."""
    await session.refresh(matter, with_for_update=True)
    if matter.closed_at is not None:
        return
    await leave(session, matter, merged_id, reason=reason)
    if not await joint_clients.is_client_of(session, client_id, matter.matter_id):
        await _enter(session, matter, client_id, reason)


async def _enter(
    session: AsyncSession, matter: Matter, client_id: UUID, reason: str
) -> MatterClient:
    """Who left may come again: as a membership of its own."""
    joined = MatterClient(
        matter_id=matter.matter_id,
        client_id=client_id,
        membership_id=new_id(),
        joined_at=await clock.database_now(session),
    )
    member = await session.merge(joined)
    await session.flush()
    for one in (client_id, matter.client_id):
        await walls.stand_around(session, one, matter, reason=reason)
    emit(
        session,
        JointClientJoined(
            membership_id=member.membership_id,
            matter_id=matter.matter_id,
            client_id=matter.client_id,
            joint_client_id=client_id,
            reason=_sealed(session, matter, member, "joined", reason),
            joined_at=member.joined_at,
        ),
    )
    return member


def _sealed(
    session: AsyncSession, matter: Matter, member: MatterClient, field: str, words: str
) -> Sealed:
    return seal(session, matter.client_id, member.membership_id, "joint_client", field, words)
