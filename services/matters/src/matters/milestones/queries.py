"""Plans in force, and what happened in a matter."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.milestones.models import Happening, PlanVersion
from matters.milestones.rules import Plan, shipped

MOST_AHEAD = 100


async def plan(session: AsyncSession, area: str) -> tuple[int, Plan] | None:
    """The newest version of the area's plan; None where there is none yet."""
    newest = select(func.max(PlanVersion.version)).where(col(PlanVersion.area) == area)
    version = (await session.execute(newest)).scalar_one()
    if version is not None:
        found = await plan_version(session, area, version)
        return (version, found) if found else None
    built_in = shipped(area)
    return (1, built_in) if built_in else None


async def plan_version(session: AsyncSession, area: str, version: int) -> Plan | None:
    if version == 1:
        return shipped(area)
    row = await session.get(PlanVersion, (area, version))
    return Plan.model_validate(row.document) if row else None


async def happenings(session: AsyncSession, matter_id: UUID) -> Sequence[Happening]:
    """What was not taken back, in the order of entering."""
    found = await session.execute(
        select(Happening)
        .where(col(Happening.matter_id) == matter_id, col(Happening.reverted_at).is_(None))
        .order_by(col(Happening.happening_id))
    )
    return found.scalars().all()


async def ahead(session: AsyncSession, matter_id: UUID, now: datetime) -> Sequence[Happening]:
    """Deadlines that were neither met nor called off, the next first."""
    found = await session.execute(
        select(Happening)
        .where(
            col(Happening.matter_id) == matter_id,
            col(Happening.kind) == "deadline",
            col(Happening.reverted_at).is_(None),
            col(Happening.met_at).is_(None),
            col(Happening.at) > now,
        )
        .order_by(col(Happening.at), col(Happening.happening_id))
        .limit(MOST_AHEAD)
    )
    return found.scalars().all()


async def locked(session: AsyncSession, happening_id: UUID) -> Happening | None:
    """Who at the same time writes an update that names it need not wait, for they may hold what is
    waited for here."""
    return await session.get(Happening, happening_id, with_for_update={"key_share": True})


async def untold(session: AsyncSession, until: datetime, limit: int) -> Sequence[Happening]:
    """Those whose undo window has passed; others' are left out."""
    found = await session.execute(
        select(Happening)
        .where(
            col(Happening.tells_at) <= until,
            col(Happening.told_revision) < col(Happening.revision),
        )
        .order_by(col(Happening.tells_at), col(Happening.happening_id))
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return found.scalars().all()
