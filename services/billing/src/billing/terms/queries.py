"""Which terms are in force for a matter at an instant, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries as directory
from billing.directory.models import BilledMatter
from billing.terms.models import FeeAcceptance, FeeAgreement, FeeTerms
from billing.terms.rules import Terms
from shared.contracts import Sealed
from shared.errors import NotFound
from shared.keyring import unseal


@dataclass(frozen=True)
class InForce:
    """A version that binds: which, since when it was accepted (None: only disclosed), and what it
    says."""

    terms_id: UUID
    version: int
    accepted_at: datetime | None
    terms: Terms


def client_of(terms_id: UUID) -> Select[UUID]:
    return select(col(FeeAgreement.client_id)).where(col(FeeAgreement.terms_id) == terms_id)


async def agreement(session: AsyncSession, terms_id: UUID, *, lock: bool = False) -> FeeAgreement:
    """Raises NotFound, in the words for one that the caller may not see."""
    wanted = select(FeeAgreement).where(col(FeeAgreement.terms_id) == terms_id)
    found = await session.execute(wanted.with_for_update() if lock else wanted)
    row = found.scalar_one_or_none()
    if row is None:
        raise NotFound("There is nothing here that you may see.")
    return row


async def version(session: AsyncSession, terms_id: UUID, number: int) -> FeeTerms:
    row = await session.get(FeeTerms, (terms_id, number))
    if row is None:
        raise NotFound("There is nothing here that you may see.")
    return row


async def acceptance(session: AsyncSession, terms_id: UUID, number: int) -> FeeAcceptance | None:
    return await session.get(FeeAcceptance, (terms_id, number))


async def in_force(session: AsyncSession, matter: BilledMatter, at: datetime) -> InForce | None:
    """What the client had accepted by then: the matter's own terms before standing ones, and of
    several versions the one accepted last. The keys of all entries of the client must be held."""
    found = await session.execute(
        select(FeeTerms, col(FeeAcceptance.accepted_at))
        .join(FeeAgreement, col(FeeAgreement.terms_id) == col(FeeTerms.terms_id))
        .join(
            FeeAcceptance,
            (col(FeeAcceptance.terms_id) == col(FeeTerms.terms_id))
            & (col(FeeAcceptance.version) == col(FeeTerms.version)),
        )
        .where(_covers(matter), col(FeeAcceptance.accepted_at) <= at)
        .order_by(
            col(FeeAgreement.matter_id).is_(None),
            col(FeeAcceptance.accepted_at).desc(),
            col(FeeTerms.version).desc(),
        )
        .limit(1)
    )
    row = found.one_or_none()
    return None if row is None else _in_force(session, row[0], row[1])


async def disclosed(session: AsyncSession, matter: BilledMatter) -> InForce | None:
    """The newest terms that were explained for the matter, accepted or not."""
    row = (await session.execute(_newest(matter, FeeTerms))).scalar_one_or_none()
    return None if row is None else _in_force(session, row, None)


async def currency(session: AsyncSession, matter: BilledMatter) -> str | None:
    """Of the newest terms that were explained for the matter; no key is needed for it."""
    found = await session.execute(_newest(matter, col(FeeTerms.currency)))
    known: str | None = found.scalar_one_or_none()
    return known


async def amended(session: AsyncSession, matter: BilledMatter) -> Sequence[FeeTerms]:
    """Every version after the first, oldest first."""
    found = await session.execute(
        select(FeeTerms)
        .join(FeeAgreement, col(FeeAgreement.terms_id) == col(FeeTerms.terms_id))
        .where(_covers(matter), col(FeeTerms.version) > 1)
        .order_by(col(FeeTerms.disclosed_at))
    )
    return found.scalars().all()


def terms_of(session: AsyncSession, row: FeeTerms) -> Terms:
    return Terms.model_validate_json(unseal(session, Sealed.model_validate(row.document)))


def _newest(matter: BilledMatter, *wanted: Any) -> Select[Any]:
    return (
        select(*wanted)
        .select_from(FeeTerms)
        .join(FeeAgreement, col(FeeAgreement.terms_id) == col(FeeTerms.terms_id))
        .where(_covers(matter), col(FeeTerms.version) == col(FeeAgreement.version))
        .order_by(col(FeeAgreement.matter_id).is_(None), col(FeeTerms.disclosed_at).desc())
        .limit(1)
    )


def _covers(matter: BilledMatter) -> ColumnElement[bool]:
    theirs = col(FeeAgreement.client_id).in_(directory.entries_of(matter.client_id))
    standing = col(FeeAgreement.matter_id).is_(None) & theirs
    areas = col(FeeTerms.practice_areas)
    return or_(
        col(FeeAgreement.matter_id) == matter.matter_id,
        standing & ((areas == []) | areas.contains([matter.practice_area])),
    )


def _in_force(session: AsyncSession, row: FeeTerms, accepted_at: datetime | None) -> InForce:
    return InForce(row.terms_id, row.version, accepted_at, terms_of(session, row))
