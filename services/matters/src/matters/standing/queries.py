"""Everything about one matter that a client may ask for, in a fixed number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.decisions.queries as decisions
import matters.files.queries as files
import matters.milestones.queries as milestones
import matters.owed.queries as clocks
import matters.staff.queries as staff
import matters.told.queries as told
from matters.assessments.models import Assessment
from matters.decisions.models import Decision, DecisionQuestion
from matters.files.queries import Given
from matters.matters.models import Matter
from matters.milestones.models import Happening
from matters.owed.models import Owed
from matters.told.models import Telling
from matters.updates.models import ProgressUpdate
from matters.updates.queries import light

R = TypeVar("R", ProgressUpdate, Decision, Assessment)
MOST = 200


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Rows as they are; who reads them words them. `people` are names of who told or asked."""

    updates: Sequence[ProgressUpdate]
    decisions: Sequence[Decision]
    assessments: Sequence[Assessment]
    tellings: Sequence[Telling]
    given: Given | None
    last_telling: datetime | None
    ahead: Sequence[Happening]
    owed: Sequence[Owed]
    questions: Sequence[DecisionQuestion]
    people: Mapping[UUID, str]

    @property
    def last_told(self) -> datetime | None:
        """When the client last heard of it from a person, as the update clock has it (ADR-0019)."""
        instants = [one.sent_at for one in self.updates]
        instants += [one.requested_at for one in self.decisions]
        return max((one for one in [*instants, self.last_telling] if one), default=None)


async def standing(session: AsyncSession, matter: Matter, now: datetime) -> Standing:
    matter_id = matter.matter_id
    updates = await _newest(session, light(bodies=False), ProgressUpdate, matter_id)
    put = await _newest(session, select(Decision), Decision, matter_id)
    seen = await _newest(session, select(Assessment), Assessment, matter_id)
    tellings = await told.newest(session, matter_id)
    given = await files.last_given(session, matter_id)
    told_by = {one.approved_by for one in updates} | {one.staff_id for one in tellings}
    told_by |= {one.requested_by for one in put} | {one.shared_by for one in seen}
    told_by |= {given.handover.given_by} if given else set()
    return Standing(
        updates=updates,
        decisions=put,
        assessments=seen,
        tellings=tellings,
        given=given,
        last_telling=await told.last_that_counts(session, matter_id, tellings),
        ahead=await milestones.ahead(session, matter_id, now),
        owed=await clocks.in_matter(session, matter_id),
        questions=await decisions.unanswered_in(session, matter_id) if put else (),
        people=await staff.names(session, {one for one in told_by if one}),
    )


async def _newest(
    session: AsyncSession, wanted: Select[R], of: type[R], matter_id: UUID
) -> Sequence[R]:
    """By their ids, which are in the order of making; the matter's timeline has the older ones."""
    its, (key,) = col(of.matter_id) == matter_id, inspect(of).primary_key
    found = await session.execute(wanted.where(its).order_by(key.desc()).limit(MOST))
    return found.scalars().all()
