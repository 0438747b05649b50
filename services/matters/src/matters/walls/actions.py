"""Raise and lower walls. A wall is never raised in front of who has to answer the client: they hand
over first, so that nobody is without a contact for an instant."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import matters.clients.queries as clients
import matters.contacts.actions as contacts
import matters.staff.queries as staff
import matters.teams.actions as teams
from matters.walls import queries
from matters.walls.models import Wall
from shared import clock
from shared.contracts.matters import WallKind, WallLowered, WallRaised
from shared.errors import Invalid, NotFound, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class WallBeforeContact(Refusal):
    """The point of contact, or who stands in for them, would stand behind the wall."""


class AlreadyLowered(Refusal):
    """Somebody else lowered this wall before."""


# Whoever answers, now or by a plan: contacts, their stand-ins, and who covers their absences.
_WHO_ANSWERS = text("""
    WITH answering AS (
        SELECT contact.staff_id, contact.stand_in_id
        FROM points_of_contact contact
        WHERE contact.client_id = :client_id
          AND (CAST(:matter_id AS uuid) IS NULL OR contact.matter_id = CAST(:matter_id AS uuid))
          AND (contact.until_at IS NULL OR contact.until_at > :now))
    SELECT staff_id FROM answering
    UNION SELECT stand_in_id FROM answering WHERE stand_in_id IS NOT NULL
    UNION SELECT absences.stand_in_id FROM absences JOIN answering USING (staff_id)
          WHERE absences.cancelled_at IS NULL AND absences.until_at > :now
""")


async def raise_wall(
    session: AsyncSession,
    *,
    client_id: UUID,
    matter_id: UUID | None,
    kind: WallKind,
    staff_ids: Collection[UUID],
    reason: str,
    by: UUID,
) -> Wall:
    """Closed from the commit on. Who works on it and is shut out leaves the team in the same
    transaction; raises WallBeforeContact. The client's key must be held."""
    await staff.lock_directory(session)
    await clients.lock(session, client_id)
    if unknown := set(staff_ids) - await staff.known(session, staff_ids):
        raise Invalid(f"There is no member of staff {min(unknown)}.")
    wall = Wall(
        wall_id=new_id(),
        client_id=client_id,
        matter_id=matter_id,
        kind=kind,
        staff_ids=sorted(set(staff_ids)),
        raised_at=await clock.database_now(session),
        raised_by=by,
    )
    session.add(wall)
    await session.flush()
    await _require_contacts_inside(session, wall)
    await teams.shut_out(session, client_id, matter_id)
    emit(
        session,
        WallRaised(
            reason=seal(session, client_id, wall.wall_id, "wall", "reason", reason),
            **wall.model_dump(include=set(WallRaised.model_fields)),
        ),
    )
    return wall


async def screen(
    session: AsyncSession, client_id: UUID, staff_ids: Collection[UUID], *, reason: str, by: UUID
) -> Wall | None:
    """Keep these away from a client, whatever they are to them: what they answer for goes to
    somebody who stands outside, and then the wall is raised. None if all of them are behind one.
    The client's key must be held."""
    await staff.lock_directory(session)
    await clients.lock(session, client_id)
    named = set(staff_ids) - await queries.closed_to(session, staff_ids, client_id, None)
    if not named:
        return None
    now = await clock.database_now(session)
    answered = await queries.answered_by(session, client_id, named, now)
    kept_away = named | {one.staff_id for one in answered if one.must_go}
    kept_away |= await queries.everybody_closed_to(session, client_id)
    for one in answered:
        await contacts.hand_over(
            session,
            one.subject_id,
            staff_id=await staff.somebody(session, one.staff_id, but=kept_away),
            stand_in_id=None,
            from_at=one.from_at if one.from_at > now else None,
            by=by,
            if_match=None,
        )
    return await raise_wall(
        session,
        client_id=client_id,
        matter_id=None,
        kind="screen",
        staff_ids=named,
        reason=reason,
        by=by,
    )


async def lower_wall(session: AsyncSession, wall_id: UUID, *, reason: str, by: UUID) -> Wall:
    """Open again from the commit on. The client's key must be held."""
    wall = await queries.wall(session, wall_id)
    if wall is None:
        raise NotFound("There is no such wall.")
    if wall.lowered_at is not None:
        raise AlreadyLowered("This wall was lowered before: read it again.")
    wall.lowered_at, wall.lowered_by = await clock.database_now(session), by
    emit(
        session,
        WallLowered(
            wall_id=wall_id,
            client_id=wall.client_id,
            matter_id=wall.matter_id,
            reason=seal(session, wall.client_id, wall_id, "wall", "lowered", reason),
            lowered_at=wall.lowered_at,
        ),
    )
    return wall


async def _require_contacts_inside(session: AsyncSession, wall: Wall) -> None:
    asked = {"client_id": wall.client_id, "matter_id": wall.matter_id, "now": wall.raised_at}
    answering = set((await session.execute(_WHO_ANSWERS, asked)).scalars())
    shut_out = await queries.closed_to(session, answering, wall.client_id, wall.matter_id)
    if shut_out:
        raise WallBeforeContact(
            "The wall would stand before who answers the client: hand over first.",
            staff_ids=[str(one) for one in sorted(shut_out)],
        )
