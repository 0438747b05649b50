"""Events of matters in: the directory follows them."""

from sqlalchemy.ext.asyncio import AsyncSession

from intake.directory import actions
from shared.contracts.matters import (
    ClientChanged,
    ClientRegistered,
    ClientsMerged,
    FirmChanged,
    PartiesChanged,
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


@handlers.on(ClientsMerged)
async def on_clients_merged(session: AsyncSession, event: ClientsMerged) -> None:
    await actions.keep_merger(session, event)


@handlers.on(PartiesChanged)
async def on_parties_changed(session: AsyncSession, event: PartiesChanged) -> None:
    await actions.keep_parties(session, event)


@handlers.on(PointOfContactAssigned)
async def on_point_of_contact_assigned(
    session: AsyncSession, event: PointOfContactAssigned
) -> None:
    await actions.keep_contact(session, event)


@handlers.on(WallRaised)
async def on_wall_raised(session: AsyncSession, event: WallRaised) -> None:
    await actions.keep_wall(session, event)


@handlers.on(WallLowered)
async def on_wall_lowered(session: AsyncSession, event: WallLowered) -> None:
    await actions.lower_wall(session, event)
