"""Questions about matters."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.contacts.models import PointOfContact
from matters.contacts.queries import covers, now
from matters.matters.models import Matter
from shared.errors import NotFound, Refusal


class MatterClosed(Refusal):
    """The matter is closed: nothing happens in it any more, and nothing is owed."""


def require_open(matter: Matter) -> None:
    if matter.closed_at is not None:
        raise MatterClosed("The matter is closed: nothing happens in it any more.")


async def client_of(session: AsyncSession, matter_id: UUID) -> UUID:
    """Whose matter it is; raises NotFound, in the words for one that the caller may not see."""
    matter = await session.get(Matter, matter_id)
    if matter is None:
        raise NotFound("There is nothing here that you may see.")
    return matter.client_id


def with_contact() -> Select[Matter, UUID]:
    """Rows of (matter, id of the point of contact now)."""
    its = col(PointOfContact.subject_id) == col(Matter.matter_id)
    return select(Matter, col(PointOfContact.staff_id)).join(PointOfContact, its & covers(now()))
