"""HTTP in: the log as static files, exactly as C2SP tlog-tiles lays them out, for verifiers."""

import re
from ipaddress import ip_address

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from audit import proofs, rows
from audit.access import POLICY
from audit.tiles import parse_path, width_in
from shared.auth import caller
from shared.db import Transaction
from shared.errors import NotFound
from shared.policy import permit
from shared.runtime import Runtime

FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}
LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}


async def log_reader(request: Request) -> None:
    """Roles of the policy table; in the local profile on loopback, anybody."""
    if not _on_loopback(request):
        permit(POLICY, await caller(request), "read the log")


def _on_loopback(request: Request) -> bool:
    """Peer and Host, and those that a proxy of ours saw: a page of the web must not read the log
    through a name that it controls."""
    runtime: Runtime = request.state.runtime
    peer = request.client.host if request.client else ""
    peers = [peer, *_listed(request, "x-forwarded-for")]
    names = [*_listed(request, "host"), *_listed(request, "x-forwarded-host")]
    return (
        runtime.settings.local
        and all(_is_loopback(one) for one in peers)
        and all(_without_port(one) in LOOPBACK_NAMES for one in names)
        and bool(names)
    )


def _listed(request: Request, header: str) -> list[str]:
    return [one.strip() for line in request.headers.getlist(header) for one in line.split(",")]


def _without_port(host: str) -> str:
    return re.sub(r":[0-9]{1,5}$", "", host).lower()


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


router = APIRouter(prefix="/v1/record/log", tags=["record"], dependencies=[Depends(log_reader)])


@router.get("/checkpoint", response_class=PlainTextResponse)
async def get_checkpoint(session: Transaction) -> Response:
    """The newest checkpoint: a C2SP signed note (c2sp.org/tlog-checkpoint)."""
    head = await rows.newest(session)
    if head is None:
        raise NotFound("The log has not been opened yet.")
    note = await rows.with_cosignatures(session, head.checkpoint.size, head.note)
    return PlainTextResponse(note, headers={"cache-control": "no-store"})


@router.get("/witnessed", response_class=PlainTextResponse)
async def get_witnessed(session: Transaction) -> Response:
    """The newest checkpoint that a witness cosigned (c2sp.org/tlog-cosignature): while the log
    grows, its very newest is not yet."""
    note = await rows.witnessed(session)
    if note is None:
        raise NotFound("No witness has cosigned a checkpoint of this log yet.")
    return PlainTextResponse(note, headers={"cache-control": "no-store"})


@router.get(
    "/tile/{path:path}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def get_tile(path: str, session: Transaction) -> Response:
    """A hash tile or a bundle of entries (c2sp.org/tlog-tiles)."""
    tile = parse_path(path)
    if tile is None or width_in(tile, await proofs.size(session)) < tile.width:
        raise NotFound("The log has no such tile.")
    found = await proofs.content(session, tile)
    return Response(found, media_type="application/octet-stream", headers=FOR_EVER)
