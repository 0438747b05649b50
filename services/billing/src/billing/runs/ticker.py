"""Time in: works off what is pending of any run, several matters at a time, until nothing is
left."""

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from billing.directory import queries as directory
from billing.runs import actions
from billing.runs.models import RunMatter
from shared.errors import Refusal, Unavailable
from shared.keyring import KeyNotHeld
from shared.runtime import Runtime

log = structlog.get_logger()

AT_ONCE = 4
CLAIMED = 40
LOOK_AGAIN_SECONDS = 5.0
AFTER_TROUBLE_SECONDS = 1.0


async def run(runtime: Runtime) -> None:
    """Until cancelled; a database or keyring that is away is waited for."""
    news = runtime.db.news()
    while True:
        try:
            while await work_off(runtime):
                pass
        except (DBAPIError, OSError, Unavailable) as error:
            log.warning("billing runs wait", error=repr(error))
            await asyncio.sleep(AFTER_TROUBLE_SECONDS)
        try:
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await news.wait()
            news.clear()
        except TimeoutError:
            continue


async def work_off(runtime: Runtime) -> int:
    """One batch; how many matters there were."""
    async with runtime.db.transaction() as session:
        found = await session.execute(
            select(RunMatter)
            .where(col(RunMatter.state) == "pending")
            .order_by(col(RunMatter.run_id), col(RunMatter.matter_id))
            .limit(CLAIMED)
        )
        waiting: Sequence[RunMatter] = found.scalars().all()
        owners = await directory.entries(session, *(one.client_id for one in waiting))
    await runtime.keys.hold(*owners)
    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_bill(runtime, one, gate) for one in waiting))
    return len(waiting)


async def _bill(runtime: Runtime, one: RunMatter, gate: asyncio.Semaphore) -> None:
    async with gate:
        try:
            async with runtime.db.transaction() as session:
                await actions.bill(session, one.run_id, one.matter_id)
        except (Refusal, KeyNotHeld) as error:
            code = error.code if isinstance(error, Refusal) else "key-not-held"
            log.warning("a matter was not billed", matter_id=str(one.matter_id), code=code)
            async with runtime.db.transaction() as session:
                await actions.give_up(session, one.run_id, one.matter_id, code)
