"""What is closed to a caller. Asked by every read and every change of client data."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, column, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.clients.models import Client
from matters.contacts.models import PointOfContact
from matters.matters.models import Matter
from matters.staff.models import StaffMember
from matters.walls.models import Wall
from shared.auth import CallerIdentity
from shared.errors import NotFound, Refusal

NOTHING = "There is nothing here that you may see."


class BehindWall(Refusal):
    """Somebody stands behind a wall around this client or matter: choose another."""


# What is closed to the caller (:email, :keeps_walls). A token that names nobody of the directory
# stands outside of every need-to-know wall.
CLOSED = """
    SELECT wall.client_id, wall.matter_id
    FROM walls wall LEFT JOIN staff ON staff.email = :email
    WHERE wall.lowered_at IS NULL AND CASE wall.kind
        WHEN 'screen' THEN COALESCE(staff.staff_id = ANY (wall.staff_ids), false)
        ELSE NOT :keeps_walls AND NOT COALESCE(staff.staff_id = ANY (wall.staff_ids), false) END
"""
_CLOSED_TO_ANY = text("""
    SELECT staff_id FROM unnest(CAST(:staff_ids AS uuid[])) AS staff_id WHERE EXISTS (
        SELECT FROM walls
        WHERE lowered_at IS NULL AND client_id = :client_id
          AND (matter_id IS NULL OR matter_id = CAST(:matter_id AS uuid))
          AND (kind = 'screen') = (staff_id = ANY (staff_ids)))
""")


# Assignments, now or planned, that one of these answers for: as contact, as stand-in, or by
# covering the contact's absence. Where only the stand-in is one of them, the contact may stay.
_ANSWERED_BY = text("""
    SELECT contact.subject_id, contact.staff_id, contact.from_at,
        contact.staff_id = ANY (:staff_ids) OR covered.absence_id IS NOT NULL AS must_go
    FROM points_of_contact contact LEFT JOIN LATERAL (
        SELECT absence_id FROM absences
        WHERE absences.staff_id = contact.staff_id AND absences.cancelled_at IS NULL
          AND absences.until_at > :now AND absences.stand_in_id = ANY (:staff_ids)
        LIMIT 1) covered ON true
    WHERE (contact.client_id = ANY (:client_ids) OR contact.matter_id = ANY (:matter_ids))
      AND (contact.until_at IS NULL OR contact.until_at > :now)
      AND (contact.staff_id = ANY (:staff_ids) OR contact.stand_in_id = ANY (:staff_ids)
           OR covered.absence_id IS NOT NULL)
    ORDER BY contact.from_at
""")

_WALLED = text("""
    SELECT assignment_id FROM unnest(
        CAST(:ids AS uuid[]), CAST(:client_ids AS uuid[]), CAST(:matter_ids AS uuid[])
    ) AS given (assignment_id, client_id, matter_id) WHERE EXISTS (
        SELECT FROM walls, unnest(CAST(:staff_ids AS uuid[])) AS staff_id
        WHERE lowered_at IS NULL AND walls.client_id = given.client_id
          AND (walls.matter_id IS NULL OR walls.matter_id = given.matter_id)
          AND (kind = 'screen') = (staff_id = ANY (staff_ids)))
""")


async def require_open(
    session: AsyncSession, caller: CallerIdentity, client_id: UUID, matter_id: UUID | None = None
) -> None:
    """Raises NotFound where a wall stands between them: as if nothing were there."""
    if caller.role == "client":
        return
    if (await session.execute(_around(caller, client_id, matter_id).limit(1))).first():
        raise NotFound(NOTHING)


def open_clients(caller: CallerIdentity) -> ColumnElement[bool]:
    """For a list of clients: those around whom no wall is closed to the caller."""
    if caller.role == "client":
        return true()
    closed = _closed(caller)
    return col(Client.client_id).not_in(
        select(closed.c.client_id).where(closed.c.matter_id.is_(None))
    )


def open_matters(caller: CallerIdentity) -> ColumnElement[bool]:
    """For a list of matters: likewise, and around whose client none is."""
    if caller.role == "client":
        return true()
    return ~_around(caller, col(Matter.client_id), col(Matter.matter_id)).exists()


def open_walls(caller: CallerIdentity) -> ColumnElement[bool]:
    """For a list of walls: whoever stands behind one around the same does not know of any."""
    return ~_around(caller, col(Wall.client_id), col(Wall.matter_id)).exists()


async def closed_to(
    session: AsyncSession, staff_ids: Collection[UUID], client_id: UUID, matter_id: UUID | None
) -> set[UUID]:
    """Those of these members of staff who stand behind a wall around the client or the matter."""
    asked = {"staff_ids": list(staff_ids), "client_id": client_id, "matter_id": matter_id}
    return set((await session.execute(_CLOSED_TO_ANY, asked)).scalars())


async def everybody_closed_to(session: AsyncSession, client_id: UUID) -> set[UUID]:
    """All of the firm who stand behind a wall around the client."""
    found = await session.execute(select(col(StaffMember.staff_id)))
    return await closed_to(session, found.scalars().all(), client_id, None)


async def answered_by(
    session: AsyncSession,
    entries: Collection[UUID],
    joint_matters: Collection[UUID],
    staff_ids: Collection[UUID],
    now: datetime,
) -> Sequence[Any]:
    """Rows of (subject_id, staff_id, from_at, must_go), the earliest first: what these answer
    for of the client and of matters in which they are joint, and whether its contact cannot
    stay."""
    asked: dict[str, Any] = {"client_ids": list(entries), "matter_ids": list(joint_matters)}
    asked |= {"staff_ids": list(staff_ids), "now": now}
    return (await session.execute(_ANSWERED_BY, asked)).all()


async def walled(
    session: AsyncSession, staff_ids: Collection[UUID], assignments: Sequence[PointOfContact]
) -> set[UUID]:
    """Those of these assignments around which a wall is closed to one of these."""
    asked = {
        "staff_ids": list(staff_ids),
        "ids": [one.assignment_id for one in assignments],
        "client_ids": [one.client_id for one in assignments],
        "matter_ids": [one.matter_id for one in assignments],
    }
    return set((await session.execute(_WALLED, asked)).scalars())


async def require_no_wall(
    session: AsyncSession, staff_ids: Collection[UUID], client_id: UUID, matter_id: UUID | None
) -> None:
    """Whoever is to work for a client must not stand behind a wall; raises BehindWall."""
    if closed := await closed_to(session, staff_ids, client_id, matter_id):
        raise BehindWall(
            "Somebody who would work for them, or cover for who does, stands behind a wall around"
            " this client or matter: choose another.",
            staff_ids=[str(one) for one in sorted(closed)],
        )


async def around(session: AsyncSession, entries: Collection[UUID]) -> Sequence[Wall]:
    """The walls that stand around the whole of a client; none that stands for one of them."""
    found = await session.execute(
        select(Wall)
        .where(
            col(Wall.client_id).in_(entries),
            col(Wall.matter_id).is_(None),
            col(Wall.lowered_at).is_(None),
            col(Wall.stands_for).is_(None),
        )
        .order_by(col(Wall.wall_id))
    )
    return found.scalars().all()


async def standing_for(session: AsyncSession, wall_id: UUID) -> Sequence[Wall]:
    """The walls around other entries and around matters of others that stand for this one."""
    found = await session.execute(
        select(Wall)
        .where(col(Wall.stands_for) == wall_id, col(Wall.lowered_at).is_(None))
        .order_by(col(Wall.wall_id))
        .with_for_update()
    )
    return found.scalars().all()


def _around(caller: CallerIdentity, client_id: Any, matter_id: Any) -> Select[UUID]:
    """The walls around this client, or this matter of theirs, that are closed to the caller; both
    may be columns, and without a matter only those around the whole client count."""
    closed = _closed(caller)
    around = closed.c.matter_id.is_(None)
    if matter_id is not None:
        around |= closed.c.matter_id == matter_id
    return select(closed.c.client_id).where(closed.c.client_id == client_id, around)


def _closed(caller: CallerIdentity) -> Any:
    named = text(CLOSED).bindparams(
        email=caller.email or "", keeps_walls=caller.role == "compliance"
    )
    return named.columns(column("client_id"), column("matter_id")).subquery()
