"""HTTP in: checklists and requests for the firm; lists and uploads for who holds a link."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

import intake.files.actions as files
import intake.files.queries as kept_files
import intake.links.queries as links
from intake import access
from intake.access import TABLE
from intake.files.api import OCTETS, FileBegun, FileKept, NewFile, Number, begun, kept
from intake.files.models import File
from intake.files.rules import PART
from intake.information import actions, queries
from intake.information.actions import Asked
from intake.information.models import InformationItem, InformationRequest, Kind, State
from intake.links.actions import keep_open
from intake.links.api import SessionSecret, Token, hold_key
from intake.open_door import OPEN, OpenRoute
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.contracts import Sealed
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.keyring import unseal
from shared.policy import permit
from shared.runtime import Runtime
from shared.values import Prose, Slug

router = APIRouter(prefix="/v1", tags=["information"], route_class=IdempotentRoute)
public = APIRouter(prefix="/v1/links", tags=["links"], route_class=OpenRoute)

Words = Annotated[Prose, Field(min_length=1)]


class ItemAsked(BaseModel):
    """`days`: within so many of asking, and never later than the whole request."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    text: Words
    days: Annotated[int, Field(ge=1, le=365)] | None = None


class NewChecklist(BaseModel):
    model_config = ConfigDict(extra="forbid")
    checklist: Slug
    practice_area: Slug
    items: Annotated[list[ItemAsked], Field(min_length=1, max_length=100)]


class ChecklistShown(NewChecklist):
    version: int


class NewRequest(BaseModel):
    """By the newest version of a checklist; `more` is asked besides."""

    model_config = ConfigDict(extra="forbid")
    checklist: Slug
    more: Annotated[list[ItemAsked], Field(max_length=100)] = []
    due_at: AwareDatetime


class ItemShown(BaseModel):
    id: UUID
    kind: Kind
    text: str
    due_at: datetime
    state: State
    answer: str | None
    file_id: UUID | None
    settled_at: datetime | None


class RequestShown(BaseModel):
    id: UUID
    consultation_id: UUID
    client_id: UUID
    checklist: str
    checklist_version: int
    requested_at: datetime
    due_at: datetime
    remind_at: datetime | None
    reminders: int
    items: list[ItemShown]


class ToProvide(BaseModel):
    due_at: datetime
    items: list[ItemShown]


class Waiving(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reasons: Words


class Answer(BaseModel):
    """Words, or a file that was uploaded and completed before."""

    model_config = ConfigDict(extra="forbid")
    text: Words | None = None
    file_id: UUID | None = None


@router.post("/checklists", status_code=201)
async def post_checklist(
    body: NewChecklist, caller: Caller, session: Transaction
) -> ChecklistShown:
    """A new version; requests made of earlier ones stay as they are."""
    permit(TABLE, caller, "write templates")
    items = [Asked(**one.model_dump()) for one in body.items]
    row = await actions.publish(session, body.checklist, body.practice_area, items, by=caller.id)
    return ChecklistShown(version=row.version, **body.model_dump())


@router.post("/consultations/{consultation_id}/information-requests", status_code=201)
async def post_request(
    consultation_id: UUID, body: NewRequest, caller: Caller, session: Transaction, request: Request
) -> RequestShown:
    """Ask for documents and facts; the person gets a letter with a link, and is reminded."""
    await access.holding(request, caller, "ask for information", consultation_id)
    row = await actions.ask(
        session,
        consultation_id,
        checklist=body.checklist,
        more=[Asked(**one.model_dump()) for one in body.more],
        due_at=body.due_at,
        by=caller.id,
    )
    return await _shown(session, row)


@router.get("/consultations/{consultation_id}/information-requests")
async def list_requests(
    consultation_id: UUID, caller: Caller, session: Transaction, request: Request
) -> list[RequestShown]:
    client_id = await access.holding(request, caller, "read information", consultation_id)
    await record_access(session, caller, client_id, "client")
    rows = await queries.requests_of(session, consultation_id)
    return [await _shown(session, row) for row in rows]


@router.post("/information-requests/{request_id}/items/{item_id}/waive")
async def post_waive(
    request_id: UUID,
    item_id: UUID,
    body: Waiving,
    caller: Caller,
    session: Transaction,
    request: Request,
) -> RequestShown:
    """An item is not needed any more."""
    await _holding(request, caller, "ask for information", request_id)
    await actions.waive(session, request_id, item_id, reasons=body.reasons, by=caller.id)
    return await _shown(session, await queries.request(session, request_id))


@public.get("/{token}/information", openapi_extra=OPEN)
async def get_information(
    token: Token, session: Transaction, request: Request, secret: SessionSecret = None
) -> ToProvide:
    """What is asked for, and what of it has arrived."""
    row = await _opened(request, session, token, secret)
    return ToProvide(due_at=row.due_at, items=await _items(session, row))


@public.post("/{token}/files", status_code=201, openapi_extra=OPEN)
async def post_file(
    token: Token,
    body: NewFile,
    session: Transaction,
    request: Request,
    secret: SessionSecret = None,
) -> FileBegun:
    """Begin to upload; parts may be sent again, so what broke off goes on where it stopped."""
    row = await _opened(request, session, token, secret)
    file = await files.begin(
        session,
        client_id=row.client_id,
        subject_id=row.request_id,
        name=body.name,
        size=body.size,
    )
    return begun(file)


@public.put("/{token}/files/{file_id}/parts/{number}", status_code=204, openapi_extra=OPEN | OCTETS)
async def put_part(
    token: Token,
    file_id: UUID,
    number: Number,
    session: Transaction,
    request: Request,
    secret: SessionSecret = None,
) -> Response:
    """Each part keeps the session open, so that a slow line ends no upload."""
    row = await _opened(request, session, token, secret)
    octets = await request.body()
    await files.take_part(session, await _their_file(session, row, file_id), number, octets)
    if secret is not None:
        await keep_open(session, await links.link_of(session, token), secret)
    return Response(status_code=204)


@public.post("/{token}/files/{file_id}/complete", openapi_extra=OPEN)
async def post_complete(
    token: Token,
    file_id: UUID,
    session: Transaction,
    request: Request,
    secret: SessionSecret = None,
) -> FileKept:
    row = await _opened(request, session, token, secret)
    return kept(await files.complete(session, await _their_file(session, row, file_id)))


@public.post("/{token}/items/{item_id}", openapi_extra=OPEN)
async def post_answer(
    token: Token,
    item_id: UUID,
    body: Answer,
    session: Transaction,
    request: Request,
    secret: SessionSecret = None,
) -> ToProvide:
    """Answer an item with words or with a file."""
    if (body.text is None) == (body.file_id is None):
        raise Invalid("Send either text or file_id.")
    row = await _opened(request, session, token, secret)
    file = await _their_file(session, row, body.file_id) if body.file_id else None
    if file is not None and file.state != "kept":
        raise Invalid("Complete the file first.")
    await actions.provide(session, row.request_id, item_id, file=file, answer=body.text)
    return ToProvide(due_at=row.due_at, items=await _items(session, row))


async def answer_at_once(
    token: str,
    item_id: UUID,
    name: str,
    content: bytes,
    session: Transaction,
    request: Request,
    secret: str | None,
) -> None:
    """A small file from a form: all its parts, and the answer, in one transaction."""
    row = await _opened(request, session, token, secret)
    checked = NewFile(name=name[-200:], size=len(content))
    file = await files.begin(
        session, client_id=row.client_id, subject_id=row.request_id, **checked.model_dump()
    )
    for number in range(file.parts):
        octets = content[number * PART : (number + 1) * PART]
        await files.take_part(session, file, number, octets)
    await files.complete(session, file)
    await actions.provide(session, row.request_id, item_id, file=file)


async def _opened(
    request: Request, session: Transaction, token: str, secret: str | None
) -> InformationRequest:
    await hold_key(request, token)
    link, _ = await links.opened(session, token, secret)
    if link.purpose not in ("information", "reminder"):
        raise NotFound("This link leads to no list.")
    return await queries.request(session, link.subject_id)


async def _their_file(session: Transaction, row: InformationRequest, file_id: UUID) -> File:
    """Locked; one of this request and of nobody else."""
    file = await kept_files.file(session, file_id)
    if file.subject_id != row.request_id:
        raise NotFound("There is no such file.")
    return await kept_files.locked(session, file_id)


async def _holding(request: Request, caller: CallerIdentity, action: str, request_id: UUID) -> None:
    permit(TABLE, caller, action)
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        row = await queries.request(looking, request_id)
    await access.holding(request, caller, action, row.consultation_id)


async def _shown(session: Transaction, row: InformationRequest) -> RequestShown:
    return RequestShown(
        id=row.request_id,
        items=await _items(session, row),
        **row.model_dump(include=set(RequestShown.model_fields)),
    )


async def _items(session: Transaction, row: InformationRequest) -> list[ItemShown]:
    await session.flush()
    return [_item(session, row, one) for one in await queries.items(session, row.request_id)]


def _item(session: Transaction, row: InformationRequest, one: InformationItem) -> ItemShown:
    answer = Sealed.model_validate(one.answer) if one.answer else None
    return ItemShown(
        id=one.item_id,
        text=unseal(session, Sealed.model_validate(one.asked)),
        answer=unseal(session, answer) if answer else None,
        due_at=one.due_at or row.due_at,
        **one.model_dump(include={"kind", "state", "file_id", "settled_at"}),
    )
