"""Keep what matters tells. Each row is complete in itself, so any order of the streams is right."""

from collections.abc import Mapping
from datetime import time
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.directory import queries
from messaging.directory.models import (
    Absence,
    Client,
    Firm,
    JointClient,
    Matter,
    MergedClient,
    PointOfContact,
    Preferences,
    Staff,
    Wall,
)
from messaging.directory.rules import reading_of
from messaging.tables import Row
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
from shared.keyring import unseal


async def keep_firm(session: AsyncSession, event: FirmChanged) -> None:
    row = {
        "firm_id": event.firm_id,
        "name": event.name,
        "time_zone": event.time_zone,
        "addresses": [address.lower() for address in event.addresses],
        "emergency_contact": event.emergency.model_dump(),
        "revision": event.revision,
    }
    await _keep(session, Firm, row)


async def keep_staff(session: AsyncSession, event: StaffRegistered | StaffChanged) -> None:
    row = {
        "staff_id": event.staff_id,
        "name": unseal(session, event.name),
        "email": unseal(session, event.email).lower(),
        "role": event.role,
        "supervisor_id": event.supervisor_id,
        "stand_in_id": event.stand_in_id,
        "managing_partner": event.managing_partner,
        "active": getattr(event, "active", True),
    }
    await _keep(session, Staff, row)


async def keep_absence(session: AsyncSession, event: AbsencePlanned) -> None:
    """The newest counts, whichever is heard last."""
    row = event.model_dump(include=set(Absence.model_fields))
    await _keep_newer(session, Absence, row)


async def keep_client(session: AsyncSession, event: ClientRegistered | ClientChanged) -> str:
    """The address that is theirs from now on."""
    address = unseal(session, event.email).lower()
    row = {
        "client_id": event.client_id,
        "name": unseal(session, event.name),
        "email": address,
        "time_zone": event.time_zone,
    }
    await queries.lock_address(session, address)
    await _keep(session, Client, row)
    return address


async def keep_merger(session: AsyncSession, event: ClientsMerged) -> UUID:
    """The entry that stays in the end: what stayed before may have been merged since, or be merged
    with what was told first. Two mergers at once are kept one after the other."""
    await queries.lock_mergers(session)
    stays = await queries.survivor(session, event.client_id)
    await session.execute(
        update(MergedClient)
        .where(col(MergedClient.client_id) == event.merged_id)
        .values(client_id=stays)
    )
    row = {"merged_id": event.merged_id, "client_id": stays}
    await session.execute(insert(MergedClient).values(row).on_conflict_do_nothing())
    return stays


async def keep_preferences(session: AsyncSession, event: PreferencesChanged) -> None:
    """The newest counts, whichever is heard last."""
    needs = unseal(session, event.accessibility) if event.accessibility else ""
    row = {
        "client_id": event.client_id,
        "revision": event.revision,
        "wishes": event.preferences,
        "quiet_from": _time(event.quiet_from),
        "quiet_until": _time(event.quiet_until),
        "language": event.language,
        "reading": reading_of(needs),
    }
    await _keep_newer(session, Preferences, row)


async def keep_matter(session: AsyncSession, event: MatterOpened) -> None:
    row = {
        "matter_id": event.matter_id,
        "client_id": event.client_id,
        "number": event.number,
        "title": unseal(session, event.title),
        "opened_at": event.opened_at,
    }
    await _keep(session, Matter, row)


async def keep_joint_client(
    session: AsyncSession, event: JointClientJoined | JointClientLeft
) -> None:
    row = {
        "membership_id": event.membership_id,
        "matter_id": event.matter_id,
        "client_id": event.joint_client_id,
        "gone": isinstance(event, JointClientLeft),
    }
    await _keep(session, JointClient, row)


async def keep_contact(session: AsyncSession, event: PointOfContactAssigned) -> None:
    row = event.model_dump(include=set(PointOfContact.model_fields))
    await _keep(session, PointOfContact, row)


async def keep_wall(session: AsyncSession, event: WallRaised) -> None:
    """One that was lowered stays lowered, whichever is heard first."""
    facts = event.model_dump(include=set(Wall.model_fields))
    await _keep(session, Wall, facts | {"staff_ids": list(event.staff_ids)})


async def lower_wall(session: AsyncSession, event: WallLowered) -> None:
    facts = event.model_dump(include={"wall_id", "client_id", "matter_id"})
    await _keep(session, Wall, facts | {"lowered": True})


def _time(told: str | None) -> time | None:
    return time.fromisoformat(told) if told else None


async def _keep(
    session: AsyncSession,
    table: type[Row],
    row: Mapping[str, Any],
    where: ColumnElement[bool] | None = None,
) -> None:
    key = next(iter(table.__table__.primary_key)).name  # type: ignore[attr-defined]
    await session.execute(
        insert(table).values(row).on_conflict_do_update(index_elements=[key], set_=row, where=where)
    )


async def _keep_newer(
    session: AsyncSession, table: type[Preferences | Absence], row: Mapping[str, Any]
) -> None:
    await _keep(session, table, row, col(table.revision) < row["revision"])
