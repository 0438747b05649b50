"""Time in: hands over part by part, tells what can no longer be taken back, releases what was
approved, ends what a consent allowed until its date.

It holds nothing in memory: what is due stands in the rows, so a restart goes on where it was.
"""

import asyncio

import structlog
from sqlalchemy.exc import DBAPIError

import matters.consents.actions as consents
import matters.handovers.actions as handovers
import matters.milestones.actions as milestones
import matters.milestones.queries as happened
import matters.updates.actions as updates
import matters.updates.queries as written
from shared import clock
from shared.errors import Unavailable
from shared.keyring import KeyNotHeld
from shared.runtime import Runtime

log = structlog.get_logger()

EVERY_SECONDS = 0.5
AT_ONCE = 50


async def run(runtime: Runtime) -> None:
    """Until cancelled; a database or keyring that is away is waited for. Replicas leave each
    other's rows be."""
    while True:
        try:
            while await tick(runtime):
                pass
        except (DBAPIError, OSError, TimeoutError, Unavailable) as error:
            log.warning("what is due in matters waits", error=repr(error))
        await asyncio.sleep(EVERY_SECONDS)


async def tick(runtime: Runtime) -> bool:
    """One part of each; whether there may be more."""
    parts = (_hand_over, _tell, _release, _lapse)
    return any([await part(runtime) for part in parts])


async def _hand_over(runtime: Runtime) -> bool:
    async with runtime.db.transaction() as session:
        return await handovers.go_on(session)


async def _tell(runtime: Runtime) -> bool:
    """Keys are fetched before the transaction that needs them. Dying before the commit tells
    nothing: the next tick finds the same rows."""
    async with runtime.db.transaction() as looking:
        due = await happened.untold(looking, await clock.database_now(looking), AT_ONCE)
        concerned = {one.client_id for one in due}
    if not concerned:
        return False
    await runtime.keys.hold(*concerned)
    async with runtime.db.transaction() as session:
        due = await happened.untold(session, await clock.database_now(session), AT_ONCE)
        for one in due:
            if one.client_id not in concerned:
                continue  # became due in between: next time
            try:
                runtime.keys.key(one.client_id)
            except KeyNotHeld:
                log.error("what happened is told to nobody", happening_id=str(one.happening_id))
                await milestones.never_tell(session, one)
                continue
            await milestones.tell(session, one)
    return len(due) == AT_ONCE


async def _release(runtime: Runtime) -> bool:
    async with runtime.db.transaction() as session:
        due = await written.unreleased(session, await clock.database_now(session), AT_ONCE)
        for one in due:
            updates.release(session, one)
    return len(due) == AT_ONCE


async def _lapse(runtime: Runtime) -> bool:
    async with runtime.db.transaction() as session:
        return await consents.lapse(session, AT_ONCE) == AT_ONCE
