"""Say who works on a matter. Who stands behind a wall around it cannot."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.staff.queries as staff
import matters.walls.queries as walls
from matters.matters.models import Matter
from matters.teams import queries
from matters.teams.models import Member
from shared import revisions
from shared.contracts.matters import Duty, TeamChanged, TeamMember
from shared.errors import Invalid
from shared.outbox import emit


async def set_team(
    session: AsyncSession, matter: Matter, duties: Mapping[UUID, Duty], *, if_match: str | None
) -> None:
    """The whole team, from now on. Raises BehindWall and PreconditionFailed."""
    await session.refresh(matter, with_for_update=True)
    revisions.check(if_match, matter.team_revision)
    if absent := set(duties) - await staff.known(session, duties, active=True):
        raise Invalid(f"There is no active member of staff {min(absent)}.")
    await walls.require_no_wall(session, list(duties), matter.client_id, matter.matter_id)
    await session.execute(delete(Member).where(col(Member.matter_id) == matter.matter_id))
    for staff_id, duty in duties.items():
        session.add(Member(matter_id=matter.matter_id, staff_id=staff_id, duty=duty))
    await _tell(session, matter)


async def shut_out(session: AsyncSession, client_id: UUID, matter_id: UUID | None) -> None:
    """Take whoever a wall is closed to off the teams of the client's matters, or of the one."""
    wanted = select(Matter).where(col(Matter.client_id) == client_id).with_for_update()
    if matter_id is not None:
        wanted = wanted.where(col(Matter.matter_id) == matter_id)
    for matter in (await session.execute(wanted.order_by(col(Matter.matter_id)))).scalars():
        team = [one.staff_id for one in await queries.members(session, matter.matter_id)]
        if closed := await walls.closed_to(session, team, client_id, matter.matter_id):
            its = col(Member.matter_id) == matter.matter_id
            await session.execute(delete(Member).where(its, col(Member.staff_id).in_(closed)))
            await _tell(session, matter)


async def _tell(session: AsyncSession, matter: Matter) -> None:
    matter.team_revision += 1
    await session.flush()
    team = await queries.members(session, matter.matter_id)
    emit(
        session,
        TeamChanged(
            matter_id=matter.matter_id,
            client_id=matter.client_id,
            revision=matter.team_revision,
            members=tuple(TeamMember(staff_id=one.staff_id, duty=one.duty) for one in team),
        ),
    )
