"""Which clocks a caller may see: walls and mergers, as conditions on a query."""

from uuid import UUID

from sqlalchemy import ColumnElement, column, func, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.auth import CallerIdentity
from sla_monitor.models import Clock, MergedClient
from sla_monitor.queries import of_client

_CLOSED = """
    SELECT COALESCE(merged.client_id, wall.client_id) AS client_id, wall.matter_id
    FROM walls wall LEFT JOIN staff ON staff.email = :email AND staff.active
        LEFT JOIN merged_clients merged ON merged.merged_id = wall.client_id
    WHERE NOT wall.lowered AND CASE wall.kind
        WHEN 'screen' THEN COALESCE(staff.staff_id = ANY (wall.staff_ids), false)
        ELSE NOT :keeps_walls AND NOT COALESCE(staff.staff_id = ANY (wall.staff_ids), false) END
"""


def not_walled_off(caller: CallerIdentity) -> ColumnElement[bool]:
    """Clocks of clients and matters that no wall closes to the caller; a client stands before
    none. A wall around one entry of a client stands around all, one around a matter around all
    clients of it."""
    if caller.role == "client":
        return true()
    named = text(_CLOSED).bindparams(
        email=caller.email or "", keeps_walls=caller.role == "compliance"
    )
    closed = named.columns(column("client_id"), column("matter_id")).subquery()
    whole = closed.c.matter_id.is_(None) & (closed.c.client_id == _stays(Clock))
    walled = select(closed.c.client_id).where(whole | (closed.c.matter_id == col(Clock.matter_id)))
    return ~walled.exists()


def _stays(clock: type[Clock]) -> ColumnElement[UUID]:
    """The entry that stays, of the client whose clock it is."""
    kept = select(col(MergedClient.client_id)).where(
        col(MergedClient.merged_id) == col(clock.client_id)
    )
    return func.coalesce(kept.correlate(clock).scalar_subquery(), col(clock.client_id))


async def readable_clock(
    session: AsyncSession, clock_id: UUID, caller: CallerIdentity
) -> Clock | None:
    found = await session.execute(
        select(Clock).where(col(Clock.clock_id) == clock_id, not_walled_off(caller))
    )
    return found.scalar_one_or_none()


async def is_own(session: AsyncSession, clock: Clock, caller: CallerIdentity) -> bool:
    if caller.client_id is None:
        return False
    asked = select(col(Clock.clock_id)).where(
        col(Clock.clock_id) == clock.clock_id, of_client(caller.client_id)
    )
    return (await session.execute(asked)).first() is not None
