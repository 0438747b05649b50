"""How a service runs: its doors, its memory and its machinery in one process that dies as a
whole.

`create_service` is called by each service's `create_app` and nowhere else. What runs beside
HTTP (relay, consumer, housekeeping, the service's own loops) are tasks; if one fails, the
process ends and is started again, so that /readyz never lies about a half-dead service.
"""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypedDict

import httpx2
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy.ext.asyncio import AsyncSession

from shared import accesses, clock, errors, housekeeping, operations, telemetry
from shared.auth import Authenticator
from shared.consumer import POLL_RECORDS, Apply, Consumer
from shared.contracts import FIRM_ID
from shared.contracts.audit import RecordedThrough
from shared.db import Database
from shared.errors import Forbidden
from shared.handlers import Handlers
from shared.inbox import Inbox
from shared.keyring import FileKeyProvider, Keyring
from shared.leavers import FormerStaff, Leavers
from shared.relay import Relay
from shared.runtime import Runtime
from shared.settings import Settings

log = structlog.get_logger()

Task = Callable[[Runtime], Coroutine[Any, Any, None]]


class State(TypedDict):
    runtime: Runtime


@dataclass(frozen=True)
class Service:
    """What a service is made of. `tasks` run beside HTTP until they are cancelled. `owners` and
    `apply` replace the handlers' owners and the inbox (audit, which records bytes); `poll_records`
    is how many records one poll, which is one transaction, may hold; `former_staff` is how its
    directory tells who has left."""

    settings: Settings
    routers: Sequence[APIRouter] = ()
    handlers: Handlers = field(default_factory=Handlers)
    tasks: Sequence[Task] = ()
    owners: Sequence[str] | None = None
    apply: Callable[[Database, Keyring], Apply] | None = None
    poll_records: int = POLL_RECORDS
    former_staff: FormerStaff | None = None


def create_service(service: Service) -> FastAPI:
    settings = service.settings
    handlers = Handlers()
    handlers.include(service.handlers)
    handlers.on(RecordedThrough)(_note_recorded(settings.service))
    provider = telemetry.tracer_provider(settings)
    telemetry.configure_logging(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        be_global(provider)
        clock.follow(settings.clock_offset_file if settings.local else None)
        async with AsyncExitStack() as stack:
            runtime = await _open(service, handlers, stack)
            app.state.runtime = runtime
            stack.push_async_callback(_end, _start(service, runtime))
            be_settled()
            yield State(runtime=runtime)
        provider.force_flush(2000)

    app = FastAPI(
        title=f"Privity {settings.service}",
        version="1",
        lifespan=lifespan,
        telemetry=telemetry.http_telemetry(provider),
        docs_url=None,
        redoc_url=None,
    )
    errors.install(app, settings.max_body_bytes)
    app.add_exception_handler(Forbidden, _forbidden)
    for router in (operations.health, operations.parked, *service.routers):
        app.include_router(router)
    return app


def be_global(provider: TracerProvider) -> None:
    """Spans made outside of HTTP go there too; the first application of a process decides."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(provider)


def be_settled() -> None:
    """What a start has made stays as long as its process: the garbage collector does not look
    through it again, which took a tenth of a second in the middle of one request in two hundred.
    Once in a process, so that what an application leaves behind in it can be collected."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


async def _open(service: Service, handlers: Handlers, stack: AsyncExitStack) -> Runtime:
    settings = service.settings
    provider = FileKeyProvider(settings.kek_file)
    keys = Keyring(settings.keyring_database_url.get_secret_value(), provider)
    await keys.open()
    stack.push_async_callback(keys.close)
    await keys.hold(FIRM_ID, create=True)
    http = await stack.enter_async_context(httpx2.AsyncClient(timeout=10))
    auth = Authenticator(settings, http)
    db = Database(settings, keys=keys, auth=auth)
    stack.push_async_callback(db.close)
    apply = service.apply(db, keys) if service.apply else Inbox(settings, db, keys, handlers).apply
    owners = handlers.owners if service.owners is None else service.owners
    topics = [settings.topic(owner) for owner in owners]
    relay = Relay(settings, db)
    consumer = Consumer(settings, db, topics, apply, service.poll_records)
    leavers = Leavers(db, service.former_staff) if service.former_staff else None
    if leavers:
        await leavers.look()
    return Runtime(settings, db, keys, auth, http, handlers, relay, consumer, leavers)


def _start(service: Service, runtime: Runtime) -> list[asyncio.Task[None]]:
    running: list[tuple[str, Coroutine[Any, Any, None]]] = [
        ("relay", runtime.relay.run()),
        ("consumer", runtime.consumer.run()),
        ("housekeeping", housekeeping.run(service.settings, runtime.db)),
    ]
    if runtime.leavers:
        running.append(("leavers", runtime.leavers.run()))
    running += [(task.__module__, task(runtime)) for task in service.tasks]
    return [asyncio.create_task(run_or_die(name, one), name=name) for name, one in running]


async def run_or_die(name: str, running: Awaitable[None]) -> None:
    """A task that fails takes the process with it: whoever started it starts it again. One that
    fails while it is being cancelled ends with a process that ends already."""
    task = asyncio.current_task()
    try:
        await running
    except Exception:
        log.critical("a task died, so does the service", task=name, exc_info=True)
        if task is None or not task.cancelling():
            os.kill(os.getpid(), signal.SIGTERM)
        raise


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    running = set(tasks)
    while running:  # a cancellation can be swallowed in a library's clean-up; then it is repeated
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=3)


def _note_recorded(service: str) -> Callable[[AsyncSession, RecordedThrough], Awaitable[None]]:
    async def on_recorded_through(session: AsyncSession, event: RecordedThrough) -> None:
        if event.service == service:
            await housekeeping.note_recorded(session, event)

    return on_recorded_through


async def _forbidden(request: Request, error: Exception) -> Response:
    assert isinstance(error, Forbidden)
    if identity := getattr(request.state, "caller", None):
        action = str(error.members.get("action", request.url.path))
        await accesses.record_denial(request.state.runtime.db, identity, action)
    return errors.problem(error.status, error.code, error.detail)
