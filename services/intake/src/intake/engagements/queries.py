"""Questions about agreements."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.conflicts.models import ConflictCheck
from intake.engagements.models import Engagement, Signer
from intake.engagements.terms import Terms
from shared.contracts import Sealed
from shared.errors import NotFound
from shared.keyring import unseal


async def engagement(
    session: AsyncSession, engagement_id: UUID, *, locked: bool = False
) -> Engagement:
    """`locked`: of two who act at once the second sees what the first did."""
    found = await session.get(
        Engagement, engagement_id, with_for_update=locked or None, populate_existing=locked
    )
    if found is None:
        raise NotFound("There is nothing here that you may see.")
    return found


async def signers(session: AsyncSession, engagement_id: UUID) -> list[Signer]:
    found = await session.execute(
        select(Signer)
        .where(col(Signer.engagement_id) == engagement_id)
        .order_by(col(Signer.position))
    )
    return list(found.scalars())


def of_client(entries: Collection[UUID]) -> ColumnElement[bool]:
    """What a client of these entries agreed to: as who asked, or as a joint client by it."""
    jointly = select(col(Signer.engagement_id)).where(col(Signer.client_id).in_(entries))
    return col(Engagement.client_id).in_(entries) | col(Engagement.engagement_id).in_(jointly)


async def is_of_client(
    session: AsyncSession, engagement_id: UUID, entries: Collection[UUID]
) -> bool:
    """A draft is nothing to a client: no partner has approved it."""
    found = await session.execute(
        select(col(Engagement.engagement_id)).where(
            col(Engagement.engagement_id) == engagement_id,
            col(Engagement.state) != "draft",
            of_client(entries),
        )
    )
    return found.first() is not None


async def joint_signers(session: AsyncSession, matter_id: UUID) -> list[Signer]:
    """Who signed, or are to sign, as joint clients in the agreement that opens the matter."""
    found = await session.execute(
        select(Signer)
        .join(Engagement, col(Engagement.engagement_id) == col(Signer.engagement_id))
        .where(col(Engagement.matter_id) == matter_id, col(Signer.client_id).is_not(None))
        .order_by(col(Signer.position))
    )
    return list(found.scalars())


async def signer(session: AsyncSession, signer_id: UUID) -> Signer:
    found = await session.get(Signer, signer_id)
    if found is None:
        raise NotFound("There is nothing here that you may see.")
    return found


def terms_of(session: AsyncSession, row: Engagement) -> Terms:
    """The client's key must be held."""
    sealed = Sealed.model_validate(row.terms)
    return Terms.model_validate(orjson.loads(unseal(session, sealed)))


def evidence_of(session: AsyncSession, one: Signer) -> dict[str, Any]:
    evidence: dict[str, Any] = orjson.loads(unseal(session, Sealed.model_validate(one.evidence)))
    return evidence


async def alive(session: AsyncSession, consultation_id: UUID, amends: UUID | None) -> bool:
    """Whether there is one that was not declined, let expire or ended; of the amendments of an
    agreement when `amends` names it, else of the consultation itself."""
    found = await session.execute(
        select(col(Engagement.engagement_id))
        .where(
            col(Engagement.consultation_id) == consultation_id,
            col(Engagement.amends).is_not_distinct_from(amends),
            col(Engagement.state).not_in(("declined", "expired", "ended")),
        )
        .limit(1)
    )
    return found.first() is not None


async def offered(session: AsyncSession, consultation_id: UUID) -> list[Engagement]:
    """Those that came of this consultation and were sent to be signed, or are in force."""
    found = await session.execute(
        select(Engagement).where(
            col(Engagement.consultation_id) == consultation_id,
            col(Engagement.state).in_(("proposed", "accepted", "countersigned", "signed")),
        )
    )
    return list(found.scalars())


def every() -> Select[Engagement]:
    return select(Engagement)


async def to_expire(session: AsyncSession, now: Any) -> list[Engagement]:
    found = await session.execute(
        select(Engagement)
        .where(col(Engagement.state) == "proposed", col(Engagement.expires_at) <= now)
        .order_by(col(Engagement.expires_at))
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    return list(found.scalars())


async def to_seal(session: AsyncSession) -> list[Engagement]:
    """Counter-signed, and no conflict came to light since."""
    its_own = col(ConflictCheck.consultation_id) == col(Engagement.consultation_id)
    found = await session.execute(
        select(Engagement)
        .join(ConflictCheck, its_own)
        .where(col(Engagement.state) == "countersigned", col(ConflictCheck.state) != "possible")
        .order_by(col(Engagement.countersigned_at))
        .limit(20)
    )
    return list(found.scalars())
