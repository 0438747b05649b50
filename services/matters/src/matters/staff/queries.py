"""Questions to the directory."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.staff.models import StaffMember
from shared.auth import CallerIdentity
from shared.errors import Invalid

_CHAIN = text("""
    WITH RECURSIVE chain AS (
        SELECT staff_id, supervisor_id FROM staff WHERE staff_id = :staff_id
        UNION
        SELECT staff.staff_id, staff.supervisor_id
        FROM staff JOIN chain ON staff.staff_id = chain.supervisor_id)
    SELECT staff_id FROM chain
""")


async def chain_from(session: AsyncSession, staff_id: UUID) -> set[UUID]:
    """This member of staff and everybody above; empty when there is no such member."""
    return set((await session.execute(_CHAIN, {"staff_id": staff_id})).scalars())


async def lock_directory(session: AsyncSession) -> None:
    """One writer at a time: two who each make the other their supervisor, or their cover, must not
    both pass. Readers and assignments of contacts go on."""
    await session.execute(text("LOCK TABLE staff IN SHARE ROW EXCLUSIVE MODE"))


async def lock_member(session: AsyncSession, staff_id: UUID) -> None:
    """Whoever makes this person a contact shares the row: one comes after the other."""
    await session.execute(
        text("SELECT FROM staff WHERE staff_id = :staff_id FOR NO KEY UPDATE"),
        {"staff_id": staff_id},
    )


async def known(
    session: AsyncSession, staff_ids: Collection[UUID], *, active: bool = False
) -> set[UUID]:
    """Those of these ids that are members of staff, or active ones."""
    wanted = select(col(StaffMember.staff_id)).where(col(StaffMember.staff_id).in_(staff_ids))
    if active:
        wanted = wanted.where(col(StaffMember.active))
    return set((await session.execute(wanted)).scalars())


async def names(session: AsyncSession, staff_ids: Collection[UUID]) -> dict[UUID, str]:
    """Also of those who have left."""
    if not staff_ids:
        return {}
    found = await session.execute(
        select(col(StaffMember.staff_id), col(StaffMember.name)).where(
            col(StaffMember.staff_id).in_(staff_ids)
        )
    )
    return {staff_id: name for staff_id, name in found}


async def with_email(session: AsyncSession, email: str | None) -> StaffMember | None:
    """The active member of staff with this address."""
    if not email:
        return None
    found = await session.execute(
        select(StaffMember).where(col(StaffMember.email) == email, col(StaffMember.active))
    )
    return found.scalar_one_or_none()


async def member(session: AsyncSession, caller: CallerIdentity) -> StaffMember:
    """The caller as a member of staff: who speaks for the firm is a person that the client can
    know."""
    found = await with_email(session, caller.email)
    if found is None:
        raise Invalid("Only who is in the firm's directory of staff can do this.")
    return found


async def somebody(
    session: AsyncSession, wanted: UUID | None, *, but: Collection[UUID] = ()
) -> UUID:
    """This member of staff while they are active, else a managing partner, else a partner; never
    one of `but`."""
    found = await session.execute(
        select(col(StaffMember.staff_id))
        .where(
            col(StaffMember.active),
            col(StaffMember.staff_id).not_in(but),
            (col(StaffMember.staff_id) == wanted) | (col(StaffMember.role) == "partner"),
        )
        .order_by(
            col(StaffMember.staff_id) != wanted,
            col(StaffMember.managing_partner).desc(),
            col(StaffMember.staff_id),
        )
        .limit(1)
    )
    staff_id = found.scalar_one_or_none()
    if staff_id is None:
        raise Invalid("Nobody of the firm can be a point of contact: register a partner.")
    return staff_id
