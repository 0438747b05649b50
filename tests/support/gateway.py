"""The gateway on a real socket, in front of whatever listens at the given addresses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import uvicorn
from starlette.types import ASGIApp

from gateway.app import create_app
from gateway.settings import GatewaySettings
from privity import servers
from support.platform import Platform

SERVICES = ("matters", "sla_monitor", "messaging", "billing", "audit", "intake")


@asynccontextmanager
async def listening(app: ASGIApp, port: int | None = None) -> AsyncIterator[str]:
    """The application on a socket; gives its address."""
    port = port or servers.free_port()
    config = uvicorn.Config(
        app, "127.0.0.1", port, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "the application did not start"
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def gateway(platform: Platform, **given: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a gateway; services that are not given are away."""
    settings: dict[str, Any] = {
        "privity_profile": "local",
        "oidc_issuer": platform.issuer,
        "otel_traces_sampler_arg": 1.0,
        "gateway_watch_every": 0.2,
        **{f"{name}_url": f"http://127.0.0.1:{servers.free_port()}" for name in SERVICES},
        **given,
    }
    async with (
        listening(create_app(GatewaySettings(**settings))) as url,
        httpx2.AsyncClient(base_url=url, timeout=20, trust_env=False) as http,
    ):
        yield http
