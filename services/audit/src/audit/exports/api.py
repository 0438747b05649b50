"""HTTP in: ask for a bundle, see how far it is, go on with one that stopped, fetch it in parts."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict

from audit import access, proofs
from audit.access import POLICY
from audit.exports import rows
from audit.exports.exporter import Exporter
from audit.exports.packing import CHUNK_BYTES
from audit.exports.rows import Export, State
from shared import accesses, clock, sealing
from shared.auth import Caller, CallerIdentity
from shared.contracts import FIRM_ID
from shared.db import Transaction
from shared.errors import Invalid, NotFound, Refusal
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.keyring import KeyNotHeld
from shared.pages import Page, PageQuery, page
from shared.policy import permit
from shared.runtime import Runtime

router = APIRouter(prefix="/v1/record/exports", tags=["record"], route_class=IdempotentRoute)

RANGE = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))")
NOTHING = "There is no export here that you may see."


class ExportNotReady(Refusal):
    """The bundle is still being made, stopped, or expired: the export says which."""


class ExportIsMade(Refusal):
    """Somebody makes it right now, or it is finished: there is nothing to go on with."""


class RangeNotSatisfiable(Refusal):
    """The bundle ends before the range that was asked for."""

    status = 416


class NewExport(BaseModel):
    """Of a matter, or of everything about a client."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID | None = None
    matter_id: UUID | None = None


class ExportShown(BaseModel):
    """`done` of `total` steps. `size`: of the log when it was asked. `sha256`: of the list of files
    (SHA256SUMS), base64, as RecordExported tells it."""

    id: UUID
    client_id: UUID
    matter_id: UUID | None
    state: State
    problem: str | None
    done: int
    total: int
    size: int
    entries: int
    octets: int | None
    sha256: str | None
    created_at: AwareDatetime
    ready_at: AwareDatetime | None
    expires_at: AwareDatetime | None


@router.post("", status_code=202)
async def post_export(
    body: NewExport,
    request: Request,
    caller: Caller,
    session: Transaction,
    background: BackgroundTasks,
) -> ExportShown:
    """Freezes which entries and which size of the log, then makes the bundle beside this answer."""
    if (body.client_id is None) == (body.matter_id is None):
        raise Invalid("Say of what: client_id, or matter_id.")
    permit(POLICY, caller, "export the record")
    keys = _runtime(request).keys
    selection = await access.selection(session, keys, caller, body.client_id, body.matter_id)
    size = await proofs.size(session)
    if selection.client_id is None or size == 0:
        raise NotFound(NOTHING)
    export = Export(
        export_id=new_id(),
        client_id=selection.client_id,
        matter_id=selection.matter_id,
        messages=selection.messages,
        joint_clients=selection.others,
        requested_by=caller.id,
        role=caller.role,
        size=size,
        state="making",
        problem=None,
        done=0,
        total=0,
        entries=0,
        octets=None,
        digest=None,
        created_at=await clock.database_now(session),
        ready_at=None,
        expires_at=None,
    )
    await rows.insert(session, export)
    await accesses.record_accesses(session, caller, export.selection.clients, "entries")
    _begin_after_commit(request, background, export.export_id)
    return _shown(export)


@router.post("/{export_id}/resume", status_code=202)
async def post_resume(
    export_id: UUID,
    request: Request,
    caller: Caller,
    session: Transaction,
    background: BackgroundTasks,
) -> ExportShown:
    """Go on with an export that stopped, under the caller's own token."""
    export = await _permitted(request, session, caller, export_id)
    if not await rows.claim(session, export_id):
        raise ExportIsMade(f"The export is {export.state}: there is nothing to go on with.")
    _begin_after_commit(request, background, export_id)
    return _shown((await rows.get(session, export_id)) or export)


@router.get("")
async def list_exports(
    caller: Caller, session: Transaction, paging: PageQuery
) -> Page[ExportShown]:
    """All exports, for who may export everything."""
    if permit(POLICY, caller, "export the record") != "any":
        raise NotFound("Ask for an export by its id.")
    found = await rows.after(session, paging.after_id(), paging.limit + 1)
    return page(found, paging, _shown, lambda one: [str(one.export_id)])


@router.get("/{export_id}")
async def get_export(
    export_id: UUID, request: Request, caller: Caller, session: Transaction
) -> ExportShown:
    return _shown(await _permitted(request, session, caller, export_id))


@router.get(
    "/{export_id}/bundle",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/zip": {}}},
        206: {"content": {"application/zip": {}}},
    },
)
async def get_bundle(
    export_id: UUID,
    request: Request,
    caller: Caller,
    session: Transaction,
    range_: Annotated[str | None, Header(alias="range")] = None,
) -> StreamingResponse:
    """The bundle, whole or from where an earlier fetch ended (Range, RFC 9110 §14)."""
    export = await _permitted(request, session, caller, export_id)
    if export.state != "ready" or export.octets is None or export.digest is None:
        raise ExportNotReady(f"The export is {export.state}.", state=export.state)
    await accesses.record_accesses(session, caller, export.selection.clients, "entries")
    first, last = _span(range_, export.octets)
    headers = {
        "accept-ranges": "bytes",
        "content-length": str(last - first + 1),
        "content-disposition": f'attachment; filename="record-{export_id}.zip"',
        "etag": f'"{export.digest.hex()}"',
        "cache-control": "private, no-store",
    }
    if range_:
        headers["content-range"] = f"bytes {first}-{last}/{export.octets}"
    return StreamingResponse(
        _octets(_runtime(request), export, first, last),
        206 if range_ else 200,
        headers=headers,
        media_type="application/zip",
    )


async def _octets(runtime: Runtime, export: Export, first: int, last: int) -> AsyncIterator[bytes]:
    """Chunk by chunk, each in a short transaction. A key destroyed meanwhile cuts it off."""
    for number in range(first // CHUNK_BYTES, last // CHUNK_BYTES + 1):
        async with runtime.db.transaction() as session:
            sealed = await rows.chunk(session, export.export_id, number)
        if sealed is None:
            raise KeyNotHeld("the export expired while it was fetched")
        await runtime.keys.hold(sealed.owner)
        key = runtime.keys.key(sealed.owner, sealed.key_version)
        begins = number * CHUNK_BYTES
        content = sealing.unseal(key, sealed)
        yield content[max(0, first - begins) : last + 1 - begins]


def _span(asked: str | None, octets: int) -> tuple[int, int]:
    """The first and last octet; raises RangeNotSatisfiable. Only one range is given at a time."""
    if asked is None:
        return 0, octets - 1
    match = RANGE.fullmatch(asked)
    if match is None:
        raise Invalid("Ask for one range, such as bytes=1048576-.")
    if match[3]:
        first, last = max(0, octets - int(match[3])), octets - 1
    else:
        first, last = int(match[1]), min(int(match[2] or octets), octets - 1)
    if first > last:
        raise RangeNotSatisfiable(f"The bundle has {octets} octets.")
    return first, last


async def _permitted(
    request: Request, session: Transaction, caller: CallerIdentity, export_id: UUID
) -> Export:
    permit(POLICY, caller, "export the record")
    keys = _runtime(request).keys
    await keys.hold(FIRM_ID)
    export = await rows.get(session, export_id)
    if export is None:
        raise NotFound(NOTHING)
    await access.permit_client(
        session, keys, caller, "export the record", export.client_id, export.matter_id
    )
    return export


def _begin_after_commit(request: Request, background: BackgroundTasks, export_id: UUID) -> None:
    """Background tasks run when the answer left, so after the commit. Dying between the two leaves
    an export that counts as stopped after three minutes."""
    exporter: Exporter = request.app.state.exporter
    authorization = request.headers["authorization"]
    background.add_task(exporter.begin, _runtime(request), export_id, authorization)


def _shown(export: Export) -> ExportShown:
    return ExportShown(
        id=export.export_id,
        client_id=export.client_id,
        matter_id=export.matter_id,
        state=export.state,
        problem=export.problem,
        done=export.done,
        total=export.total,
        size=export.size,
        entries=export.entries,
        octets=export.octets,
        sha256=b64encode(export.digest).decode() if export.digest else None,
        created_at=export.created_at,
        ready_at=export.ready_at,
        expires_at=export.expires_at,
    )


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.state.runtime
    return runtime
