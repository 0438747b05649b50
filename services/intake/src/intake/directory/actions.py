"""Keep what matters tells. Each row is complete in itself, so any order of the streams is right."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import intake.conflicts.actions as conflicts
import intake.names.actions as names
from intake.directory import queries
from intake.directory.models import Client, Firm, MergedClient, PointOfContact, Staff, Wall
from intake.names.rules import Role
from intake.tables import Row
from shared.contracts.matters import (
    ClientChanged,
    ClientRegistered,
    ClientsMerged,
    FirmChanged,
    PartiesChanged,
    PartyRole,
    PointOfContactAssigned,
    StaffChanged,
    StaffRegistered,
    WallLowered,
    WallRaised,
)
from shared.keyring import unseal

ONE_AFTER_THE_OTHER = text("SELECT pg_advisory_xact_lock(hashtext('intake mergers'))")
ROLES: dict[PartyRole, Role] = {
    "client": "client",
    "joint_client": "client",
    "related": "related",
    "adverse": "adverse",
}


async def keep_firm(session: AsyncSession, event: FirmChanged) -> None:
    row = event.model_dump(include=set(Firm.model_fields))
    await _keep(session, Firm, row)


async def keep_staff(session: AsyncSession, event: StaffRegistered | StaffChanged) -> None:
    """Members of staff are compared too: somebody may sue one of them."""
    name = unseal(session, event.name)
    row = {
        "staff_id": event.staff_id,
        "name": name,
        "email": unseal(session, event.email).lower(),
        "role": event.role,
        "managing_partner": event.managing_partner,
        "active": getattr(event, "active", True),
    }
    await _keep(session, Staff, row)
    new = await names.keep(session, subject_id=event.staff_id, role="staff", written=[name])
    await conflicts.look_again(session, new, "staff")


async def keep_client(session: AsyncSession, event: ClientRegistered | ClientChanged) -> None:
    """A name that changed stays, as a former one."""
    name = unseal(session, event.name)
    row = {
        "client_id": event.client_id,
        "name": name,
        "email": unseal(session, event.email).lower(),
        "phone": unseal(session, event.phone) if event.phone else None,
        "time_zone": event.time_zone,
    }
    await _keep(session, Client, row)
    if event.state == "active":
        new = await names.keep(
            session,
            subject_id=event.client_id,
            client_id=event.client_id,
            role="client",
            written=[name],
        )
        await conflicts.look_again(session, new, "client", client_id=event.client_id)


async def keep_merger(session: AsyncSession, event: ClientsMerged) -> None:
    """A chain is closed when it is told, in whatever order: who stayed before may have been merged
    since, or be merged with what was told first."""
    await session.execute(ONE_AFTER_THE_OTHER)
    stays = await queries.survivor(session, event.client_id)
    await session.execute(
        update(MergedClient)
        .where(col(MergedClient.client_id) == event.merged_id)
        .values(client_id=stays)
    )
    row = {"merged_id": event.merged_id, "client_id": stays}
    await session.execute(insert(MergedClient).values(row).on_conflict_do_nothing())


async def keep_parties(session: AsyncSession, event: PartiesChanged) -> None:
    """Everybody whom a matter concerns; who is no party any more stays known as one."""
    for party in event.parties:
        role = ROLES[party.role]
        new = await names.keep(
            session,
            subject_id=party.party_id,
            client_id=event.client_id,
            role=role,
            kind=party.kind,
            written=[unseal(session, one) for one in (party.name, *party.also)],
        )
        await conflicts.look_again(session, new, role, client_id=event.client_id)


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


async def _keep(session: AsyncSession, table: type[Row], row: Mapping[str, Any]) -> None:
    key = next(iter(table.model_fields))
    await session.execute(
        insert(table).values(row).on_conflict_do_update(index_elements=[key], set_=row)
    )
