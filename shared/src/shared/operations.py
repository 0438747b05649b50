"""The doors of every service for those who run it: health, readiness, parked events."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import parking
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.inbox import handle, hear, hold_keys
from shared.policy import PolicyTable, permit
from shared.runtime import Runtime

POLICY: PolicyTable = {"handle parked events": {"operations": "any"}}
MAY = "handle parked events"

health = APIRouter(tags=["health"])
parked = APIRouter(prefix="/v1/parked", tags=["operations"], route_class=IdempotentRoute)


@health.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@health.get("/readyz", responses={503: {"description": "not ready; `checks` says why"}})
async def readyz(request: Request) -> JSONResponse:
    """Whether this service can keep its promises now, and if not, why."""
    checks = await _checks(request.state.runtime)
    ready = all(value is None for value in checks.values())
    body = {"ready": ready, "checks": {name: value or "ok" for name, value in checks.items()}}
    return JSONResponse(body, 200 if ready else 503)


async def _checks(runtime: Runtime) -> dict[str, str | None]:
    relay, consumer = runtime.relay.state, runtime.consumer.state
    stopped = f"stopped streams: {sorted(relay.stopped_partitions)}"
    return {
        "database": await _database_check(runtime),
        "relay": relay.refused or (stopped if relay.stopped_partitions else None),
        "consumer": consumer.stopped or (None if consumer.polled_at else "not polling yet"),
        **{name: check() for name, check in runtime.ready_checks.items()},
    }


async def _database_check(runtime: Runtime) -> str | None:
    try:
        async with asyncio.timeout(3), runtime.db.transaction() as session:
            await session.execute(text("SELECT 1"))
    except Exception as error:  # noqa: BLE001 - any failure is the answer
        return type(error).__name__
    return None


@parked.get("")
async def list_parked(caller: Caller, session: Transaction) -> dict[str, Any]:
    """Events that this service could not handle, oldest first, with what is wrong."""
    permit(POLICY, caller, MAY)
    return {"items": await parking.waiting(session), "next": None}


@parked.get("/{event_id}")
async def show_parked(event_id: UUID, caller: Caller, session: Transaction) -> dict[str, Any]:
    """One parked event, and how many of its key wait with it."""
    permit(POLICY, caller, MAY)
    rows = await parking.of_the_same_key(session, event_id)
    shown = [row for row in rows if row["event_id"] == str(event_id)]
    if not shown:
        raise NotFound("No such event is parked here.")
    without_value = {name: value for name, value in shown[0].items() if name != "value"}
    return without_value | {"waiting_with_it": len(rows)}


@parked.post("/{event_id}/replay")
async def replay_parked(
    event_id: UUID, caller: Caller, request: Request, session: Transaction
) -> dict[str, int]:
    """Handle all parked events of its key again, in order, all or none."""
    permit(POLICY, caller, MAY)
    return {"replayed": await replay(request.state.runtime, session, event_id)}


async def replay(runtime: Runtime, session: AsyncSession, event_id: UUID) -> int:
    """How many were handled. They were taken into the inbox when they were parked."""
    rows = await parking.of_the_same_key(session, event_id)
    if not rows:
        raise NotFound("No such event is parked here.")
    for row in rows:
        heard = hear(runtime.handlers, parking.record_of(row))
        if heard is None or heard.event is None:
            reason = heard.problem if heard else "nobody listens to it"
            raise Invalid(f"{row['event_id']} still cannot be handled: {reason}")
        await hold_keys(runtime.keys, runtime.db, [heard])
        await handle(session, heard)
        await parking.mark_replayed(session, row)
    return len(rows)
