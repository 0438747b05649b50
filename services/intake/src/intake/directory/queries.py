"""Questions to the directory."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import CTE, column, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.directory.models import Client, Firm, MergedClient, PointOfContact, Staff
from shared import clock
from shared.auth import CallerIdentity
from shared.contracts import FIRM_ID
from shared.errors import Invalid, Refusal

ANYWHERE = "UTC"


class ClientMerged(Refusal):
    """This entry was merged into another: work with that one."""


async def firm(session: AsyncSession) -> Firm | None:
    return await session.get(Firm, FIRM_ID)


async def firm_name(session: AsyncSession) -> str:
    known = await firm(session)
    return known.name if known else "The firm"


async def time_zone(session: AsyncSession) -> str:
    known = await firm(session)
    return known.time_zone if known else ANYWHERE


async def client(session: AsyncSession, client_id: UUID) -> Client | None:
    return await session.get(Client, client_id)


async def survivor(session: AsyncSession, client_id: UUID) -> UUID:
    """The entry that stays, which is mostly this one."""
    merged = await session.get(MergedClient, client_id)
    return merged.client_id if merged else client_id


async def entries(session: AsyncSession, client_id: UUID | None) -> set[UUID]:
    """All entries of this client: what is recorded of any of them is read together."""
    if client_id is None:
        return set()
    stays = await survivor(session, client_id)
    merged = await session.execute(
        select(col(MergedClient.merged_id)).where(col(MergedClient.client_id) == stays)
    )
    return {stays, *merged.scalars()}


# Whoever is not in the directory stands outside of every need-to-know wall; a wall around one entry
# of a client stands around all.
_CLOSED = text("""
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
""")


def closed_to(caller: CallerIdentity) -> CTE:
    """What stands behind walls for somebody of the firm, for a query to leave out: a client as a
    whole, under each of their entries, where `matter_id` is null, else that matter."""
    asked = {"email": caller.email or "", "keeps_walls": caller.role == "compliance"}
    closed = _CLOSED.bindparams(**asked).columns(column("client_id"), column("matter_id"))
    return closed.cte("closed")


def unknown(client_id: UUID) -> Invalid:
    """Also of who stands behind a wall: the two are not told apart."""
    return Invalid(f"There is no client {client_id}.")


async def unmerged(session: AsyncSession, client_id: UUID) -> Client | None:
    """Who may be given something new. Raises ClientMerged."""
    stays = await survivor(session, client_id)
    if stays != client_id:
        raise ClientMerged(
            "This entry was merged into another: work with that one.", client_id=str(stays)
        )
    return await client(session, client_id)


async def active_staff(session: AsyncSession, staff_id: UUID) -> Staff:
    """Raises Invalid for who cannot be given work."""
    found = await session.get(Staff, staff_id)
    if found is None or not found.active:
        raise Invalid(f"There is no active member of staff {staff_id}.")
    return found


async def any_of_the_firm(session: AsyncSession, emails: Collection[str]) -> bool:
    """Whether one of these addresses is that of somebody who works or worked here."""
    found = await session.execute(
        select(col(Staff.staff_id)).where(col(Staff.email).in_(emails)).limit(1)
    )
    return found.first() is not None


async def in_charge(session: AsyncSession) -> list[UUID]:
    """The managing partners; every partner where nobody manages."""
    found = await session.execute(
        select(Staff)
        .where(col(Staff.role) == "partner", col(Staff.active))
        .order_by(col(Staff.staff_id))
    )
    partners = list(found.scalars())
    managing = [one.staff_id for one in partners if one.managing_partner]
    return managing or [one.staff_id for one in partners]


async def staff_id_of(session: AsyncSession, caller: CallerIdentity) -> UUID | None:
    """The caller's own entry in the directory."""
    found = await session.execute(
        select(col(Staff.staff_id)).where(col(Staff.email) == caller.email, col(Staff.active))
    )
    return found.scalars().first()


async def name_of(session: AsyncSession, caller: CallerIdentity) -> str:
    """As clients may read it. Raises Invalid: who acts for the firm is of its directory."""
    staff_id = await staff_id_of(session, caller)
    if staff_id is None:
        raise Invalid("Only who is in the firm's directory of staff can do this.")
    return (await active_staff(session, staff_id)).name


async def point_of_contact(session: AsyncSession, client_id: UUID) -> UUID | None:
    """The client's own, as last heard of."""
    found = await session.execute(
        select(col(PointOfContact.staff_id))
        .where(
            col(PointOfContact.client_id) == client_id,
            col(PointOfContact.matter_id).is_(None),
            col(PointOfContact.from_at) <= clock.now(),
        )
        .order_by(col(PointOfContact.from_at).desc())
        .limit(1)
    )
    return found.scalars().first()


async def same_address(
    session: AsyncSession, email: str | None, phone: str | None
) -> list[tuple[UUID, str]]:
    """Clients who are reached in the same way, and why they are shown."""
    found = await session.execute(
        select(Client).where(
            (col(Client.email) == email)
            | ((col(Client.phone) == phone) & col(Client.phone).is_not(None))
        )
    )
    return [
        (one.client_id, "same email address" if one.email == email else "same phone number")
        for one in found.scalars()
    ]
