"""HTTP in: how the firm sees a case, and that the client has read it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

import matters.representatives.queries as representatives
import matters.staff.queries as staff
from matters import access
from matters.assessments import actions
from matters.assessments.models import Assessment, Channel
from matters.assessments.rules import View
from matters.matters.models import Matter
from matters.sealed import opened
from shared.accesses import record_access
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.values import Reason

POLICY: PolicyTable = {
    "read assessments": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "share assessments": {"partner": "any", "attorney": "team"},
    "acknowledge assessments": {
        "partner": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
}

router = APIRouter(prefix="/v1", tags=["assessments"], route_class=IdempotentRoute)


class NewAssessment(BaseModel):
    """Ranges, not promises: "between 40 and 60 in a hundred", "nine to fifteen months". `follows`
    is the version that it comes after, 0 for the first."""

    model_config = ConfigDict(extra="forbid")
    prospects: Reason
    risks: Reason
    limits: Reason
    timeline: Reason
    follows: Annotated[int, Field(ge=0)] = 0


class Acknowledged(BaseModel):
    """How the client, or who speaks for them, said that they read it, entered by staff; in writing,
    in which message."""

    model_config = ConfigDict(extra="forbid")
    representative_id: UUID | None = None
    channel: Literal["email", "letter", "phone", "in_person", "video"]
    writing_id: UUID | None = None


class AssessmentShown(BaseModel):
    """Joint clients have one each of a version, and acknowledge it each."""

    id: UUID
    matter_id: UUID
    client_id: UUID
    version: int
    prospects: str
    risks: str
    limits: str
    timeline: str
    shared_by: UUID
    shared_at: datetime
    acknowledged_at: datetime | None
    channel: Channel | None


@router.post("/matters/{matter_id}/assessments", status_code=201)
async def post_assessment(
    matter_id: UUID, body: NewAssessment, caller: Caller, session: Transaction, request: Request
) -> AssessmentShown:
    """Share it with the client, who gets it as a letter and is asked to say that they read it, each
    version anew. Words that promise an outcome are refused, and shown."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "share assessments", matter_id)
    by = (await staff.member(session, caller)).staff_id
    view = View(**body.model_dump(exclude={"follows"}))
    return _shown(session, await actions.share(session, matter, view, follows=body.follows, by=by))


@router.get("/matters/{matter_id}/assessments")
async def list_assessments(
    matter_id: UUID, caller: Caller, session: Transaction, paging: PageQuery, request: Request
) -> Page[AssessmentShown]:
    """All versions, the first first."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "read assessments", matter_id)
    await record_access(session, caller, matter.client_id, "timeline")
    its = (col(Assessment.matter_id) == matter_id) & access.theirs(caller, Assessment)
    wanted = one_page(select(Assessment).where(its), Assessment.assessment_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    return page(
        found, paging, lambda row: _shown(session, row), lambda row: [str(row.assessment_id)]
    )


@router.post("/assessments/{assessment_id}/acknowledge")
async def post_acknowledgment(
    assessment_id: UUID,
    caller: Caller,
    session: Transaction,
    request: Request,
    body: Acknowledged | None = None,
) -> AssessmentShown:
    """The client has read it; that is not to agree with it. In the portal without a body; staff say
    how the client told them."""
    await access.hold_key(request, Assessment, assessment_id)
    permit(POLICY, caller, "acknowledge assessments")
    found = await session.get(Assessment, assessment_id, with_for_update=True)
    if found is None:
        raise NotFound(access.NOTHING)
    await access.own(session, caller, found)
    await access.matter(session, caller, POLICY, "acknowledge assessments", found.matter_id)
    if (body is None) != (caller.role == "client"):
        raise Invalid("Staff say how the client told them; in the portal there is nothing to say.")
    if body is None:
        await actions.acknowledge(session, found, by=caller.id)
    else:
        by = (await staff.member(session, caller)).staff_id
        await actions.acknowledge(
            session,
            found,
            by=await _who_read(session, found, body.representative_id),
            channel=body.channel,
            writing_id=body.writing_id,
            recorded_by=by,
        )
    return _shown(session, found)


async def _who_read(
    session: Transaction, assessment: Assessment, representative_id: UUID | None
) -> UUID:
    if representative_id is None:
        await representatives.require_person(session, assessment.client_id)
        return assessment.client_id
    if await representatives.standing(session, representative_id, assessment.client_id) is None:
        raise Invalid("Nobody with that id speaks for the client.")
    return representative_id


def _shown(session: Transaction, row: Assessment) -> AssessmentShown:
    words = {name: opened(session, one) for name, one in row.content.items()}
    facts = row.model_dump(exclude={"assessment_id", "content"})
    return AssessmentShown.model_validate(facts | words | {"id": row.assessment_id})
