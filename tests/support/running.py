"""Services in this process, whole: lifespan, relay, consumer, doors; spoken to over ASGI or
sockets."""

import signal
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from privity import tokens
from privity.keys import signing_key
from shared.runtime import Runtime
from shared.settings import Settings
from support.platform import Platform


@dataclass
class Running:
    """A running service: its runtime, and an HTTP client at its door."""

    runtime: Runtime
    http: httpx2.AsyncClient


@contextmanager
def no_task_dies() -> Iterator[None]:
    """A task that dies ends its process, which here runs the tests: it fails this one instead."""
    died: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: died.append(traceback.format_exc()))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not died, f"a task of the service died: {died[0]}"


@asynccontextmanager
async def running(
    create_app: Callable[[Any], FastAPI], settings: Settings
) -> AsyncIterator[Running]:
    app = create_app(settings)
    with no_task_dies():
        async with app.router.lifespan_context(app) as state:
            assert state is not None
            shared_state = dict(state)

            async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
                scope["state"] = dict(shared_state)
                await app(scope, receive, send)

            transport = httpx2.ASGITransport(app=with_state, raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url="http://service") as http:
                yield Running(shared_state["runtime"], http)


def token(platform: Platform, role: str, **claims: Any) -> str:
    """A token of the test session's issuer; see privity.tokens.mint."""
    return tokens.mint(signing_key(platform.keys / "issuer"), platform.issuer, role, **claims)


def bearer(platform: Platform, role: str, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(platform, role, **claims)}"}
