"""Questions to the directory."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.directory.models import (
    Client,
    Firm,
    JointClient,
    Matter,
    MergedClient,
    PointOfContact,
    Preferences,
    Staff,
)
from messaging.directory.rules import Manner
from messaging.email.rendering import Reading
from shared import clock
from shared.contracts import FIRM_ID


async def firm(session: AsyncSession) -> Firm | None:
    return await session.get(Firm, FIRM_ID)


async def client(session: AsyncSession, client_id: UUID) -> Client | None:
    """The client as they are known now: of an entry that was merged, the one that stays."""
    return await session.get(Client, await survivor(session, client_id))


async def survivor(session: AsyncSession, client_id: UUID) -> UUID:
    """The entry that stays, which is mostly this one."""
    merged = await session.get(MergedClient, client_id)
    return merged.client_id if merged else client_id


async def entries(session: AsyncSession, client_ids: Collection[UUID]) -> frozenset[UUID]:
    """All entries of these clients: what is recorded of any of them is read together."""
    rows = await session.execute(_ENTRIES, {"ids": list(client_ids)})
    return frozenset(rows.scalars())


_ENTRIES = text("""
    WITH stays AS (
        SELECT COALESCE(merged.client_id, asked.id) AS id
        FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
        LEFT JOIN merged_clients merged ON merged.merged_id = asked.id)
    SELECT id FROM stays
    UNION SELECT merged_id FROM merged_clients JOIN stays ON merged_clients.client_id = stays.id
""")


async def lock_mergers(session: AsyncSession) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(10)"))


async def manner(session: AsyncSession, person: Client) -> Manner:
    """How this client wants to hear."""
    zone = ZoneInfo(person.time_zone)
    told = await session.get(Preferences, person.client_id)
    if told is None:
        return Manner(zone=zone)
    quiet = told.quiet_from, told.quiet_until
    return Manner(
        zone=zone,
        wishes=told.wishes,
        quiet_hours=(quiet[0], quiet[1]) if quiet[0] and quiet[1] else None,
        language=told.language,
        reading=cast(Reading, told.reading),
    )


async def staff(session: AsyncSession, staff_id: UUID) -> Staff | None:
    return await session.get(Staff, staff_id)


async def matter(session: AsyncSession, matter_id: UUID) -> Matter | None:
    return await session.get(Matter, matter_id)


async def clients_with_address(session: AsyncSession, address: str) -> list[UUID]:
    """Of an entry that was merged, the one that stays."""
    stays = func.coalesce(col(MergedClient.client_id), col(Client.client_id)).label("stays")
    found = await session.execute(
        select(stays)
        .select_from(Client)
        .outerjoin(MergedClient, col(MergedClient.merged_id) == col(Client.client_id))
        .where(col(Client.email) == address.lower())
        .distinct()
        .order_by(stays)
    )
    return list(found.scalars())


async def address_of(session: AsyncSession, person: Client, written_from: str | None) -> str:
    """Where to answer: the address they wrote from, if it is on file for one of their entries."""
    mine = await entries(session, [person.client_id])
    found = await session.execute(
        select(col(Client.email)).where(
            col(Client.client_id).in_(mine), col(Client.email) == (written_from or "").lower()
        )
    )
    return found.scalars().first() or person.email


async def lock_address(session: AsyncSession, address: str) -> None:
    """Who keeps a stranger's mail and who hears that this address is a client's wait for each
    other here, so that one of the two sees what the other did."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 9))"), {"name": address.lower()}
    )


async def staff_with_address(session: AsyncSession, address: str) -> Staff | None:
    """The active member of staff with this address."""
    found = await session.execute(
        select(Staff).where(col(Staff.email) == address.lower(), col(Staff.active)).limit(1)
    )
    return found.scalar_one_or_none()


async def staff_ids(session: AsyncSession) -> list[UUID]:
    found = await session.execute(select(col(Staff.staff_id)).where(col(Staff.active)))
    return list(found.scalars())


async def firm_mailboxes(session: AsyncSession) -> frozenset[str]:
    """Every address whose mail the firm itself would send: its own, and its people's."""
    found = await session.execute(select(col(Staff.email)))
    known = await firm(session)
    return frozenset(found.scalars()) | frozenset(known.addresses if known else ())


async def managing_partner(session: AsyncSession) -> Staff | None:
    """The active managing partner, else any active partner."""
    found = await session.execute(
        select(Staff)
        .where(col(Staff.active), col(Staff.role) == "partner")
        .order_by(col(Staff.managing_partner).desc(), col(Staff.staff_id))
        .limit(1)
    )
    return found.scalar_one_or_none()


async def open_matters(session: AsyncSession, client_id: UUID) -> list[Matter]:
    """The client's own, and those in which they are a joint client."""
    mine = await entries(session, [client_id])
    joint = select(col(JointClient.matter_id)).where(
        col(JointClient.client_id).in_(mine), ~col(JointClient.gone)
    )
    found = await session.execute(
        select(Matter)
        .where(col(Matter.client_id).in_(mine) | col(Matter.matter_id).in_(joint))
        .order_by(col(Matter.matter_id))
    )
    return list(found.scalars())


async def joint_clients(session: AsyncSession, matter_id: UUID) -> list[UUID]:
    """Who is represented jointly with the matter's own client, in the order of joining; of an entry
    that was merged, the one that stays."""
    stays = func.coalesce(col(MergedClient.client_id), col(JointClient.client_id))
    found = await session.execute(
        select(stays)
        .select_from(JointClient)
        .outerjoin(MergedClient, col(MergedClient.merged_id) == col(JointClient.client_id))
        .where(col(JointClient.matter_id) == matter_id, ~col(JointClient.gone))
        .order_by(col(JointClient.membership_id))
    )
    return list(found.scalars())


async def clients_of_matter(session: AsyncSession, matter: Matter) -> list[UUID]:
    """The matter's own client first, then the joint ones; of each the entry that stays."""
    own = await survivor(session, matter.client_id)
    return [own, *await joint_clients(session, matter.matter_id)]


async def joint_matters_of(session: AsyncSession, client_ids: Collection[UUID]) -> frozenset[UUID]:
    """The matters of these clients that have, or had, joint clients."""
    found = await session.execute(
        select(col(JointClient.matter_id))
        .join(Matter, col(Matter.matter_id) == col(JointClient.matter_id))
        .where(col(Matter.client_id).in_(client_ids))
    )
    return frozenset(found.scalars())


async def matters_numbered(session: AsyncSession, numbers: Collection[str]) -> list[Matter]:
    if not numbers:
        return []
    found = await session.execute(select(Matter).where(col(Matter.number).in_(list(numbers))))
    return list(found.scalars())


async def point_of_contact(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None, at: datetime
) -> UUID | None:
    """The member of staff: the matter's, else the client's; None if nobody was told to us yet."""
    stays = await survivor(session, client_id)
    found = await session.execute(
        select(col(PointOfContact.staff_id))
        .where(
            (col(PointOfContact.matter_id) == matter_id)
            | (col(PointOfContact.matter_id).is_(None) & (col(PointOfContact.client_id) == stays)),
            col(PointOfContact.from_at) <= at,
        )
        .order_by(
            col(PointOfContact.matter_id).is_(None),
            col(PointOfContact.from_at).desc(),
            col(PointOfContact.assignment_id).desc(),
        )
        .limit(1)
    )
    staff_id: UUID | None = found.scalar_one_or_none()
    return staff_id


_ACTING = text("""
    SELECT COALESCE(
        (SELECT away.stand_in_id FROM absences away
         WHERE away.staff_id = :staff_id AND NOT away.cancelled
            AND away.from_at <= :at AND away.until_at > :at
         ORDER BY away.from_at DESC, away.absence_id DESC LIMIT 1),
        (SELECT left_us.stand_in_id FROM staff left_us
         WHERE left_us.staff_id = :staff_id AND NOT left_us.active),
        CAST(:staff_id AS uuid))
""")


async def acting(session: AsyncSession, staff_id: UUID, at: datetime) -> UUID:
    """Who acts for this person at that instant: themselves, who covers their absence, or the
    stand-in of one who has left. Nobody who covers is away (matters' own promise)."""
    found = await session.execute(_ACTING, {"staff_id": staff_id, "at": at})
    who: UUID = found.scalar_one()
    return who


class Seen(NamedTuple):
    """Clients whose messages somebody sees, and matters whose messages they see, whoever wrote."""

    clients: frozenset[UUID]
    matters: frozenset[UUID] = frozenset()


class Closed(NamedTuple):
    """Clients and matters behind walls that are closed to somebody."""

    clients: frozenset[UUID]
    matters: frozenset[UUID]


_CLOSED = text("""
    SELECT client_id, matter_id FROM walls
    WHERE NOT lowered AND CASE kind
        WHEN 'screen' THEN COALESCE(CAST(:staff_id AS uuid) = ANY (staff_ids), false)
        ELSE NOT :keeps_walls AND NOT COALESCE(CAST(:staff_id AS uuid) = ANY (staff_ids), false) END
""")


async def closed_to(session: AsyncSession, staff_id: UUID | None, *, keeps_walls: bool) -> Closed:
    """Whoever is not in the directory stands outside of every need-to-know wall. A wall around one
    entry of a client stands around all."""
    asked = {"staff_id": staff_id, "keeps_walls": keeps_walls}
    rows = (await session.execute(_CLOSED, asked)).all()
    around = [client_id for client_id, matter_id in rows if matter_id is None]
    return Closed(
        await entries(session, around) if around else frozenset(),
        frozenset(matter_id for _, matter_id in rows if matter_id is not None),
    )


_CLIENTS_OF = text("""
    SELECT DISTINCT contact.client_id FROM (
        SELECT DISTINCT ON (client_id, matter_id) * FROM points_of_contact WHERE from_at <= :now
        ORDER BY client_id, matter_id, from_at DESC, assignment_id DESC) contact
    LEFT JOIN staff ON staff.staff_id = contact.staff_id
    LEFT JOIN absences away ON away.staff_id = contact.staff_id AND NOT away.cancelled
        AND away.from_at <= :now AND away.until_at > :now
    WHERE :staff_id IN (contact.staff_id, contact.stand_in_id, staff.stand_in_id,
                        staff.supervisor_id, away.stand_in_id)
""")


async def clients_of(session: AsyncSession, staff_id: UUID) -> frozenset[UUID]:
    """The clients on whose team this person is: point of contact, stand-in, who covers an
    absence, or supervisor."""
    rows = await session.execute(_CLIENTS_OF, {"staff_id": staff_id, "now": clock.now()})
    return await entries(session, list(rows.scalars()))
