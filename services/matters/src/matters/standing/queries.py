"""Everything about one matter that a client may ask for, in a fixed number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.decisions.queries as decisions
import matters.owed.queries as clocks
import matters.updates.queries as updates
from matters.assessments.models import Assessment
from matters.decisions.models import Decision, DecisionQuestion
from matters.matters.models import Matter
from matters.milestones.models import Happening
from matters.owed.models import Owed
from matters.staff.models import StaffMember
from matters.updates.models import ProgressUpdate, UpdateRequest


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Rows as they are; who reads them words them."""

    updates: Sequence[ProgressUpdate]
    decisions: Sequence[Decision]
    assessments: Sequence[Assessment]
    happenings: Mapping[UUID, Happening]
    owed: Sequence[Owed]
    asked: UpdateRequest | None
    questions: Sequence[DecisionQuestion]
    people: Mapping[UUID, str]


async def standing(session: AsyncSession, matter: Matter) -> Standing:
    matter_id = matter.matter_id
    told = await session.execute(
        select(ProgressUpdate)
        .where(col(ProgressUpdate.matter_id) == matter_id)
        .order_by(col(ProgressUpdate.update_id))
    )
    put = await session.execute(
        select(Decision)
        .where(col(Decision.matter_id) == matter_id)
        .order_by(col(Decision.decision_id))
    )
    seen = await session.execute(
        select(Assessment)
        .where(col(Assessment.matter_id) == matter_id)
        .order_by(col(Assessment.version))
    )
    happened = await session.execute(
        select(Happening)
        .where(col(Happening.matter_id) == matter_id, col(Happening.reverted_at).is_(None))
        .order_by(col(Happening.at))
    )
    found = Standing(
        updates=told.scalars().all(),
        decisions=put.scalars().all(),
        assessments=seen.scalars().all(),
        happenings={one.happening_id: one for one in happened.scalars()},
        owed=await clocks.in_matter(session, matter_id),
        asked=await updates.open_request(session, matter_id),
        questions=await decisions.unanswered_in(session, matter_id),
        people={},
    )
    return Standing(**vars(found) | {"people": await _names(session, found)})


def last_told(found: Standing) -> datetime | None:
    return max((one.sent_at for one in found.updates if one.sent_at), default=None)


async def _names(session: AsyncSession, found: Standing) -> dict[UUID, str]:
    """Of everybody of the firm who told or asked something."""
    people = {one.approved_by for one in found.updates}
    people |= {one.requested_by for one in found.decisions}
    people |= {one.shared_by for one in found.assessments}
    rows = await session.execute(
        select(col(StaffMember.staff_id), col(StaffMember.name)).where(
            col(StaffMember.staff_id).in_([one for one in people if one])
        )
    )
    return {staff_id: name for staff_id, name in rows}
