"""Events of matters in: the directory follows them."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import billing.entries.actions as entries
from billing.directory import actions, queries
from shared.contracts.matters import (
    ClientChanged,
    ClientRegistered,
    ClientsMerged,
    FirmChanged,
    JointClientJoined,
    JointClientLeft,
    MatterClosed,
    MatterOpened,
    PointOfContactAssigned,
    StaffChanged,
    StaffRegistered,
    WallLowered,
    WallRaised,
)
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(FirmChanged)
async def on_firm_changed(session: AsyncSession, event: FirmChanged) -> None:
    await actions.keep_firm(session, event)


@handlers.on(StaffRegistered)
async def on_staff_registered(session: AsyncSession, event: StaffRegistered) -> None:
    await actions.keep_staff(session, event)


@handlers.on(StaffChanged)
async def on_staff_changed(session: AsyncSession, event: StaffChanged) -> None:
    await actions.keep_staff(session, event)


@handlers.on(ClientRegistered)
async def on_client_registered(session: AsyncSession, event: ClientRegistered) -> None:
    await actions.keep_client(session, event)


@handlers.on(ClientChanged)
async def on_client_changed(session: AsyncSession, event: ClientChanged) -> None:
    await actions.keep_client(session, event)


async def of_both(session: AsyncSession, event: ClientsMerged) -> Iterable[UUID]:
    return await queries.entries(session, event.client_id, event.merged_id)


@handlers.on(ClientsMerged, keys_of=of_both)
async def on_clients_merged(session: AsyncSession, event: ClientsMerged) -> None:
    """What one entry accepted for later matters stands for those of the other as well."""
    stays = await actions.keep_merger(session, event)
    await entries.reconsider(session, stays, None, by=event.merged_by)


@handlers.on(MatterOpened)
async def on_matter_opened(session: AsyncSession, event: MatterOpened) -> None:
    await actions.keep_matter(session, event)


@handlers.on(MatterClosed)
async def on_matter_closed(session: AsyncSession, event: MatterClosed) -> None:
    await actions.keep_closing(session, event)


@handlers.on(JointClientJoined)
async def on_joint_client_joined(session: AsyncSession, event: JointClientJoined) -> None:
    await actions.keep_joint_client(session, event)


@handlers.on(JointClientLeft)
async def on_joint_client_left(session: AsyncSession, event: JointClientLeft) -> None:
    await actions.keep_joint_client(session, event)


@handlers.on(WallRaised)
async def on_wall_raised(session: AsyncSession, event: WallRaised) -> None:
    await actions.keep_wall(session, event)


@handlers.on(WallLowered)
async def on_wall_lowered(session: AsyncSession, event: WallLowered) -> None:
    await actions.lower_wall(session, event)


@handlers.on(PointOfContactAssigned)
async def on_point_of_contact_assigned(
    session: AsyncSession, event: PointOfContactAssigned
) -> None:
    await actions.keep_contact(session, event)
