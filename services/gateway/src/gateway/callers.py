"""Who may pass. The services check the same token again, and decide what it may do."""

from ipaddress import ip_address

from fastapi import Request

from gateway.rates import Rates
from gateway.routes import Route
from gateway.settings import GatewaySettings
from shared.auth import Authenticator
from shared.errors import Unauthenticated

LOG = "/v1/record/log/"
LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


async def admit(
    request: Request, route: Route, settings: GatewaySettings, auth: Authenticator, rates: Rates
) -> None:
    """Raises Unauthenticated or TooManyRequests. An open call is anybody's, whatever token comes
    with it."""
    if route.open:
        await rates.spend_open(peer_of(request))
        return
    if "authorization" not in request.headers and _may_read_log(request, settings):
        return
    try:
        caller = await auth.caller(request)
    except Unauthenticated:
        await rates.spend_anonymous(peer_of(request))
        raise
    await rates.spend(caller.id)


def peer_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _may_read_log(request: Request, settings: GatewaySettings) -> bool:
    """In the local profile the log is read on loopback without a token. Host is checked too: a web
    page must not read it through a name of its own that points here."""
    return (
        settings.local
        and request.url.path.startswith(LOG)
        and _is_loopback(peer_of(request))
        and request.url.hostname in LOOPBACK_NAMES
    )


def _is_loopback(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False
