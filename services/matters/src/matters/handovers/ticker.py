"""Time in: does the parts of handovers, one after the other, until there are none."""

import asyncio

import structlog
from sqlalchemy.exc import DBAPIError

from matters.handovers import actions
from shared.runtime import Runtime

log = structlog.get_logger()

EVERY_SECONDS = 0.5


async def run(runtime: Runtime) -> None:
    """Until cancelled; a database that is away is waited for. Replicas leave each other's be."""
    while True:
        try:
            while await _part(runtime):
                pass
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("handovers wait", error=repr(error))
        await asyncio.sleep(EVERY_SECONDS)


async def _part(runtime: Runtime) -> bool:
    async with runtime.db.transaction() as session:
        return await actions.go_on(session)
