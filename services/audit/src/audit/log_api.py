"""HTTP in: the log as static files, exactly as C2SP tlog-tiles lays them out, for verifiers."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response

from audit import proofs, rows
from audit.access import POLICY
from audit.tiles import parse_path, width_in
from shared.auth import caller
from shared.db import Transaction
from shared.errors import NotFound
from shared.policy import permit
from shared.runtime import Runtime

FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}
LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


async def log_reader(request: Request) -> None:
    """Roles of the policy table; in the local profile on loopback, anybody."""
    if not _on_loopback(request):
        permit(POLICY, await caller(request), "read the log")


def _on_loopback(request: Request) -> bool:
    """Host is checked too: a page of the web must not read it through a name that it controls."""
    runtime: Runtime = request.state.runtime
    peers = [request.client.host] if request.client else ["0.0.0.0"]  # noqa: S104 - no peer known
    peers += [
        one.strip() for one in request.headers.get("x-forwarded-for", "").split(",") if one.strip()
    ]
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    return runtime.settings.local and name in LOOPBACK_NAMES and all(map(_is_loopback, peers))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


router = APIRouter(prefix="/v1/record/log", tags=["record"], dependencies=[Depends(log_reader)])


@router.get("/checkpoint")
async def get_checkpoint(session: Transaction) -> Response:
    """The newest checkpoint: a C2SP signed note (c2sp.org/tlog-checkpoint)."""
    head = await rows.newest(session)
    if head is None:
        raise NotFound("The log has not been opened yet.")
    return Response(
        head.note, media_type="text/plain; charset=utf-8", headers={"cache-control": "no-store"}
    )


@router.get("/tile/{path:path}")
async def get_tile(path: str, session: Transaction) -> Response:
    """A hash tile or a bundle of entries (c2sp.org/tlog-tiles)."""
    tile = parse_path(path)
    size = await proofs.size(session)
    found = (
        await proofs.content(session, tile) if tile and width_in(tile, size) >= tile.width else None
    )
    if found is None:
        raise NotFound("The log has no such tile.")
    return Response(found, media_type="application/octet-stream", headers=FOR_EVER)
