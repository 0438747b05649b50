"""Keep the directory: every member has one address, and nobody stands above themselves."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.absences.queries as absences
import matters.contacts.queries as contacts
from matters.staff import queries
from matters.staff.models import StaffMember
from shared import revisions
from shared.contracts import FIRM_ID, Sealed
from shared.contracts.matters import StaffChanged, StaffRegistered
from shared.errors import Invalid, NotFound, Refusal
from shared.keyring import seal
from shared.outbox import emit


class EmailTaken(Refusal):
    """Another member of staff has this address; mail from it could not be told apart."""


class CircularSupervision(Refusal):
    """Somebody would stand above themselves, and an escalation would never end."""


class StillPointOfContact(Refusal):
    """Clients or matters would be without a point of contact: hand them over first."""


class StillCovers(Refusal):
    """Somebody who is away would be without cover: choose another stand-in first."""


async def register(session: AsyncSession, member: StaffMember) -> None:
    await queries.lock_directory(session)
    await _check(session, member)
    session.add(member)
    emit(session, StaffRegistered(**_told(session, member)))


async def change(
    session: AsyncSession, staff_id: UUID, *, if_match: str | None, **facts: Any
) -> StaffMember:
    """Replace the whole entry; raises NotFound, PreconditionFailed and the refusals above."""
    await queries.lock_directory(session)
    found = await session.execute(
        select(StaffMember).where(col(StaffMember.staff_id) == staff_id).with_for_update()
    )
    member = found.scalar_one_or_none()
    if member is None:
        raise NotFound("There is no such member of staff.")
    revisions.check(if_match, member.revision)
    for name, value in facts.items():
        setattr(member, name, value)
    member.revision += 1
    with session.no_autoflush:
        await _check(session, member)
    if not member.active and await contacts.are_with(session, staff_id):
        raise StillPointOfContact(f"{member.name} is a point of contact: hand over first.")
    if not member.active and await absences.covers_anybody(session, staff_id):
        raise StillCovers(f"{member.name} stands in for somebody: choose another stand-in first.")
    emit(session, StaffChanged(active=member.active, **_told(session, member)))
    return member


async def _check(session: AsyncSession, member: StaffMember) -> None:
    taken = await session.execute(
        select(col(StaffMember.staff_id)).where(
            col(StaffMember.email) == member.email, col(StaffMember.staff_id) != member.staff_id
        )
    )
    if taken.first():
        raise EmailTaken("Another member of staff has this address.")
    if member.supervisor_id and member.staff_id in await _chain(session, member.supervisor_id):
        raise CircularSupervision("The supervisor stands below this member of staff.")
    if member.stand_in_id == member.staff_id:
        raise Invalid("Nobody can stand in for themselves.")
    if member.stand_in_id:
        await _chain(session, member.stand_in_id)


async def _chain(session: AsyncSession, staff_id: UUID) -> set[UUID]:
    chain = await queries.chain_from(session, staff_id)
    if not chain:
        raise Invalid(f"There is no member of staff {staff_id}.")
    return chain


def _told(session: AsyncSession, member: StaffMember) -> dict[str, Any]:
    def sealed(field: str, value: str) -> Sealed:
        return seal(session, FIRM_ID, member.staff_id, "staff", field, value)

    return {
        "staff_id": member.staff_id,
        "name": sealed("name", member.name),
        "email": sealed("email", member.email),
        "phone": sealed("phone", member.phone) if member.phone else None,
        "role": member.role,
        "supervisor_id": member.supervisor_id,
        "stand_in_id": member.stand_in_id,
        "managing_partner": member.managing_partner,
    }
