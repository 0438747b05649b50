"""Keep what matters tells. Each row is complete in itself, so any order of the streams is right."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries
from billing.directory.models import (
    BilledClient,
    BilledMatter,
    ContactAssignment,
    Firm,
    JointClient,
    MatterClosing,
    MergedClient,
    Timekeeper,
    Wall,
)
from billing.tables import Row
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
from shared.keyring import unseal

ONE_AFTER_THE_OTHER = text("SELECT pg_advisory_xact_lock(hashtext('billing mergers'))")


async def keep_firm(session: AsyncSession, event: FirmChanged) -> None:
    known = await session.get(Firm, event.firm_id)
    if known is None or known.revision < event.revision:
        row = {
            "firm_id": event.firm_id,
            "name": event.name,
            "time_zone": event.time_zone,
            "addresses": list(event.addresses),
            "revision": event.revision,
        }
        await _keep(session, Firm, "firm_id", row)


async def keep_staff(session: AsyncSession, event: StaffRegistered | StaffChanged) -> None:
    row = {
        "staff_id": event.staff_id,
        "name": unseal(session, event.name),
        "email": unseal(session, event.email).lower(),
        "role": event.role,
        "supervisor_id": event.supervisor_id,
        "stand_in_id": event.stand_in_id,
        "active": getattr(event, "active", True),
    }
    await _keep(session, Timekeeper, "staff_id", row)


async def keep_client(session: AsyncSession, event: ClientRegistered | ClientChanged) -> None:
    row = {
        "client_id": event.client_id,
        "name": unseal(session, event.name),
        "email": unseal(session, event.email).lower(),
        "time_zone": event.time_zone,
    }
    await _keep(session, BilledClient, "client_id", row)


async def keep_merger(session: AsyncSession, event: ClientsMerged) -> UUID:
    """The entry that stays in the end: what stayed before may have been merged since, or be merged
    with what was told first. Two mergers at once are kept one after the other."""
    await session.execute(ONE_AFTER_THE_OTHER)
    stays = await queries.survivor(session, event.client_id)
    await session.execute(
        update(MergedClient)
        .where(col(MergedClient.client_id) == event.merged_id)
        .values(client_id=stays)
    )
    row = {"merged_id": event.merged_id, "client_id": stays}
    await session.execute(insert(MergedClient).values(row).on_conflict_do_nothing())
    return stays


async def keep_matter(session: AsyncSession, event: MatterOpened) -> None:
    row = {
        "matter_id": event.matter_id,
        "client_id": event.client_id,
        "number": event.number,
        "title": unseal(session, event.title),
        "practice_area": event.practice_area,
        "opened_at": event.opened_at,
    }
    await _keep(session, BilledMatter, "matter_id", row)


async def keep_closing(session: AsyncSession, event: MatterClosed) -> None:
    row = event.model_dump(include=set(MatterClosing.model_fields))
    await _keep(session, MatterClosing, "matter_id", row)


async def keep_wall(session: AsyncSession, event: WallRaised) -> None:
    """One that was lowered stays lowered, whichever is heard first."""
    facts = event.model_dump(include=set(Wall.model_fields))
    await _keep(session, Wall, "wall_id", facts | {"staff_ids": list(event.staff_ids)})


async def lower_wall(session: AsyncSession, event: WallLowered) -> None:
    facts = event.model_dump(include={"wall_id", "client_id", "matter_id"})
    await _keep(session, Wall, "wall_id", facts | {"lowered": True})


async def keep_joint_client(
    session: AsyncSession, event: JointClientJoined | JointClientLeft
) -> None:
    row = {
        "membership_id": event.membership_id,
        "matter_id": event.matter_id,
        "client_id": event.joint_client_id,
        "gone": isinstance(event, JointClientLeft),
    }
    await _keep(session, JointClient, "membership_id", row)


async def keep_contact(session: AsyncSession, event: PointOfContactAssigned) -> None:
    row = event.model_dump(include=set(ContactAssignment.model_fields))
    await _keep(session, ContactAssignment, "assignment_id", row)


async def _keep(session: AsyncSession, table: type[Row], key: str, row: Mapping[str, Any]) -> None:
    await session.execute(
        insert(table).values(row).on_conflict_do_update(index_elements=[key], set_=row)
    )
