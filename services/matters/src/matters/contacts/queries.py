"""Who is whose point of contact, and who works with whom."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, column, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.joint_clients.queries as joint_clients
import matters.walls.queries as walls
from matters.contacts.models import PointOfContact
from matters.matters.models import Matter
from shared import clock
from shared.auth import CallerIdentity
from shared.errors import NotFound
from shared.policy import Relation


def now() -> ColumnElement[datetime]:
    """The database's instant, as assignments were made by it: a row is never younger."""
    return func.statement_timestamp() + clock.offset()


def covers(instant: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    until_at = col(PointOfContact.until_at)
    return (col(PointOfContact.from_at) <= instant) & (until_at.is_(None) | (until_at > instant))


async def in_force(
    session: AsyncSession, subject_id: UUID, instant: datetime | None = None
) -> PointOfContact | None:
    """The contact of this client or matter now or then; None only if it did not exist then."""
    found = await session.execute(
        select(PointOfContact).where(
            col(PointOfContact.subject_id) == subject_id, covers(instant or now())
        )
    )
    return found.scalar_one_or_none()


async def are_with(session: AsyncSession, staff_id: UUID) -> bool:
    """Whether this member of staff is a point of contact now or is to be one later."""
    until_at = col(PointOfContact.until_at)
    found = await session.execute(
        select(col(PointOfContact.assignment_id))
        .where(
            col(PointOfContact.staff_id) == staff_id,
            until_at.is_(None) | (until_at > now()),
        )
        .limit(1)
    )
    return found.first() is not None


# By comparing instants: of a range, the index of the exclusion constraint would be searched, which
# finds everybody's contacts that are in force, whoever they are of.
_IN_FORCE = """
    from_at <= statement_timestamp() + CAST(:offset AS interval)
    AND (until_at IS NULL OR until_at > statement_timestamp() + CAST(:offset AS interval))
"""
# The team of a client or matter: its contact, whoever stands in or covers an absence, who was named
# to work on it, and everybody above them. Who works on a matter works for its joint clients too.
# For one client it is read upwards from who answers them; for lists downwards from the caller. Each
# branch has an index of its own; `OFFSET 0` keeps it from reading everybody's contacts instead.
# What is closed is asked in the same breath: every page of client data asks both.
_HOW_THEY_STAND = text(f"""
    WITH RECURSIVE joint AS (
        SELECT matter_id FROM matter_clients
        WHERE client_id = :client_id AND left_at IS NULL AND CAST(:matter_id AS uuid) IS NULL
    ), answering AS (
        SELECT staff_id, stand_in_id FROM points_of_contact
        WHERE client_id = :client_id
          AND (CAST(:matter_id AS uuid) IS NULL OR matter_id IS NULL OR matter_id = :matter_id)
          AND {_IN_FORCE}
        UNION ALL
        SELECT contact.staff_id, contact.stand_in_id
        FROM joint JOIN points_of_contact contact ON contact.subject_id = joint.matter_id
        WHERE {_IN_FORCE}
    ), people AS (
        SELECT staff_id FROM answering
        UNION SELECT stand_in_id FROM answering
        UNION SELECT staff.stand_in_id FROM staff JOIN answering USING (staff_id)
        UNION SELECT away.stand_in_id FROM absences away JOIN answering USING (staff_id)
              WHERE away.cancelled_at IS NULL AND {_IN_FORCE}
        UNION SELECT member.staff_id FROM matters JOIN team_members member USING (matter_id)
              WHERE client_id = :client_id
                AND (CAST(:matter_id AS uuid) IS NULL OR matter_id = :matter_id)
        UNION SELECT member.staff_id FROM joint JOIN team_members member USING (matter_id)
    ), above AS (
        SELECT staff_id FROM people
        UNION
        SELECT staff.supervisor_id FROM staff JOIN above USING (staff_id))
    SELECT EXISTS (
        SELECT FROM ({walls.CLOSED}) AS closed WHERE closed.client_id = :client_id
          AND (closed.matter_id IS NULL OR closed.matter_id = CAST(:matter_id AS uuid))
    ) AS closed, EXISTS (
        SELECT FROM above JOIN staff USING (staff_id) WHERE staff.email = :email AND staff.active
    ) AS on_the_team
""")
_OF_THE_TEAM = f"""
    WITH RECURSIVE below AS (
        SELECT staff_id FROM staff WHERE email = :email AND active
        UNION
        SELECT staff.staff_id FROM staff JOIN below ON staff.supervisor_id = below.staff_id
    ), answered AS (
        SELECT staff_id FROM below
        UNION SELECT staff_id FROM staff WHERE stand_in_id IN (TABLE below)
        UNION SELECT staff_id FROM absences
              WHERE cancelled_at IS NULL AND stand_in_id IN (TABLE below) AND {_IN_FORCE}
    ), works AS (
        SELECT its.* FROM answered CROSS JOIN LATERAL (
            SELECT client_id, matter_id FROM points_of_contact contact
            WHERE contact.staff_id = answered.staff_id AND {_IN_FORCE} OFFSET 0) its
        UNION ALL
        SELECT its.* FROM below CROSS JOIN LATERAL (
            SELECT client_id, matter_id FROM points_of_contact contact
            WHERE contact.stand_in_id = below.staff_id AND {_IN_FORCE} OFFSET 0) its
        UNION ALL
        SELECT matters.client_id, matters.matter_id
        FROM team_members JOIN matters USING (matter_id) WHERE staff_id IN (TABLE below))
    SELECT client_id, matter_id FROM works
    UNION ALL
    SELECT joint.client_id, joint.matter_id FROM works JOIN matter_clients joint USING (matter_id)
    WHERE joint.left_at IS NULL AND joint.membership_id <> joint.matter_id
"""


def team_clients(caller: CallerIdentity) -> Select[Any]:
    """The clients on whose team, or on the team of one of whose matters, the caller is."""
    return select(_team(caller).c.client_id)


def team_matters(caller: CallerIdentity) -> CompoundSelect[Any]:
    """The matters on whose own team, or on whose client's team, the caller is."""
    team = _team(caller)
    own = select(team.c.matter_id).where(team.c.matter_id.is_not(None))
    whole = select(team.c.client_id).where(team.c.matter_id.is_(None))
    return own.union_all(select(col(Matter.matter_id)).where(col(Matter.client_id).in_(whole)))


def _team(caller: CallerIdentity) -> Any:
    named = text(_OF_THE_TEAM).bindparams(email=caller.email or "", offset=clock.offset())
    return named.columns(column("client_id"), column("matter_id")).cte("team")


async def _is_theirs(
    session: AsyncSession, caller: CallerIdentity, client_id: UUID, matter_id: UUID | None
) -> bool:
    """Whichever of their entries the token names, and whichever the client is known by here."""
    if caller.client_id is None or caller.client_id == client_id:
        return caller.client_id == client_id
    own = await joint_clients.entries_of(session, caller.client_id)
    if client_id in own or matter_id is None:
        return client_id in own
    return await joint_clients.member_of(session, own, matter_id) is not None


async def relations(
    session: AsyncSession, caller: CallerIdentity, client_id: UUID, matter_id: UUID | None = None
) -> set[Relation]:
    """How the caller stands to a client, or to one matter of that client. Raises NotFound where
    a wall stands between them, whatever the policy says."""
    if caller.role == "client":
        return {"self"} if await _is_theirs(session, caller, client_id, matter_id) else set()
    asked = {
        "client_id": client_id,
        "matter_id": matter_id,
        "email": caller.email or "",
        "keeps_walls": caller.role == "compliance",
        "offset": clock.offset(),
    }
    closed, on_the_team = (await session.execute(_HOW_THEY_STAND, asked)).one()
    if closed:
        raise NotFound(walls.NOTHING)
    return {"team"} if on_the_team else set()
