"""HTTP in: updates of clients, their own question how it stands, and how often they hear."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import col

import matters.owed.queries as owed
import matters.staff.queries as staff
from matters import access
from matters.local_time import PointInTime
from matters.matters.models import Matter
from matters.sealed import opened, opened_bytes
from matters.updates import actions, queries
from matters.updates.actions import Spoken
from matters.updates.models import Format, ProgressUpdate, State
from shared import clock, revisions
from shared.accesses import record_access
from shared.auth import Caller
from shared.contracts.matters import UpdateAbout
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.revisions import IfMatch
from shared.values import Line, Prose, Reason

POLICY: PolicyTable = {
    "read updates": {
        "partner": "any",
        "compliance": "any",
        "integration": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "draft updates": {"partner": "any", "attorney": "team", "paralegal": "team"},
    "approve updates": {"partner": "any", "attorney": "team"},
    "ask for an update": {"client": "self"},
    "promise a cadence": {"partner": "any", "attorney": "team"},
}

router = APIRouter(prefix="/v1", tags=["updates"], route_class=IdempotentRoute)
Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=20_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"),
]


class NewDraft(BaseModel):
    """Milestones, developments and deadlines draft their own. `note` goes into the text."""

    model_config = ConfigDict(extra="forbid")
    about: Literal["request", "no_news", "report"]
    note: Prose = ""


class Wording(BaseModel):
    model_config = ConfigDict(extra="forbid")
    subject: Line
    body: Words


class Told(BaseModel):
    """A call or meeting in which the client was told; `note` says what. `together`: all clients of
    the matter took part."""

    model_config = ConfigDict(extra="forbid")
    together: bool = False
    channel: Spoken
    held_at: PointInTime
    note: Reason


class Cadence(BaseModel):
    """The client hears at least every `days` days; null is as the firm's policy says."""

    model_config = ConfigDict(extra="forbid")
    days: Annotated[int, Field(ge=1, le=366)] | None


class UpdateShown(BaseModel):
    """`format` is how the client wants to hear it. Until `releases_at` it can be taken back. Joint
    clients have one each from the approval on, of the same `draft_id`."""

    id: UUID
    matter_id: UUID
    client_id: UUID
    draft_id: UUID | None
    about: UpdateAbout
    format: Format
    state: State
    subject: str
    body: str
    drafted_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    releases_at: datetime | None
    channel: str | None
    sent_at: datetime | None


class RequestShown(BaseModel):
    """`due_at` is by when the firm owes the answer; null for the moment until its clock says it."""

    id: UUID
    matter_id: UUID
    requested_at: datetime
    due_at: datetime | None


@router.post("/matters/{matter_id}/updates", status_code=201)
async def post_draft(
    matter_id: UUID,
    body: NewDraft,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
) -> UpdateShown:
    """Drafted from template and facts, for a person to read, change and approve."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "draft updates", matter_id)
    by = (await staff.member(session, caller)).staff_id
    update = await actions.draft_update(session, matter, body.about, note=body.note, by=by)
    return _shown(session, update, response)


@router.get("/matters/{matter_id}/updates")
async def list_updates(
    matter_id: UUID, caller: Caller, session: Transaction, paging: PageQuery, request: Request
) -> Page[UpdateShown]:
    """In the order of drafting; the client sees what was sent."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "read updates", matter_id)
    await record_access(session, caller, matter.client_id, "timeline")
    wanted = queries.light(bodies=True).where(
        col(ProgressUpdate.matter_id) == matter_id, access.theirs(caller, ProgressUpdate)
    )
    if caller.role == "client":
        wanted = wanted.where(col(ProgressUpdate.state) == "sent")
    wanted = one_page(wanted, ProgressUpdate.update_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    return page(found, paging, lambda row: _shown(session, row), lambda row: [str(row.update_id)])


@router.get("/updates/{update_id}")
async def get_update(
    update_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> UpdateShown:
    await access.hold_key(request, ProgressUpdate, update_id)
    update = await _readable(session, caller, update_id)
    return _shown(session, update, response)


@router.get("/updates/{update_id}/report", response_class=Response)
async def get_report(
    update_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Response:
    """The written report as a PDF, byte for byte as the client gets it."""
    await access.hold_key(request, ProgressUpdate, update_id)
    update = await _readable(session, caller, update_id)
    if update.report is None:
        raise NotFound("There is no report before the words are approved.")
    return Response(opened_bytes(session, update.report), media_type="application/pdf")


@router.put("/updates/{update_id}")
async def put_update(
    update_id: UUID,
    body: Wording,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> UpdateShown:
    await access.hold_key(request, ProgressUpdate, update_id)
    update = await _changeable(session, caller, "draft updates", update_id)
    await actions.change(session, update, body.subject, body.body, if_match=if_match)
    return _shown(session, update, response)


@router.post("/updates/{update_id}/approve")
async def post_approval(
    update_id: UUID,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> UpdateShown:
    """Sent when the undo window has passed. If-Match is the ETag of the words that were read."""
    await access.hold_key(request, ProgressUpdate, update_id)
    update = await _changeable(session, caller, "approve updates", update_id)
    by = (await staff.member(session, caller)).staff_id
    await actions.approve(session, update, by=by, if_match=if_match)
    return _shown(session, update, response)


@router.post("/updates/{update_id}/told")
async def post_told(
    update_id: UUID,
    body: Told,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
) -> UpdateShown:
    """The client was told in a call or meeting: the note counts as the update."""
    await access.hold_key(request, ProgressUpdate, update_id)
    update = await _changeable(session, caller, "approve updates", update_id)
    if not update.drafted_at <= body.held_at <= clock.now():
        raise Invalid("It was told after it was drafted, and not in the future.")
    by = (await staff.member(session, caller)).staff_id
    await actions.tell_in_person(session, update, by=by, **body.model_dump())
    return _shown(session, update, response)


@router.post("/updates/{update_id}/cancel")
async def post_cancel(
    update_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> UpdateShown:
    """Not sent after all; possible until its undo window has passed."""
    await access.hold_key(request, ProgressUpdate, update_id)
    update = await _changeable(session, caller, "approve updates", update_id)
    await actions.cancel(session, update)
    return _shown(session, update, response)


@router.post("/matters/{matter_id}/update-requests", status_code=201)
async def post_request(matter_id: UUID, caller: Caller, session: Transaction) -> RequestShown:
    """The client asks how it stands. Asked twice before the answer, it is one request."""
    matter = await access.matter(session, caller, POLICY, "ask for an update", matter_id)
    assert caller.client_id is not None, "a client's token names the client"
    asked = await actions.request(session, matter, caller.client_id)
    due = await owed.update_of(session, matter_id, caller.client_id)
    heard = due is not None and due.prompted_at is not None
    return RequestShown(
        id=asked.request_id,
        matter_id=matter_id,
        requested_at=asked.requested_at,
        due_at=due.limit_at if due and heard else None,
    )


@router.put("/matters/{matter_id}/cadence")
async def put_cadence(
    matter_id: UUID,
    body: Cadence,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> Cadence:
    """How often the client is to hear of it at least, though there be no news."""
    matter = await access.matter(session, caller, POLICY, "promise a cadence", matter_id)
    await actions.promise_cadence(session, matter, body.days, if_match=if_match)
    response.headers["ETag"] = revisions.etag(matter.cadence_revision)
    return body


async def _readable(session: Transaction, caller: Caller, update_id: UUID) -> ProgressUpdate:
    permit(POLICY, caller, "read updates")
    update = await session.get(ProgressUpdate, update_id)
    if update is None or (caller.role == "client" and update.state != "sent"):
        raise NotFound(access.NOTHING)
    access.own(caller, update)
    await access.matter(session, caller, POLICY, "read updates", update.matter_id)
    await record_access(session, caller, update.client_id, "timeline")
    return update


async def _changeable(
    session: Transaction, caller: Caller, action: str, update_id: UUID
) -> ProgressUpdate:
    permit(POLICY, caller, action)
    update = await session.get(ProgressUpdate, update_id)
    if update is None:
        raise NotFound(access.NOTHING)
    await access.matter(session, caller, POLICY, action, update.matter_id)
    return update


def _shown(
    session: Transaction, row: ProgressUpdate, response: Response | None = None
) -> UpdateShown:
    if response is not None:
        response.headers["ETag"] = revisions.etag(row.revision)
    words = {
        name: opened(session, sealed)
        for name, sealed in (("subject", row.subject), ("body", row.body))
    }
    facts = row.model_dump(include=set(UpdateShown.model_fields) - {"subject", "body"})
    return UpdateShown.model_validate(facts | words | {"id": row.update_id})
