"""Raise and lower walls. A wall is never raised in front of who has to answer the client: they hand
over first, so that nobody is without a contact for an instant."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import matters.clients.queries as clients
import matters.contacts.actions as contacts
import matters.joint_clients.queries as joint_clients
import matters.staff.queries as staff
import matters.teams.actions as teams
from matters.matters.models import Matter
from matters.walls import queries
from matters.walls.models import Wall
from shared import clock
from shared.contracts.matters import WallKind, WallLowered, WallRaised
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class WallBeforeContact(Refusal):
    """The point of contact, or who stands in for them, would stand behind the wall."""


class StandsForAnother(Refusal):
    """This wall goes with the one around a joint client or another entry, for which it stands."""


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
    """Closed from the commit on. A matter in which the client is one of joint clients is closed by
    a wall of its own, for what the others are told there too, and so is every other entry of the
    client. Who works on it and is shut out leaves the team in the same transaction; raises
    WallBeforeContact. The client's key must be held."""
    await lock_around(session, client_id)
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
    await _raise(session, wall, client_id, reason)
    if matter_id is None:
        await stand_together(session, client_id, reason=reason)
    return wall


async def stand_around(
    session: AsyncSession, client_id: UUID, matter: Matter, *, reason: str
) -> None:
    """They are represented jointly with others from now on, and the walls around them stand around
    the matter. Raises WallBeforeContact. Their key must be held, and the directory locked."""
    for wall in await queries.around(session, await clients.entries_of(session, client_id)):
        await _stand_for(session, wall, [(matter.client_id, matter.matter_id)], client_id, reason)


async def stand_together(session: AsyncSession, client_id: UUID, *, reason: str) -> None:
    """What stands around one entry of a client stands around all of them, and around each matter in
    which one of them is a joint client. Raises WallBeforeContact. The key of this one must be held,
    and all of it locked."""
    entries = await clients.entries_of(session, client_id)
    joint = await joint_clients.joint_matters(session, *entries)
    places = [*((one, None) for one in entries), *((one.client_id, one.matter_id) for one in joint)]
    for wall in await queries.around(session, entries):
        await _stand_for(session, wall, places, client_id, reason)


async def screen(
    session: AsyncSession, client_id: UUID, staff_ids: Collection[UUID], *, reason: str, by: UUID
) -> Wall | None:
    """Keep these away from a client, whatever they are to them: what they answer for goes to
    somebody who stands outside, and then the wall is raised. None if all of them are behind one.
    The client's key must be held."""
    joint = await lock_around(session, client_id)
    named = set(staff_ids) - await queries.closed_to(session, staff_ids, client_id, None)
    if not named:
        return None
    now = await clock.database_now(session)
    matter_ids = [one.matter_id for one in joint]
    entries = await clients.entries_of(session, client_id)
    answered = await queries.answered_by(session, entries, matter_ids, named, now)
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


async def lower_wall(session: AsyncSession, wall: Wall, *, reason: str, by: UUID) -> Wall:
    """Open again from the commit on, with the walls that stood for it. Raises StandsForAnother. The
    client's key must be held."""
    await staff.lock_directory(session)  # no other wall comes to stand for it meanwhile
    await session.refresh(wall, with_for_update=True)
    if wall.stands_for is not None:
        raise StandsForAnother(
            "It stands for a wall around a joint client or another entry: lower that one.",
            wall_id=str(wall.stands_for),
        )
    if wall.lowered_at is not None:
        raise AlreadyLowered("This wall was lowered before: read it again.")
    now = await clock.database_now(session)
    for one in (wall, *await queries.standing_for(session, wall.wall_id)):
        one.lowered_at, one.lowered_by = now, by
        emit(
            session,
            WallLowered(
                wall_id=one.wall_id,
                client_id=one.client_id,
                matter_id=one.matter_id,
                reason=seal(session, wall.client_id, one.wall_id, "wall", "lowered", reason),
                lowered_at=now,
            ),
        )
    return wall


async def lock_around(session: AsyncSession, *client_ids: UUID) -> Sequence[Matter]:
    """One wall after the other, and none while a client joins a matter or is merged; returns the
    matters in which any entry of these is a client and not the only one."""
    await staff.lock_directory(session)
    entries = {one for each in client_ids for one in await clients.entries_of(session, each)}
    joint = await joint_clients.joint_matters(session, *entries)
    await clients.lock(session, {*entries, *(one.client_id for one in joint)})
    return joint


async def _stand_for(
    session: AsyncSession,
    origin: Wall,
    places: Iterable[tuple[UUID, UUID | None]],
    sealed_for: UUID,
    reason: str,
) -> None:
    """Around each of these, unless it stands there already. Why is the confidence of whom the first
    wall is around, and sealed under their key."""
    there = {
        (one.client_id, one.matter_id)
        for one in await queries.standing_for(session, origin.wall_id)
    }
    for client_id, matter_id in places:
        if (client_id, matter_id) in {*there, (origin.client_id, None)}:
            continue
        wall = Wall(
            wall_id=new_id(),
            client_id=client_id,
            matter_id=matter_id,
            raised_at=await clock.database_now(session),
            stands_for=origin.wall_id,
            **origin.model_dump(include={"kind", "staff_ids", "raised_by"}),
        )
        await _raise(session, wall, sealed_for, reason)


async def _raise(session: AsyncSession, wall: Wall, sealed_for: UUID, reason: str) -> None:
    session.add(wall)
    await session.flush()
    await _require_contacts_inside(session, wall)
    await teams.shut_out(session, wall.client_id, wall.matter_id)
    emit(
        session,
        WallRaised(
            reason=seal(session, sealed_for, wall.wall_id, "wall", "reason", reason),
            **wall.model_dump(include=set(WallRaised.model_fields)),
        ),
    )


async def _require_contacts_inside(session: AsyncSession, wall: Wall) -> None:
    asked = {"client_id": wall.client_id, "matter_id": wall.matter_id, "now": wall.raised_at}
    answering = set((await session.execute(_WHO_ANSWERS, asked)).scalars())
    shut_out = await queries.closed_to(session, answering, wall.client_id, wall.matter_id)
    if shut_out:
        raise WallBeforeContact(
            "The wall would stand before who answers the client: hand over first.",
            staff_ids=[str(one) for one in sorted(shut_out)],
        )
