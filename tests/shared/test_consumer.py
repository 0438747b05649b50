"""What a consumer can say of what it has heard: all before an instant, and how far each stream."""

import asyncio
from collections.abc import Sequence

import asyncpg
from aiokafka import ConsumerRecord
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumer import Consumer
from shared.contracts import PARTITIONS, partition_of
from shared.contracts.messaging import NoteWritten
from shared.db import Database
from shared.handlers import Handlers
from shared.ids import new_id
from support.machinery import (
    MessagingSettings,
    SlaMonitorSettings,
    effects,
    keep_effect,
    keeping,
    number_sent,
    service_of,
    tell,
    with_effects,
)
from support.platform import Platform
from support.running import running
from support.waiting import eventually


async def test_ends_that_were_read_once_are_passed_whatever_is_said_later(
    platform: Platform, prefix: str
) -> None:
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    hearer = await platform.settings(SlaMonitorSettings, prefix, machinery_only=True)
    await with_effects(platform, hearer)
    handlers, may_go_on, client = Handlers(), asyncio.Event(), new_id()

    @handlers.on(NoteWritten)
    async def on_note_written(session: AsyncSession, event: NoteWritten) -> None:
        if event.body.field == "3":
            await may_go_on.wait()
        await keep_effect(session, event)

    async with (
        running(service_of, teller) as messaging,
        running(lambda s: service_of(s, handlers), hearer) as sla,
    ):
        consumer = sla.runtime.consumer
        await tell(messaging.runtime.db, client, 1, 2)
        await eventually(lambda: effects(sla.runtime.db))
        before = await consumer.ends(["messaging"])
        assert before is not None
        assert await consumer.hear_through(before, within=5)
        await tell(messaging.runtime.db, client, 3)
        after = await eventually(lambda: consumer.ends(["messaging"]), lambda ends: ends != before)
        assert after is not None
        assert await consumer.hear_through(before, within=0), "what follows postpones nothing"
        assert not await consumer.hear_through(after, within=0.2)
        may_go_on.set()
        assert await consumer.hear_through(after, within=5)


async def test_a_poll_holds_no_more_records_than_its_service_said(
    platform: Platform, prefix: str
) -> None:
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    hearer = await platform.settings(SlaMonitorSettings, prefix, machinery_only=True)
    polls: list[int] = []

    async def apply(records: Sequence[ConsumerRecord]) -> None:
        polls.append(len(records))

    async def heard() -> int:
        return sum(polls)

    async with running(service_of, teller) as messaging:
        await tell(messaging.runtime.db, new_id(), *range(30))
        await eventually(lambda: number_sent(messaging.runtime.db), lambda sent: sent >= 30)
    db = Database(hearer)
    consumer = Consumer(hearer, db, [hearer.topic("messaging")], apply, poll_records=7)
    task = asyncio.create_task(consumer.run())
    await eventually(heard, lambda total: total >= 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await db.close()
    assert max(polls) == 7


async def test_nothing_is_known_of_topics_that_are_not_there(
    platform: Platform, prefix: str
) -> None:
    hearer = await platform.settings(SlaMonitorSettings, prefix, machinery_only=True)
    async with running(service_of, hearer) as sla:
        ends = sla.runtime.consumer.ends
        while not await ends(["audit"]):  # as often as can be: also while it only starts
            await asyncio.sleep(0)
        assert await ends(["audit", "unheard-of"]) is None
    assert await sla.runtime.consumer.ends(["audit"]) is None, "nor after it has stopped"


async def test_the_number_reached_in_each_stream_is_kept_and_never_goes_back(
    platform: Platform, prefix: str
) -> None:
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    hearer = await platform.settings(SlaMonitorSettings, prefix, machinery_only=True)
    await with_effects(platform, hearer)
    handlers, client = Handlers(), new_id()
    handlers.on(NoteWritten)(keep_effect)
    stream = {
        "topic": hearer.topic("messaging"),
        "partition": partition_of(str(client), PARTITIONS),
    }
    async with (
        running(service_of, teller) as messaging,
        running(lambda s: service_of(s, handlers), hearer) as sla,
    ):

        async def reached() -> tuple[int, int] | None:
            async with sla.runtime.db.transaction() as session:
                found = await session.execute(REACHED, stream)
                return next((tuple(row) for row in found), None)

        async def head() -> tuple[int, int]:
            async with messaging.runtime.db.transaction() as session:
                found = await session.execute(HEAD, stream)
                return tuple(found.one())

        await tell(messaging.runtime.db, client, 1, 2, 3)
        await eventually(reached, lambda found: found is not None)
        told = await head()
        assert await eventually(reached, lambda found: found == told)
        async with messaging.runtime.db.transaction() as session:
            await session.execute(text("UPDATE outbox_sent SET last_sequence = 0"))
        await tell(messaging.runtime.db, client, 4)
        assert await eventually(reached, lambda found: found != told) == (told[0], told[1] + 1)


async def test_a_database_that_is_away_when_partitions_are_assigned_leaves_nobody_deaf(
    platform: Platform, prefix: str
) -> None:
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    hearer = await platform.settings(
        SlaMonitorSettings, prefix, machinery_only=True, transaction_timeout=0.5
    )
    await with_effects(platform, hearer)
    client = new_id()
    address = platform.postgres.url.rpartition("/")[0] + "/" + hearer.database_url.split("/")[-1]
    away, watch = await asyncpg.connect(address), await asyncpg.connect(address)
    await away.execute("BEGIN; LOCK TABLE inbox_offsets")
    waited: set[int] = set()

    async def those_who_waited() -> set[int]:
        rows = await watch.fetch(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        waited.update(row["pid"] for row in rows)
        return waited

    async with (
        running(service_of, teller) as messaging,
        running(lambda s: service_of(s, keeping()), hearer) as sla,
    ):
        await tell(messaging.runtime.db, client, 1, 2, 3)
        await eventually(those_who_waited, lambda found: len(found) > 1)  # the first was dropped
        await away.close()
        found = await eventually(lambda: effects(sla.runtime.db))
        assert found == {client: [1, 2, 3]}
    await watch.close()


REACHED = text(
    "SELECT epoch, sequence FROM inbox_offsets WHERE topic = :topic AND partition = :partition"
)
HEAD = text("SELECT epoch, last_sequence FROM outbox_heads WHERE partition = :partition")
