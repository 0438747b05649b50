"""Questions about consultations."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import intake.directory.queries as directory
import intake.names.queries as names
from intake.consultations.models import Consultation, Party
from shared.contracts import Sealed
from shared.errors import NotFound
from shared.keyring import unseal

SAME_PERSON = 0.93
NOTHING = "There is nothing here that you may see."


async def consultation(
    session: AsyncSession, consultation_id: UUID, *, locked: bool = False
) -> Consultation:
    """Raises NotFound in the words for one that the caller may not see. `locked`: of two who act at
    once the second sees what the first did."""
    found = await session.get(Consultation, consultation_id, with_for_update=locked or None)
    if found is None:
        raise NotFound(NOTHING)
    return found


def limitation_dates(session: AsyncSession, row: Consultation) -> list[str]:
    """As they were noted; none before the consultation was held. The client's key must be held."""
    if row.note is None:
        return []
    dates: list[str] = orjson.loads(unseal(session, Sealed.model_validate(row.note)))[
        "limitation_dates"
    ]
    return dates


_BELONGS_TO = text("""
    SELECT consultation_id FROM consultations WHERE consultation_id = :subject_id
    UNION ALL SELECT consultation_id FROM information_requests WHERE request_id = :subject_id
    UNION ALL SELECT consultation_id FROM engagements WHERE engagement_id = :subject_id
""")


async def belongs_to(session: AsyncSession, subject_id: UUID) -> UUID:
    """The consultation that this is, was asked for in, or came of it; NotFound once it was
    erased."""
    found = await session.execute(_BELONGS_TO, {"subject_id": subject_id})
    consultation_id: UUID | None = found.scalar_one_or_none()
    if consultation_id is None:
        raise NotFound(NOTHING)
    return consultation_id


async def parties(session: AsyncSession, consultation_id: UUID) -> list[Party]:
    found = await session.execute(
        select(Party)
        .where(col(Party.consultation_id) == consultation_id)
        .order_by(col(Party.party_id))
    )
    return list(found.scalars())


async def oldest_of(session: AsyncSession, count: int, *, since: datetime) -> datetime | None:
    """When the first of the last `count` strangers asked by the form; None for fewer since then."""
    found = await session.execute(
        select(col(Consultation.requested_at))
        .where(col(Consultation.source) == "form", col(Consultation.requested_at) >= since)
        .order_by(col(Consultation.requested_at).desc())
        .offset(count - 1)
        .limit(1)
    )
    return found.scalar_one_or_none()


def seen_by(staff_id: UUID | None, caller_id: UUID) -> Any:
    """Whose consultation it is: who is the contact, who holds it, who took it."""
    its_own = col(Consultation.taken_by) == caller_id
    if staff_id is None:
        return its_own
    contact = col(Consultation.point_of_contact_id) == staff_id
    return its_own | contact | (col(Consultation.staff_id) == staff_id)


def newest() -> Select[Consultation]:
    return select(Consultation)


async def duplicates(session: AsyncSession, row: Consultation) -> list[tuple[UUID, str]]:
    """Who may be the same person, and why: for a person to decide, nothing is joined by itself."""
    if row.name is None:
        return []
    found = dict(await directory.same_address(session, row.email, row.phone))
    for near in await names.near(session, row.name):
        same_side = near.role in ("client", "prospect") and near.score >= SAME_PERSON
        if same_side and near.client_id is not None:
            found.setdefault(near.client_id, near.because)
    found.pop(row.client_id, None)
    return list(found.items())
