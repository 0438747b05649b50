"""Questions about matters."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.contacts.models import PointOfContact
from matters.contacts.queries import covers, now
from matters.matters.models import Matter
from shared.errors import Refusal


class MatterClosed(Refusal):
    """The matter is closed: nothing happens in it any more, and nothing is owed."""


def require_open(matter: Matter) -> None:
    if matter.closed_at is not None:
        raise MatterClosed("The matter is closed: nothing happens in it any more.")


async def hold(session: AsyncSession, matter: Matter) -> None:
    """Nobody closes, joins or leaves it before this transaction ends; what is done in it at once
    shares. Before anything of the matter's own is locked: everybody takes them in this order."""
    await session.refresh(matter, with_for_update={"read": True})


async def hold_open(session: AsyncSession, matter: Matter) -> None:
    """Likewise; raises MatterClosed."""
    await hold(session, matter)
    require_open(matter)


def with_contact() -> Select[Matter, UUID]:
    """Rows of (matter, id of the point of contact now)."""
    its = col(PointOfContact.subject_id) == col(Matter.matter_id)
    return select(Matter, col(PointOfContact.staff_id)).join(PointOfContact, its & covers(now()))
