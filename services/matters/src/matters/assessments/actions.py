"""Share how the firm sees a case, and note that the client read it."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import matters.joint_clients.queries as joint_clients
import matters.updates.actions as updates
import matters.updates.queries as written
import matters.writings.queries as writings
from matters.assessments import queries
from matters.assessments.models import Assessment, Channel
from matters.assessments.rules import SUBJECT, View, letter, require_no_promise
from matters.matters.models import Matter
from matters.matters.queries import require_open
from matters.staff.models import StaffMember
from shared import clock
from shared.contracts.matters import CaseAssessmentAcknowledged, CaseAssessmentShared
from shared.errors import Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class SharedMeanwhile(Refusal):
    """Somebody else shared a version at the same time: read it, then write again."""


class AnotherIsNewest(Refusal):
    """The client read an assessment that is no longer the newest: show them that one."""


async def share(
    session: AsyncSession, matter: Matter, view: View, *, follows: int, by: UUID
) -> Assessment:
    """The next version after the one that its author read, sent as a letter that asks each client
    of the matter to acknowledge it. Returns the matter's own client's. Raises PromisesOutcome with
    the sentence, and SharedMeanwhile. The clients' keys must be held."""
    require_no_promise(*asdict(view).values())
    await session.refresh(matter, with_for_update=True)
    require_open(matter)
    if await queries.newest_version(session, matter.matter_id) != follows:
        raise SharedMeanwhile("Another version was shared meanwhile: read it, then write again.")
    now = await clock.database_now(session)
    shared = [
        _share(session, matter.matter_id, client_id, view, follows + 1, by, now)
        for client_id in await joint_clients.whom_to_tell(session, matter)
    ]
    names = await written.names(session, matter)
    author = await session.get_one(StaffMember, by)
    words = letter(view, follows + 1, client=names, author=author.name)
    await updates.write_letter(session, matter, f"{SUBJECT}: {matter.title}", words, by=by)
    return shared[0]


def _share(
    session: AsyncSession,
    matter_id: UUID,
    client_id: UUID,
    view: View,
    version: int,
    by: UUID,
    now: datetime,
) -> Assessment:
    assessment_id = new_id()
    sealed = {
        name: seal(session, client_id, assessment_id, "assessment", name, words)
        for name, words in asdict(view).items()
    }
    assessment = Assessment(
        assessment_id=assessment_id,
        client_id=client_id,
        matter_id=matter_id,
        version=version,
        content={name: one.model_dump(mode="json") for name, one in sealed.items()},
        shared_by=by,
        shared_at=now,
    )
    session.add(assessment)
    facts = assessment.model_dump(include=set(CaseAssessmentShared.model_fields))
    emit(session, CaseAssessmentShared(assessment_version=version, **facts, **sealed))
    return assessment


async def acknowledge(
    session: AsyncSession,
    assessment: Assessment,
    *,
    by: UUID,
    channel: Channel = "portal",
    writing_id: UUID | None = None,
    recorded_by: UUID | None = None,
) -> None:
    """Told once. Raises AnotherIsNewest, and NoSuchWriting."""
    if assessment.acknowledged_at is not None:
        return
    newest = await queries.newest_version(session, assessment.matter_id)
    if newest != assessment.version:
        raise AnotherIsNewest(f"Version {newest} is the newest: show the client that one.")
    if channel == "email" and writing_id is not None:
        asked_at = assessment.shared_at
        await writings.require_theirs(session, writing_id, assessment.client_id, since=asked_at)
    assessment.acknowledged_by, assessment.channel = by, channel
    assessment.writing_id, assessment.recorded_by = writing_id, recorded_by
    assessment.acknowledged_at = await clock.database_now(session)
    facts = assessment.model_dump(include=set(CaseAssessmentAcknowledged.model_fields))
    version = assessment.version
    emit(session, CaseAssessmentAcknowledged(assessment_version=version, **facts))
