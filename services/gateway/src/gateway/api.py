"""HTTP in: health, the documents, and everything that the services answer."""

from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from opentelemetry import trace
from starlette.exceptions import HTTPException

from gateway.callers import admit, peer_of
from gateway.documents import merged
from gateway.forwarding import ServiceUnavailable, forward
from gateway.rates import Rates
from gateway.routes import Route
from gateway.services import Services
from gateway.settings import GatewaySettings
from shared.auth import Authenticator
from shared.contracts.documents import asyncapi
from shared.errors import NotFound

router = APIRouter()


@dataclass(frozen=True)
class Gateway:
    """Made once per process, by `app`; requests find it at `request.state.gateway`."""

    settings: GatewaySettings
    services: Services
    auth: Authenticator
    rates: Rates
    http: httpx2.AsyncClient


@router.get("/healthz", tags=["health"])
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get(
    "/readyz", tags=["health"], responses={503: {"description": "not ready; `checks` says why"}}
)
async def readyz(request: Request) -> JSONResponse:
    """Whether every service behind the gateway is ready, and if not, which is not."""
    gateway: Gateway = request.state.gateway
    problems = {name: one.problem for name, one in gateway.services.known.items()}
    ready = not any(problems.values())
    checks = {name: problem or "ok" for name, problem in problems.items()}
    return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)


@router.get("/openapi.json", tags=["documents"])
async def get_openapi(request: Request) -> dict[str, Any]:
    """Every call of the platform, as the services that are there describe theirs."""
    gateway: Gateway = request.state.gateway
    await gateway.rates.spend_anonymous(peer_of(request))
    return merged(request.app.openapi(), gateway.services.documents)


@router.get("/asyncapi.json", tags=["documents"])
async def get_asyncapi(request: Request) -> dict[str, Any]:
    """Every event of the platform."""
    gateway: Gateway = request.state.gateway
    await gateway.rates.spend_anonymous(peer_of(request))
    return asyncapi()


@router.api_route(
    "/v1/{path:path}",
    methods=["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"],
    include_in_schema=False,
)
async def pass_on(request: Request) -> Response:
    gateway: Gateway = request.state.gateway
    route = _route(request, gateway.services)
    trace.get_current_span().update_name(f"{request.method} {route.template}")
    await admit(request, route, gateway.settings, gateway.auth, gateway.rates)
    url = gateway.services.known[route.service].url
    return await forward(request, route, url, gateway.http, gateway.settings.gateway_timeout)


def _route(request: Request, services: Services) -> Route:
    found = services.table.find(request.method, request.scope["raw_path"].decode("latin-1"))
    if found.route:
        return found.route
    if found.methods:
        allowed = {"Allow": ", ".join(sorted(found.methods))}
        raise HTTPException(405, "This path has other methods; see Allow.", allowed)
    if not services.all_described:
        raise ServiceUnavailable("Not every service is there yet; see /readyz.")
    raise NotFound("There is no such path; see /openapi.json.")
