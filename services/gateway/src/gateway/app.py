"""The composition root: what the gateway is made of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import httpx2
from fastapi import FastAPI

from gateway import api
from gateway.api import Gateway
from gateway.rates import Rates
from gateway.services import Services
from gateway.settings import GatewaySettings
from shared import errors, telemetry
from shared.app import be_global, run_or_die
from shared.auth import Authenticator

# Shorter than uvicorn keeps a connection open (5 s), so that none is used while it is being closed.
KEEP_ALIVE_SECONDS = 2.0


class State(TypedDict):
    gateway: Gateway


def create_app(settings: GatewaySettings | None = None) -> FastAPI:
    settings = settings or GatewaySettings()
    provider = telemetry.tracer_provider(settings)
    telemetry.configure_logging(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        be_global(provider)
        async with _client(settings) as http:
            services = Services(settings, http)
            await services.look()
            watching = asyncio.create_task(
                run_or_die("services", services.watch()), name="services"
            )
            auth, rates = Authenticator(settings, http), Rates(settings)
            yield State(gateway=Gateway(settings, services, auth, rates, http))
            watching.cancel()
            await asyncio.wait([watching])
        provider.force_flush(2000)

    app = FastAPI(
        title="Privity",
        version="1",
        lifespan=lifespan,
        telemetry=telemetry.http_telemetry(provider),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    errors.install(app, settings.max_body_bytes)
    app.include_router(api.router)
    return app


def _client(settings: GatewaySettings) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(settings.gateway_timeout, connect=settings.gateway_connect_timeout),
        limits=httpx2.Limits(max_connections=200, keepalive_expiry=KEEP_ALIVE_SECONDS),
        trust_env=False,
        follow_redirects=False,
    )
