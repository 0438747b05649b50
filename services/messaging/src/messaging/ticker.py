"""Time in: what became due is done, each kind by its own room. One look at the tables says which
kinds have something to do, so that an idle service asks once."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from messaging.acknowledgments.ticker import write_due_groups
from messaging.conversations.ticker import file_what_is_due
from messaging.outbound.postponed import hear_again
from messaging.outbound.quiet_hours import release
from shared import clock
from shared.errors import Unavailable
from shared.runtime import Runtime

log = structlog.get_logger()

EVERY_SECONDS = 0.5

WORK: dict[str, Callable[[Runtime], Awaitable[object]]] = {
    "heard again": hear_again,
    "acknowledged": write_due_groups,
    "filed": file_what_is_due,
    "released": release,
}
_DUE = text("""
    SELECT EXISTS (SELECT FROM postponed_events WHERE due_at <= now()) AS "heard again",
           EXISTS (SELECT FROM acknowledgments WHERE state = 'waiting' AND compose_at <= :now)
               AS acknowledged,
           EXISTS (SELECT FROM filings_due) AS filed,
           EXISTS (SELECT FROM outbound_messages WHERE state = 'held' AND held_until <= :now)
               AS released
""")


async def tick(runtime: Runtime) -> None:
    """Until cancelled. Several replicas may do it: rows are locked, and a purpose is one mail."""
    while True:
        try:
            due = await _due(runtime)
        except (DBAPIError, OSError) as error:
            log.warning("what is due waits for the database", error=repr(error))
            due = []
        for kind in due:
            await _do(runtime, kind)
        await asyncio.sleep(EVERY_SECONDS)


async def _due(runtime: Runtime) -> list[str]:
    async with runtime.db.transaction() as session:
        row = (await session.execute(_DUE, {"now": clock.now()})).mappings().one()
    return [kind for kind, is_due in row.items() if is_due]


async def _do(runtime: Runtime, kind: str) -> None:
    """One kind that cannot go on now stands in no other's way."""
    try:
        await WORK[kind](runtime)
    except (DBAPIError, OSError, Unavailable) as error:
        log.warning("what is due waits", kind=kind, error=repr(error))
