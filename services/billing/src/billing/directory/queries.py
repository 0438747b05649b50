"""Questions to the directory: who is meant, who works with whom, what day it is at the firm."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    TextClause,
    bindparam,
    column,
    inspect,
    select,
    text,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import TextualSelect
from sqlmodel import col

from billing.directory.models import (
    BilledClient,
    BilledMatter,
    Firm,
    JointClient,
    MergedClient,
    Timekeeper,
)
from billing.policy import OPEN_TO_JOINT_CLIENTS
from billing.tables import Row
from shared import clock
from shared.auth import CallerIdentity
from shared.contracts import FIRM_ID
from shared.errors import Invalid, NotFound, Refusal
from shared.policy import PolicyTable, Relation, permit

NOTHING_HERE = "There is nothing here that you may see."


class ClientMerged(Refusal):
    """This entry was merged into another: work with that one."""


async def firm(session: AsyncSession) -> Firm | None:
    return await session.get(Firm, FIRM_ID)


async def zone(session: AsyncSession) -> ZoneInfo:
    """The firm's: its days begin and its rates change at midnight there."""
    known = await firm(session)
    return ZoneInfo(known.time_zone if known else "UTC")


async def today(session: AsyncSession) -> date:
    return clock.now().astimezone(await zone(session)).date()


def client_of(matter_id: UUID) -> Select[UUID]:
    return select(col(BilledMatter.client_id)).where(col(BilledMatter.matter_id) == matter_id)


async def survivor(session: AsyncSession, client_id: UUID) -> UUID:
    """The entry that stays, which is mostly this one."""
    merged = await session.get(MergedClient, client_id)
    return merged.client_id if merged else client_id


def entries_of(*client_ids: UUID) -> TextualSelect:
    """All entries of these clients: those that were merged are read together."""
    asked: BindParameter[list[UUID]] = bindparam("of", list(client_ids), unique=True)
    return text(_ENTRIES).bindparams(asked).columns(column("id"))


_ENTRIES = """
    WITH kept AS (
        SELECT COALESCE(merged.client_id, asked.id) AS id
        FROM unnest(CAST(:of AS uuid[])) AS asked (id)
        LEFT JOIN merged_clients merged ON merged.merged_id = asked.id)
    SELECT id FROM kept UNION SELECT merged_id FROM merged_clients JOIN kept ON client_id = id
"""


async def entries(session: AsyncSession, *client_ids: UUID) -> frozenset[UUID]:
    return frozenset((await session.execute(entries_of(*client_ids))).scalars())


async def unmerged(session: AsyncSession, client_id: UUID) -> BilledClient:
    """Who may be given something new. Raises ClientMerged, Invalid."""
    found = await client(session, client_id)
    if found.client_id != client_id:
        raise ClientMerged(
            "This entry was merged into another: work with that one.",
            client_id=str(found.client_id),
        )
    return found


async def client(session: AsyncSession, client_id: UUID) -> BilledClient:
    """As they are known now: of an entry that was merged, the one that stays. Raises Invalid: it
    does not exist, or has not been heard of yet."""
    found = await session.get(BilledClient, await survivor(session, client_id))
    if found is None:
        raise Invalid(f"There is no client {client_id} here yet; if it is new, repeat in a moment.")
    return found


async def matter(session: AsyncSession, matter_id: UUID) -> BilledMatter:
    """Raises Invalid: it does not exist, or has not been heard of yet."""
    found = await session.get(BilledMatter, matter_id)
    if found is None:
        raise Invalid(f"There is no matter {matter_id} here yet; if it is new, repeat in a moment.")
    return found


async def timekeeper(session: AsyncSession, staff_id: UUID) -> Timekeeper:
    found = await session.get(Timekeeper, staff_id)
    if found is None or not found.active:
        raise Invalid(f"There is no active member of staff {staff_id}.")
    return found


async def timekeepers(session: AsyncSession) -> dict[UUID, Timekeeper]:
    found = await session.execute(select(Timekeeper))
    return {one.staff_id: one for one in found.scalars()}


async def staff_of(session: AsyncSession, caller: CallerIdentity) -> Timekeeper | None:
    """The member of staff who calls, by the address in the token."""
    found = await session.execute(
        select(Timekeeper).where(
            col(Timekeeper.email) == (caller.email or ""), col(Timekeeper.active)
        )
    )
    return found.scalars().first()


async def point_of_contact(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None, at: datetime
) -> UUID | None:
    """The matter's, else the client's; None if nobody was told to us yet."""
    found = await session.execute(
        text("""
            SELECT staff_id FROM contact_assignments
            WHERE client_id = ANY (:entries) AND (matter_id IS NULL OR matter_id = :matter_id)
                AND from_at <= :at
            ORDER BY matter_id IS NULL, client_id <> :stays, from_at DESC, assignment_id DESC
            LIMIT 1
        """),
        {
            "entries": list(await entries(session, client_id)),
            "stays": await survivor(session, client_id),
            "matter_id": matter_id,
            "at": at,
        },
    )
    staff_id: UUID | None = found.scalar_one_or_none()
    return staff_id


# The team of a client, under whichever entry, or matter: its contact, whoever stands in, and
# everybody above them.
_TEAM = """
    WITH RECURSIVE below AS (
        SELECT staff_id FROM staff WHERE email = :email AND active
        UNION
        SELECT staff.staff_id FROM staff JOIN below ON staff.supervisor_id = below.staff_id),
    contacts AS (
        SELECT DISTINCT ON (client_id, matter_id) * FROM contact_assignments
        WHERE from_at <= :now ORDER BY client_id, matter_id, from_at DESC, assignment_id DESC),
    team AS (
        SELECT COALESCE(merged.client_id, contact.client_id) AS client_id, contact.matter_id
        FROM contacts contact LEFT JOIN staff USING (staff_id)
            LEFT JOIN merged_clients merged ON merged.merged_id = contact.client_id
        WHERE contact.staff_id IN (TABLE below) OR contact.stand_in_id IN (TABLE below)
           OR staff.stand_in_id IN (TABLE below))
    SELECT matters.matter_id
    FROM matters LEFT JOIN merged_clients merged ON merged.merged_id = matters.client_id
    JOIN team ON team.matter_id = matters.matter_id
        OR (team.matter_id IS NULL
            AND team.client_id = COALESCE(merged.client_id, matters.client_id))
"""


def team_matters(caller: CallerIdentity) -> TextualSelect:
    """The matters on whose own team, or on whose client's team, the caller is."""
    return _team(caller).columns(column("matter_id"))


def _team(caller: CallerIdentity) -> TextClause:
    return text(_TEAM).bindparams(email=caller.email or "", now=clock.now())


async def relations(
    session: AsyncSession,
    caller: CallerIdentity,
    client_id: UUID,
    matter_id: UUID | None = None,
    *,
    joint: bool = False,
) -> set[Relation]:
    """How the caller stands to a client, or to one matter of that client; with `joint` a client
    who is represented jointly in it is themselves, and all entries of a client are one. Raises
    NotFound where a wall stands between them, whatever the policy says."""
    await _require_open(session, caller, client_id, matter_id)
    found: set[Relation] = set()
    if caller.client_id is not None:
        own = await entries(session, caller.client_id)
        if client_id in own or (joint and await _is_joint(session, own, matter_id)):
            found.add("self")
    if caller.email:
        team = team_matters(caller).subquery()
        wanted = select(team.c.matter_id).join(
            BilledMatter, col(BilledMatter.matter_id) == team.c.matter_id
        )
        wanted = wanted.where(col(BilledMatter.client_id).in_(entries_of(client_id)))
        if matter_id is not None:
            wanted = wanted.where(col(BilledMatter.matter_id) == matter_id)
        if (await session.execute(wanted.limit(1))).first():
            found.add("team")
    return found


async def _is_joint(session: AsyncSession, own: Collection[UUID], matter_id: UUID | None) -> bool:
    found = await session.execute(
        select(col(JointClient.membership_id)).where(
            col(JointClient.client_id).in_(own),
            col(JointClient.matter_id) == matter_id,
            ~col(JointClient.gone),
        )
    )
    return found.first() is not None


async def _require_open(
    session: AsyncSession, caller: CallerIdentity, client_id: UUID, matter_id: UUID | None
) -> None:
    if caller.role == "client":
        return
    if (await session.execute(_walled(caller, client_id, matter_id).limit(1))).first():
        raise NotFound(NOTHING_HERE)


def not_walled_off(caller: CallerIdentity, of: type[Row]) -> ColumnElement[bool]:
    """For a list of rows with `client_id` and `matter_id`: those that no wall closes to the caller;
    a client stands before none."""
    if caller.role == "client":
        return true()
    row = inspect(of).columns
    return ~_walled(caller, row["client_id"], row["matter_id"]).exists()


def _walled(
    caller: CallerIdentity, client_id: UUID | ColumnElement[UUID], matter_id: Any
) -> Select[Any]:
    """The walls that close this client or matter to the caller; `matter_id` may be None."""
    named = text(CLOSED).bindparams(**before_walls(caller))
    closed = named.columns(column("client_id"), column("matter_id")).subquery()
    around = closed.c.matter_id.is_(None) & (closed.c.client_id == client_id)
    if matter_id is not None:
        around |= closed.c.matter_id == matter_id
    return select(closed.c.client_id).where(around)


def before_walls(caller: CallerIdentity) -> dict[str, Any]:
    """Who asks CLOSED."""
    return {"email": caller.email or "", "keeps_walls": caller.role == "compliance"}


# Whoever is not in the directory stands outside of every need-to-know wall; a wall around one entry
# of a client stands around all.
CLOSED = """
    WITH standing AS (
        SELECT COALESCE(merged.client_id, wall.client_id) AS client_id, wall.matter_id
        FROM walls wall LEFT JOIN staff ON staff.email = :email AND staff.active
            LEFT JOIN merged_clients merged ON merged.merged_id = wall.client_id
        WHERE NOT wall.lowered AND CASE wall.kind
            WHEN 'screen' THEN COALESCE(staff.staff_id = ANY (wall.staff_ids), false)
            ELSE NOT :keeps_walls AND NOT COALESCE(staff.staff_id = ANY (wall.staff_ids), false) END
    )
    SELECT client_id, matter_id FROM standing
    UNION SELECT merged.merged_id, NULL
    FROM standing JOIN merged_clients merged USING (client_id) WHERE standing.matter_id IS NULL
"""


async def permit_for(
    session: AsyncSession,
    table: PolicyTable,
    caller: CallerIdentity,
    action: str,
    client_id: UUID,
    matter_id: UUID | None = None,
) -> None:
    """Raises Forbidden for the role, NotFound for a client or matter that is not the caller's."""
    joint = action in OPEN_TO_JOINT_CLIENTS
    found = await relations(session, caller, client_id, matter_id, joint=joint)
    permit(table, caller, action, found)


async def matter_for(
    session: AsyncSession,
    table: PolicyTable,
    caller: CallerIdentity,
    action: str,
    matter_id: UUID,
) -> BilledMatter:
    """The matter, if the caller may do this in it; foreign and missing are the same NotFound."""
    permit(table, caller, action)
    found = await session.get(BilledMatter, matter_id)
    if found is None:
        raise NotFound(NOTHING_HERE)
    await permit_for(session, table, caller, action, found.client_id, matter_id)
    return found
