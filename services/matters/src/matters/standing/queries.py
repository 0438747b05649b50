"""Everything about one matter that a client may ask for, in a fixed number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from matters.clients.models import Client
from matters.decisions.models import Decision, DecisionQuestion
from matters.files.queries import Given
from matters.joint_clients.models import MatterClient
from matters.matters.models import Matter
from matters.milestones.models import Happening
from matters.owed.models import Owed
from matters.tables import ClientRow
from matters.told.models import Telling
from matters.updates.models import ProgressUpdate
from matters.updates.queries import light

R = TypeVar("R", ProgressUpdate, Decision, Assessment)
T = TypeVar("T", bound=ClientRow)
MOST = 200


@dataclass(frozen=True)
class Member:
    """A client of the matter, who left it if `left_at` says so."""

    name: str
    left_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Rows as they are; who reads them words them. `people` are names of who told or asked and of
    who answers, `members` the matter's clients with theirs, also those who left; `only` whose this
    is, if it is of one."""

    matter: Matter
    contact_id: UUID
    members: Mapping[UUID, Member]
    only: UUID | None = None
    updates: Sequence[ProgressUpdate]
    decisions: Sequence[Decision]
    assessments: Sequence[Assessment]
    tellings: Sequence[Telling]
    given: Given | None
    last_tellings: Mapping[UUID, datetime]
    ahead: Sequence[Happening]
    owed: Sequence[Owed]
    questions: Sequence[DecisionQuestion]
    people: Mapping[UUID, str]

    def whose(self, row: ClientRow) -> UUID:
        """The joint client's whom it names; all else is the matter's own client's, also what an
        entry was told that is one with theirs now."""
        return self._client(row.client_id)

    def _client(self, entry: UUID) -> UUID:
        return entry if entry in self.members else self.matter.client_id

    def of(self, client_id: UUID) -> "Standing":
        """What concerns this one of the matter's clients."""

        def theirs(rows: Sequence[T]) -> Sequence[T]:
            return [one for one in rows if self.whose(one) == client_id]

        return replace(
            self,
            only=client_id,
            members={client_id: self.members[client_id]},
            updates=theirs(self.updates),
            decisions=theirs(self.decisions),
            assessments=theirs(self.assessments),
            tellings=theirs(self.tellings),
            owed=theirs(self.owed),
            questions=theirs(self.questions),
        )

    @property
    def last_told(self) -> datetime | None:
        """When the client last heard of it from a person, as the update clock has it (ADR-0019); of
        joint ones the one whose silence is longest, None if one of them never did."""
        last: dict[UUID, datetime] = {}
        heard = [(self.whose(one), one.sent_at) for one in self.updates if one.sent_at]
        heard += [(self.whose(one), one.requested_at) for one in self.decisions]
        heard += [(self._client(entry), at) for entry, at in self.last_tellings.items()]
        for client_id, at in heard:
            last[client_id] = max(at, last.get(client_id, at))
        present = {client_id for client_id, one in self.members.items() if one.left_at is None}
        instants = [last.get(one) for one in ({self.only} if self.only else present)]
        return min((one for one in instants if one), default=None) if all(instants) else None


async def standing(
    session: AsyncSession, matter: Matter, contact_id: UUID, now: datetime
) -> Standing:
    matter_id = matter.matter_id
    updates = await _newest(session, light(bodies=False), ProgressUpdate, matter_id)
    put = await _newest(session, select(Decision), Decision, matter_id)
    seen = await _newest(session, select(Assessment), Assessment, matter_id)
    tellings = await told.newest(session, matter_id)
    given = await files.last_given(session, matter_id)
    told_by = (
        {contact_id} | {one.approved_by for one in updates} | {one.staff_id for one in tellings}
    )
    told_by |= {one.requested_by for one in put} | {one.shared_by for one in seen}
    told_by |= {given.handover.given_by} if given else set()
    last = await told.last_that_counts(session, matter_id, tellings)
    return Standing(
        matter=matter,
        contact_id=contact_id,
        members=await _members(session, matter_id),
        updates=updates,
        decisions=put,
        assessments=seen,
        tellings=tellings,
        given=given,
        last_tellings=last,
        ahead=await milestones.ahead(session, matter_id, now),
        owed=await clocks.in_matter(session, matter_id),
        questions=await decisions.unanswered_in(session, matter_id),
        people=await staff.names(session, {one for one in told_by if one}),
    )


async def _members(session: AsyncSession, matter_id: UUID) -> dict[UUID, Member]:
    """The matter's own client first, then those who joined, in the order of joining."""
    found = await session.execute(
        select(col(Client.client_id), col(Client.name), col(MatterClient.left_at))
        .join(MatterClient, col(MatterClient.client_id) == col(Client.client_id))
        .where(col(MatterClient.matter_id) == matter_id)
        .order_by(
            col(MatterClient.membership_id) != col(MatterClient.matter_id),
            col(MatterClient.membership_id),
        )
    )
    return {client_id: Member(name, left_at) for client_id, name, left_at in found}


async def _newest(
    session: AsyncSession, wanted: Select[R], of: type[R], matter_id: UUID
) -> Sequence[R]:
    """By their ids, which are in the order of making; the matter's timeline has the older ones."""
    its, (key,) = col(of.matter_id) == matter_id, inspect(of).primary_key
    found = await session.execute(wanted.where(its).order_by(key.desc()).limit(MOST))
    return found.scalars().all()
