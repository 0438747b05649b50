"""Time in: opens the log, and tells each service by the hour how far the record covers it."""

import asyncio
from collections import defaultdict
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from audit import streams
from audit.log import Log, NotOurPast
from shared import clock, housekeeping
from shared.contracts.audit import RecordedThrough
from shared.contracts.platform import StreamHead
from shared.outbox import emit
from shared.runtime import Runtime

log = structlog.get_logger()

EVERY_SECONDS = 1.0


async def run(the_log: Log, runtime: Runtime, every: timedelta) -> None:
    """Until cancelled. A log that is not what it was is not opened; /readyz says so."""
    runtime.ready_checks["log"] = lambda: the_log.problem
    while True:
        try:
            await the_log.open(runtime.db)
            async with runtime.db.transaction() as session:
                await tell_recorded(session, every)
        except NotOurPast:
            return
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("the ticker waits", error=repr(error))
        await asyncio.sleep(EVERY_SECONDS)


async def tell_recorded(session: AsyncSession, every: timedelta) -> None:
    """One RecordedThrough for each service, when the last is `every` old. With several replicas
    one of them does it: the row of the last time is locked."""
    due = await session.execute(
        text("""
            UPDATE recorded_through SET told_at = :now WHERE one_row IN (
                SELECT one_row FROM recorded_through WHERE told_at <= :before
                FOR UPDATE SKIP LOCKED)
            RETURNING told_at
        """),
        {"now": clock.now(), "before": clock.now() - every},
    )
    if due.one_or_none() is None:
        return
    for service, heads in (await _recorded(session)).items():
        event = RecordedThrough(service=service, heads=tuple(heads), recorded_at=clock.now())
        emit(session, event)
        if service == session.info["service"]:
            await housekeeping.note_recorded(session, event)


async def _recorded(session: AsyncSession) -> dict[str, list[StreamHead]]:
    heads: dict[str, list[StreamHead]] = defaultdict(list)
    for (service, partition, epoch), known in (await streams.all_progress(session)).items():
        heads[service].append(
            StreamHead(partition=partition, epoch=epoch, last_sequence=known.contiguous)
        )
    return heads
