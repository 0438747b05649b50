"""HTTP in, for the firm: files in parts of one MiB, so that no size is too large and what broke off
goes on where it stopped; and what was kept."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from intake import access
from intake.consultations.queries import belongs_to
from intake.files import actions, queries, rules
from intake.files.models import File
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.runtime import Runtime
from shared.sealing import SALT_BYTES
from shared.values import Line

router = APIRouter(prefix="/v1", tags=["intake"], route_class=IdempotentRoute)

Number = Annotated[int, Path(ge=0, le=1_000_000)]
OCTETS = {"requestBody": {"content": {"application/octet-stream": {}}, "required": True}}


class NewFile(BaseModel):
    """`size` in bytes. What it is, is found from its bytes."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    size: Annotated[int, Field(gt=0)]


class FileBegun(BaseModel):
    """Send `parts` parts, numbered from 0, each `part_size` long but the last."""

    id: UUID
    parts: int
    part_size: int = rules.PART


class FileKept(BaseModel):
    id: UUID
    size: int
    media_type: str
    commitment: str


@router.post("/consultations/{consultation_id}/files", status_code=201)
async def post_file(
    consultation_id: UUID, body: NewFile, caller: Caller, session: Transaction, request: Request
) -> FileBegun:
    """Begin to upload something that belongs to a consultation: a consent, a scan, a document."""
    client_id = await access.holding(request, caller, "work on consultations", consultation_id)
    file = await actions.begin(
        session, client_id=client_id, subject_id=consultation_id, name=body.name, size=body.size
    )
    return begun(file)


@router.put("/files/{file_id}/parts/{number}", status_code=204, openapi_extra=OCTETS)
async def put_part(
    file_id: UUID, number: Number, caller: Caller, session: Transaction, request: Request
) -> Response:
    """One part. The same part again replaces it, until all is complete."""
    await _holding(request, caller, "work on consultations", file_id)
    octets = await request.body()
    await actions.take_part(session, await queries.locked(session, file_id), number, octets)
    return Response(status_code=204)


@router.post("/files/{file_id}/complete")
async def post_complete(
    file_id: UUID, caller: Caller, session: Transaction, request: Request
) -> FileKept:
    """All parts are there: what the file is, and the commitment to it."""
    await _holding(request, caller, "work on consultations", file_id)
    return kept(await actions.complete(session, await queries.locked(session, file_id)))


@router.get(
    "/files/{file_id}/content",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def get_content(
    file_id: UUID, caller: Caller, session: Transaction, request: Request
) -> StreamingResponse:
    """Its bytes, as they came, always as a download: nothing of it is shown by the browser."""
    client_id = await _holding(request, caller, "read information", file_id)
    await record_access(session, caller, client_id, "attachment")
    file = await queries.kept(session, file_id)
    if file is None:
        raise NotFound("There is no such file, or not all of it has arrived.")
    return download(request.state.runtime, file)


def begun(file: File) -> FileBegun:
    return FileBegun(id=file.file_id, parts=file.parts)


def kept(file: File) -> FileKept:
    assert file.media_type is not None
    assert file.commitment is not None
    return FileKept(
        id=file.file_id, size=file.size, media_type=file.media_type, commitment=file.commitment
    )


def download(runtime: Runtime, file: File) -> StreamingResponse:
    """Part by part, each in a transaction of its own: a slow reader holds none open."""
    key = runtime.keys.key(file.client_id, file.key_version)

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(file.parts):
            async with runtime.db.transaction() as session:
                piece = await queries.part(session, key, file, number)
            yield piece if number else piece[SALT_BYTES:]

    headers = {
        "Content-Length": str(file.size),
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(pieces(), media_type=file.media_type, headers=headers)


async def _holding(request: Request, caller: CallerIdentity, action: str, file_id: UUID) -> UUID:
    """The client whose file it is, with the key held, if the caller may act on the consultation
    that it belongs to."""
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        file = await queries.file(looking, file_id)
        consultation_id = await belongs_to(looking, file.subject_id)
    return await access.holding(request, caller, action, consultation_id)
