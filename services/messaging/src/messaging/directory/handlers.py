"""Events of matters in: the directory follows them."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations.filing import (
    expect_mail_heard_early,
    join_matter_heard_late,
    pass_on,
)
from messaging.directory import actions, queries
from messaging.outbound import quiet_hours
from messaging.outbound.postponed import patient
from messaging.updates import actions as updates
from shared.contracts.matters import (
    AbsencePlanned,
    ClientChanged,
    ClientRegistered,
    ClientsMerged,
    FirmChanged,
    JointClientJoined,
    JointClientLeft,
    MatterOpened,
    PointOfContactAssigned,
    PreferencesChanged,
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


@handlers.on(AbsencePlanned)
async def on_absence_planned(session: AsyncSession, event: AbsencePlanned) -> None:
    await actions.keep_absence(session, event)


@handlers.on(ClientRegistered)
async def on_client_registered(session: AsyncSession, event: ClientRegistered) -> None:
    await expect_mail_heard_early(session, await actions.keep_client(session, event), event)


@handlers.on(ClientChanged)
async def on_client_changed(session: AsyncSession, event: ClientChanged) -> None:
    """Their zone may be another: what waits for their morning follows it."""
    await actions.keep_client(session, event)
    await quiet_hours.hold_anew(session, event.client_id)


@handlers.on(ClientsMerged)
async def on_clients_merged(session: AsyncSession, event: ClientsMerged) -> None:
    """What was said stays where it was recorded; what is said from now on is the survivor's."""
    await pass_on(session, await actions.keep_merger(session, event))


@handlers.on(PreferencesChanged)
async def on_preferences_changed(session: AsyncSession, event: PreferencesChanged) -> None:
    await actions.keep_preferences(session, event)
    await quiet_hours.hold_anew(session, event.client_id)


async def of_all_entries(session: AsyncSession, event: MatterOpened) -> Iterable[UUID]:
    return await queries.entries(session, [event.client_id])


@handlers.on(MatterOpened, keys_of=of_all_entries)
async def on_matter_opened(session: AsyncSession, event: MatterOpened) -> None:
    await actions.keep_matter(session, event)
    await join_matter_heard_late(session, event.client_id, event.matter_id, event.opened_at)


async def of_who_joined(session: AsyncSession, event: JointClientJoined) -> Iterable[UUID]:
    return await queries.entries(session, [event.joint_client_id])


@handlers.on(JointClientJoined, keys_of=of_who_joined)
async def on_joint_client_joined(session: AsyncSession, event: JointClientJoined) -> None:
    await actions.keep_joint_client(session, event)
    of = event.joint_client_id, event.matter_id, event.joined_at
    await join_matter_heard_late(session, *of)


@handlers.on(JointClientLeft)
async def on_joint_client_left(session: AsyncSession, event: JointClientLeft) -> None:
    await actions.keep_joint_client(session, event)


@handlers.on(PointOfContactAssigned)
@patient
async def on_point_of_contact_assigned(
    session: AsyncSession, event: PointOfContactAssigned
) -> None:
    """Kept at once; the client is told when everybody concerned is known."""
    await actions.keep_contact(session, event)
    await updates.tell_of_handover(session, event)


@handlers.on(WallRaised)
async def on_wall_raised(session: AsyncSession, event: WallRaised) -> None:
    await actions.keep_wall(session, event)


@handlers.on(WallLowered)
async def on_wall_lowered(session: AsyncSession, event: WallLowered) -> None:
    await actions.lower_wall(session, event)
