"""HTTP in: how a matter stands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

import matters.contacts.queries as contacts
from matters import access
from matters.matters.models import Matter
from matters.standing import queries
from matters.standing.queries import Standing
from matters.standing.rules import why
from shared import clock
from shared.accesses import record_access
from shared.auth import Caller
from shared.contracts import Sealed
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.keyring import unseal
from shared.policy import PolicyTable

POLICY: PolicyTable = {
    "read how it stands": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    }
}

router = APIRouter(prefix="/v1/matters", tags=["standing"], route_class=IdempotentRoute)


class Told(BaseModel):
    """Something that the client was told or asked: when, by whom, how, and in which words."""

    id: UUID
    what: Literal["update", "decision", "assessment"]
    at: datetime
    by: str | None
    channel: str
    subject: str
    acknowledged_at: datetime | None = None


class Owed(BaseModel):
    """Something that is owed next: to the client, or (`decision`) by them. `late` when its time has
    passed."""

    id: UUID
    kind: str
    due_at: datetime | None
    late: bool
    why: str


class StandingShown(BaseModel):
    """The latest first in `told`, the next first in `owed`. `silent_days` is how long the client
    has heard nothing of it from us."""

    matter_id: UUID
    number: str
    title: str
    opened_at: datetime
    closed_at: datetime | None
    point_of_contact_id: UUID
    last_told_at: datetime | None
    silent_days: int
    told: list[Told]
    owed: list[Owed]


@router.get("/{matter_id}/standing")
async def get_standing(
    matter_id: UUID, caller: Caller, session: Transaction, request: Request
) -> StandingShown:
    """What the client was told, when, by whom; what is owed next, and why."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "read how it stands", matter_id)
    await record_access(session, caller, matter.client_id, "timeline")
    contact = await contacts.in_force(session, matter_id)
    assert contact is not None, "a matter is never without a point of contact"
    found = await queries.standing(session, matter)
    since = queries.last_told(found)
    told = sorted(_told(session, found), key=lambda one: one.at, reverse=True)
    owed = sorted(_owed(found, for_client=caller.role == "client"), key=_next_first)
    return StandingShown(
        point_of_contact_id=contact.staff_id,
        last_told_at=since,
        silent_days=((matter.closed_at or clock.now()) - (since or matter.opened_at)).days,
        told=told,
        owed=owed,
        **matter.model_dump(include={"matter_id", "number", "title", "opened_at", "closed_at"}),
    )


def _told(session: Transaction, found: Standing) -> Iterator[Told]:
    for update in found.updates:
        if update.sent_at is not None:
            yield Told(
                id=update.update_id,
                what="update",
                at=update.sent_at,
                by=found.people.get(update.approved_by) if update.approved_by else None,
                channel=update.channel or "email",
                subject=unseal(session, Sealed.model_validate(update.subject)),
            )
    for decision in found.decisions:
        yield Told(
            id=decision.decision_id,
            what="decision",
            at=decision.requested_at,
            by=found.people.get(decision.requested_by),
            channel="email",
            subject=unseal(session, Sealed.model_validate(decision.content["question"])),
            acknowledged_at=decision.recorded_at,
        )
    for assessment in found.assessments:
        yield Told(
            id=assessment.assessment_id,
            what="assessment",
            at=assessment.shared_at,
            by=found.people.get(assessment.shared_by),
            channel="portal",
            subject=f"How we see your case, version {assessment.version}",
            acknowledged_at=assessment.acknowledged_at,
        )


def _owed(found: Standing, *, for_client: bool) -> Iterator[Owed]:
    now = clock.now()
    for one in found.owed:
        if one.kind != "decision":
            prompted = one.prompted_at is not None
            yield _one(one.clock_id, one.kind, one.limit_at, now, why(one.kind, prompted=prompted))
    for decision in found.decisions:
        if decision.state == "requested":
            yield _one(decision.decision_id, "decision", decision.reply_by, now, why("decision"))
    for question in found.questions:
        yield _one(question.question_id, "question", None, now, why("question"))
    for happening in found.happenings.values():
        if happening.kind == "deadline" and happening.at > now:
            yield _one(happening.happening_id, "deadline", happening.at, now, why("deadline"))
    for update in found.updates:
        if update.state == "draft" and not for_client:
            yield _one(update.update_id, "draft", None, now, why("draft"))


def _one(owed_id: UUID, kind: str, due_at: datetime | None, now: datetime, reason: str) -> Owed:
    late = due_at is not None and due_at < now
    return Owed(id=owed_id, kind=kind, due_at=due_at, late=late, why=reason)


def _next_first(one: Owed) -> tuple[bool, float]:
    return (one.due_at is None, one.due_at.timestamp() if one.due_at else 0.0)
