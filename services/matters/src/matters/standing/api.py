"""HTTP in: how a matter stands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

import matters.contacts.queries as contacts
from matters import access
from matters.matters.models import Matter
from matters.sealed import opened
from matters.standing import queries
from matters.standing.queries import Standing
from matters.standing.rules import SYSTEM, TELLINGS, UNSENT, why
from matters.tables import ClientRow
from matters.told.models import Kind, Telling
from matters.told.rules import gist
from matters.updates.models import ProgressUpdate
from shared import clock
from shared.accesses import record_access
from shared.auth import Caller
from shared.idempotency import IdempotentRoute
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


class ClientOfIt(BaseModel):
    """One of the matter's clients, also who is none any more (`left_at`)."""

    id: UUID
    name: str
    left_at: datetime | None


class Told(BaseModel):
    """Something that a client was told, given or asked: when, by whom, how, and in which words; of
    a call staff see the note. A message of theirs is in its conversation, with the same id."""

    id: UUID
    client_id: UUID
    what: Literal["update", "decision", "assessment", "file"] | Kind
    at: datetime
    by: str
    channel: str
    subject: str
    acknowledged_at: datetime | None = None


class Owed(BaseModel):
    """Something that is owed next: to a client, or (`decision`, `assessment`) by them. `late` when
    its time has passed; an answer for which the client is awaited has none (`due_at` null)."""

    id: UUID
    client_id: UUID
    kind: str
    due_at: datetime | None
    late: bool
    why: str


class StandingShown(BaseModel):
    """The latest first in `told`, the next first in `owed`. `last_told_at` is when a person last
    told or asked the client something of it, of joint ones the one who waits longest, `silent_days`
    how long that is ago: an acknowledgment and what a machine says do not count. A client sees what
    concerns them."""

    matter_id: UUID
    number: str
    title: str
    opened_at: datetime
    closed_at: datetime | None
    clients: list[ClientOfIt]
    point_of_contact_id: UUID
    point_of_contact: str
    last_told_at: datetime | None
    silent_days: int
    told: list[Told]
    owed: list[Owed]


@router.get("/{matter_id}/standing")
async def get_standing(matter_id: UUID, caller: Caller, request: Request) -> StandingShown:
    """What the client was told, when, by whom; what is owed next, and why."""
    runtime, now = request.state.runtime, clock.now()
    async with runtime.db.transaction() as session:
        matter = await access.matter(session, caller, POLICY, "read how it stands", matter_id)
        await record_access(session, caller, matter.client_id, "timeline")
        contact = await contacts.in_force(session, matter_id)
        assert contact is not None, "a matter is never without a point of contact"
        found = await queries.standing(session, matter, contact.staff_id, now)
    for_client = caller.role == "client"
    if caller.role == "client" and caller.client_id is not None:
        found = found.of(caller.client_id)
    # Keys come over the network, so they are fetched when no transaction is open.
    await runtime.keys.hold(*found.members)
    since = found.last_told
    told = sorted(_told(session, found, for_client), key=lambda one: one.at, reverse=True)
    owed = sorted(_owed(matter, found, now, for_client), key=_next_first)
    return StandingShown(
        clients=[
            ClientOfIt(id=client_id, name=one.name, left_at=one.left_at)
            for client_id, one in found.members.items()
        ],
        point_of_contact_id=found.contact_id,
        point_of_contact=found.people[found.contact_id],
        last_told_at=since,
        silent_days=max(((matter.closed_at or now) - (since or matter.opened_at)).days, 0),
        told=told,
        owed=owed,
        **matter.model_dump(include={"matter_id", "number", "title", "opened_at", "closed_at"}),
    )


def _told(session: AsyncSession, found: Standing, for_client: bool) -> Iterator[Told]:
    def by(staff_id: UUID | None) -> str:
        return found.people.get(staff_id, "The firm") if staff_id else SYSTEM

    for update in found.updates:
        if update.sent_at is not None:
            yield Told(
                id=update.update_id,
                client_id=found.whose(update),
                what="update",
                at=update.sent_at,
                by=by(update.approved_by),
                channel=update.channel or "email",
                subject=_of_update(session, update, for_client),
            )
    for decision in found.decisions:
        yield Told(
            id=decision.decision_id,
            client_id=found.whose(decision),
            what="decision",
            at=decision.requested_at,
            by=by(decision.requested_by),
            channel="email",
            subject=opened(session, decision.content["question"]),
            acknowledged_at=decision.recorded_at,
        )
    for assessment in found.assessments:
        yield Told(
            id=assessment.assessment_id,
            client_id=found.whose(assessment),
            what="assessment",
            at=assessment.shared_at,
            by=by(assessment.shared_by),
            channel="portal",
            subject=f"How we see your case, version {assessment.version}",
            acknowledged_at=assessment.acknowledged_at,
        )
    for telling in found.tellings:
        yield Told(
            id=telling.telling_id,
            client_id=found.whose(telling),
            what=telling.kind,
            at=telling.told_at,
            by=by(telling.staff_id),
            channel=telling.channel,
            subject=_words(session, telling, for_client),
        )
    if found.given:
        handover, pack = found.given
        yield Told(
            id=handover.handover_id,
            client_id=found.matter.client_id,
            what="file",
            at=handover.given_at,
            by=by(handover.given_by),
            channel=handover.channel,
            subject=f"Your file, {pack.entries} entries",
        )


def _of_update(session: AsyncSession, update: ProgressUpdate, for_client: bool) -> str:
    if update.note is None or for_client:
        return opened(session, update.subject)
    return gist(opened(session, update.note))


def _words(session: AsyncSession, telling: Telling, for_client: bool) -> str:
    """The note of a call is the firm's own: the client was there."""
    noted = telling.kind in ("call", "meeting")
    if telling.words is None or (noted and for_client):
        return TELLINGS[telling.kind]
    return opened(session, telling.words)


def _owed(matter: Matter, found: Standing, now: datetime, for_client: bool) -> Iterator[Owed]:
    def one(
        owed_id: UUID, kind: str, due_at: datetime | None, whose: ClientRow, **more: bool
    ) -> Owed:
        late = due_at is not None and due_at < now
        to = found.whose(whose)
        reason = why(kind, **more)
        return Owed(id=owed_id, client_id=to, kind=kind, due_at=due_at, late=late, why=reason)

    for due in found.owed:
        if due.kind not in ("decision", "question"):
            more = {"prompted": due.prompted_at is not None, "paused": due.state == "paused"}
            due_at = None if more["paused"] else due.limit_at
            yield one(due.clock_id, due.kind, due_at, due, **more)
    for decision in found.decisions:
        if decision.state == "requested":
            yield one(decision.decision_id, "decision", decision.reply_by, decision)
    answer_by = {due.subject_id: due.limit_at for due in found.owed if due.kind == "question"}
    for question in found.questions:
        due_at = answer_by.get(question.question_id)
        yield one(question.question_id, "question", due_at, question)
    newest = max((seen.version for seen in found.assessments), default=0)
    for seen in found.assessments:
        if seen.version == newest and not (seen.acknowledged_at or matter.closed_at):
            yield one(seen.assessment_id, "assessment", None, seen)
    for deadline in found.ahead:
        if deadline.told_revision == deadline.revision or not for_client:
            yield one(deadline.happening_id, "deadline", deadline.at, deadline)
    if matter.closed_at is not None and found.given is None:
        yield one(matter.matter_id, "file", None, matter)
    for update in found.updates:
        if update.state in UNSENT and not for_client:
            kind = UNSENT[update.state]
            due_at = update.releases_at if kind == "approved" else None
            yield one(update.update_id, kind, due_at, update)


def _next_first(one: Owed) -> tuple[bool, float]:
    return (one.due_at is None, one.due_at.timestamp() if one.due_at else 0.0)
