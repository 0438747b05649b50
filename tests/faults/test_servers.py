"""Servers are killed and frozen while facts are under way: none is lost, none happens twice."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from privity import servers
from shared.db import Database, server_settings
from shared.ids import new_id
from support.machinery import (
    MessagingSettings,
    SlaMonitorSettings,
    database,
    effects,
    keeping,
    service_of,
    tell,
    with_effects,
)
from support.platform import Platform
from support.running import Running, running
from support.waiting import eventually

FROZEN = Path(__file__).parents[1] / "support" / "frozen.py"


@pytest.fixture
def place(folder: Path, tmp_path: Path) -> Path:
    return folder / tmp_path.name


@pytest.fixture
async def own(place: Path, platform: Platform) -> AsyncIterator[Platform]:
    """Servers of this test's own, to be killed."""
    postgres = servers.start_postgres(place / "postgres", servers.free_port(), fast=True)
    kafka = servers.start_kafka(place / "kafka", servers.free_port())
    made = Platform(postgres, kafka, platform.issuer, platform.keys)
    await made.prepare()
    yield made
    made.kafka.stop()
    made.postgres.stop()


@asynccontextmanager
async def teller_and_hearer(own: Platform) -> AsyncIterator[tuple[Running, Running]]:
    prefix = await own.topics()
    teller = await own.settings(MessagingSettings, prefix, machinery_only=True)
    hearer = await own.settings(SlaMonitorSettings, prefix, machinery_only=True)
    await with_effects(own, hearer)
    async with (
        running(service_of, teller) as messaging,
        running(lambda s: service_of(s, keeping()), hearer) as sla,
    ):
        yield messaging, sla


class Writing:
    """Writes without pause and keeps a ledger of what was committed, outside the platform."""

    def __init__(self, db: Database, clients: int = 6) -> None:
        self._db = db
        self.ledger: dict[UUID, list[int]] = {new_id(): [] for _ in range(clients)}
        self.failures = 0
        self._stop = False

    async def run(self) -> None:
        number = 0
        while not self._stop:
            number += 1
            for client, committed in self.ledger.items():
                try:
                    await tell(self._db, client, number)
                except (DBAPIError, OSError, TimeoutError):
                    self.failures += 1
                    await asyncio.sleep(0.05)
                else:
                    committed.append(number)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self._stop = True
            await task

    @property
    def count(self) -> int:
        return sum(map(len, self.ledger.values()))


async def all_arrived(writing: Writing, sla: Running) -> None:
    """What was acknowledged took effect once and in order. What was not may have been stored:
    then it took effect once too (its commit was reached, its answer was not)."""

    async def missing() -> int:
        found = await effects(sla.runtime.db)
        return sum(
            number not in found.get(client, ())
            for client, committed in writing.ledger.items()
            for number in committed
        )

    await eventually(missing, lambda count: count == 0, seconds=60)
    await asyncio.sleep(1)
    for client, happened in (await effects(sla.runtime.db)).items():
        assert happened == sorted(set(happened)), f"{client}: twice or out of order"


async def test_a_broker_killed_for_longer_than_every_time_out_loses_nothing(
    own: Platform, place: Path
) -> None:
    async with teller_and_hearer(own) as (messaging, sla):
        writing = Writing(messaging.runtime.db)
        async with writing.going_on():
            await eventually(lambda: count_of(sla), lambda found: found > 50)
            os.kill(own.kafka.pid, signal.SIGKILL)
            before = writing.count
            own.kafka.stop()
            await asyncio.sleep(7)
            assert writing.count > before, "nothing was written while the broker was dead"
            port = int(own.kafka.bootstrap.rpartition(":")[2])
            own.kafka = servers.start_kafka(place / "kafka", port)
            await asyncio.sleep(2)
        await all_arrived(writing, sla)


async def test_a_frozen_broker_is_waited_for(own: Platform) -> None:
    async with teller_and_hearer(own) as (messaging, sla):
        writing = Writing(messaging.runtime.db)
        async with writing.going_on():
            await eventually(lambda: count_of(sla), lambda found: found > 50)
            os.kill(own.kafka.pid, signal.SIGSTOP)
            await asyncio.sleep(5)
            os.kill(own.kafka.pid, signal.SIGCONT)
            await asyncio.sleep(1)
        await all_arrived(writing, sla)


async def test_a_database_server_killed_in_the_middle_of_commits_keeps_every_promise(
    own: Platform, place: Path
) -> None:
    async with teller_and_hearer(own) as (messaging, sla):
        writing = Writing(messaging.runtime.db)
        async with writing.going_on():
            await eventually(lambda: count_of(sla), lambda found: found > 50)
            os.kill(own.postgres.pid, signal.SIGKILL)
            own.postgres.stop()
            await asyncio.sleep(1)
            port = int(own.postgres.url.rpartition(":")[2].partition("/")[0])
            own.postgres = servers.start_postgres(place / "postgres", port, fast=True)
            before = writing.count
            await eventually(lambda: counted(writing), lambda found: found > before + 50)
        assert writing.failures, "the kill hit no transaction: nothing was tested"
        await all_arrived(writing, sla)


async def counted(writing: Writing) -> int:
    return writing.count


async def count_of(sla: Running) -> int:
    return sum(map(len, (await effects(sla.runtime.db)).values()))


async def test_a_frozen_holder_of_a_streams_head_is_dropped_by_the_database(
    platform: Platform,
) -> None:
    settings = await platform.settings(
        MessagingSettings, machinery_only=True, idle_in_transaction_timeout=2.0
    )
    idle = server_settings(settings)["idle_in_transaction_session_timeout"]
    holder = subprocess.Popen(
        [sys.executable, "-P", str(FROZEN), settings.database_url, idle],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        async with database(settings) as db:
            started = time.monotonic()
            await tell(db, new_id(), 1)
            assert 0.5 < time.monotonic() - started < 30  # transaction_timeout is 60
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout:
            holder.stdout.close()
