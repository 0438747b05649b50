"""Time in: opens the log, looks for what is missing, and tells each service by the hour how far
the record covers it."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from audit import gaps, proofs, queries, rows, streams
from audit.log import Log, NotOurPast
from audit.witnesses import Ahead, Contradicts, Witness
from shared import clock, housekeeping
from shared.consumer import Ends
from shared.contracts import OWNERS
from shared.contracts.audit import RecordedThrough
from shared.contracts.platform import StreamHead
from shared.outbox import emit
from shared.runtime import Runtime

log = structlog.get_logger()

EVERY_SECONDS = 1.0
LOOK_EVERY_SECONDS = 5.0
SURE_AFTER_SECONDS = 60.0


@dataclass(frozen=True)
class Question:
    """Services that seem silent, and where their topics ended then: once all of that was heard, a
    statement that had been made would have been."""

    services: frozenset[str]
    ends: Ends
    asked_at: float


class Watch:
    """Looks for gaps, and for services that no longer state anything.

    Nobody is silent because audit was behind, asleep or just started: a silence is told when it
    was seen twice, a minute of this process's own time apart, and all in between was heard.
    """

    def __init__(
        self,
        runtime: Runtime,
        silent_after: timedelta,
        owners: Sequence[str] = OWNERS,
        sure_after: float = SURE_AFTER_SECONDS,
    ) -> None:
        self._runtime = runtime
        self._silent_after = silent_after
        self._owners = owners
        self._sure_after = sure_after
        self._question: Question | None = None
        self._looked_at = float("-inf")

    async def look(self) -> None:
        if time.monotonic() - self._looked_at < LOOK_EVERY_SECONDS:
            return
        await self.look_now()
        self._looked_at = time.monotonic()

    async def look_now(self) -> None:
        async with self._runtime.db.transaction() as session:
            await gaps.look(session, self._owners)
            found = await queries.overdue(session, self._owners, self._silent_after)
        await self._doubt(frozenset(one.service for one in found))

    async def _doubt(self, services: frozenset[str]) -> None:
        asked = self._question
        if not services:
            self._question = None
        elif asked is None or not services & asked.services:
            ends = await self._runtime.consumer.ends(self._owners)
            asking = Question(services, ends, time.monotonic()) if ends is not None else None
            self._question = asking
        elif await self._answered(asked):
            self._question = None
            async with self._runtime.db.transaction() as session:
                await gaps.tell_silent(session, self._owners, asked.services, self._silent_after)

    async def _answered(self, asked: Question) -> bool:
        if time.monotonic() - asked.asked_at < self._sure_after:
            return False
        return await self._runtime.consumer.hear_through(asked.ends, 0)


async def run(the_log: Log, runtime: Runtime, every: timedelta, silent_after: timedelta) -> None:
    """Until cancelled. A log that is not what it was is not opened; /readyz says so."""
    runtime.ready_checks["log"] = lambda: the_log.problem
    watch = Watch(runtime, silent_after)
    while True:
        try:
            await the_log.open(runtime.db)
            async with runtime.db.transaction() as session:
                await tell_recorded(session, every)
            await watch.look()
        except NotOurPast:
            return
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("the ticker waits", error=repr(error))
        await asyncio.sleep(EVERY_SECONDS)


async def copy(the_log: Log, runtime: Runtime, every: float) -> None:
    """Until cancelled: checkpoints leave for the stores of copies, beside everything else, so that
    a store that hangs holds up nothing. /readyz says when one does not answer."""
    problem: str | None = None
    runtime.ready_checks["copies"] = lambda: problem
    while True:
        try:
            await the_log.copy(runtime.db)
            problem = None
        except NotOurPast as error:
            problem = str(error)
            return
        except (DBAPIError, OSError, TimeoutError) as error:
            problem = f"a checkpoint could not be copied: {error}"
            log.error("a checkpoint could not be copied", error=repr(error))
        await asyncio.sleep(every)


async def witness(
    the_log: Log, runtime: Runtime, witnesses: Sequence[Witness], every: float
) -> None:
    """Until cancelled: witnesses are shown newer checkpoints, beside everything else. One that is
    away stops nothing and is told in /readyz; one that signed for another past closes the log."""
    problems: dict[str, str] = {}
    runtime.ready_checks["witnesses"] = lambda: "; ".join(problems.values()) or None
    while witnesses:
        for one in witnesses:
            try:
                await _show(runtime, one)
                problems.pop(one.name, None)
            except Contradicts as error:
                the_log.closed(str(error))
                problems[one.name] = str(error)
                return
            except (DBAPIError, OSError, TimeoutError) as error:
                problems[one.name] = str(error)
                log.error("a witness did not sign", witness=one.name, error=repr(error))
        await asyncio.sleep(every)


async def _show(runtime: Runtime, one: Witness) -> None:
    """Dying before the cosignature is kept leaves the witness ahead of what we know: asked again,
    it says its size, and the proof is made from there."""
    async with runtime.db.transaction() as session:
        head, old = await rows.newest(session), await rows.cosigned(session, one.name)
    if head is None or head.checkpoint.size in (0, old):
        return

    async def prove(first: int, size: int) -> Sequence[bytes]:
        async with runtime.db.transaction() as session:
            return await proofs.consistency(session, first, size) if 0 < first < size else []

    try:
        found = await one.ask(runtime.http, head.checkpoint, head.note, old, prove)
    except Ahead as error:
        async with runtime.db.transaction() as session:
            if await proofs.size(session) >= error.signed:
                return  # another replica showed it a newer one in between
        raise
    async with runtime.db.transaction() as session:
        await rows.keep_cosignature(session, head.checkpoint.size, one.name, found.line, found.at)


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
