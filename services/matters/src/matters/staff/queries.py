"""Questions to the directory."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

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
