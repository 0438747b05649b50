"""The relay: in order, at least once, and never from a database that was put back in time."""

import asyncio
import time
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy import text

from shared.contracts import PARTITIONS, Envelope
from shared.db import Database
from shared.ids import new_id
from shared.outbox import emit
from shared.relay import contiguous
from support.facts import note_written
from support.machinery import (
    MessagingSettings,
    database,
    execute_as_admin,
    number_sent,
    service_of,
    tell,
)
from support.platform import Platform
from support.running import Running, running
from support.waiting import eventually


async def sent(platform: Platform, prefix: str) -> list[Envelope]:
    """Everything in the owner's topic, per partition in the order of the topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=platform.kafka.bootstrap)
    await consumer.start()
    try:
        places = [TopicPartition(f"{prefix}.messaging", number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning()
        remaining = {one: end for one, end in (await consumer.end_offsets(places)).items() if end}
        found = []
        while remaining:
            for place, records in (await consumer.getmany(*remaining, timeout_ms=500)).items():
                found += [Envelope.parse(one.key, list(one.headers), one.value) for one in records]
                if records and records[-1].offset + 1 >= remaining[place]:
                    del remaining[place]
        return found
    finally:
        await consumer.stop()


async def test_the_wire_carries_cloudevents_with_their_stream_and_number(
    platform: Platform, prefix: str
) -> None:
    client = new_id()
    settings = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    async with running(service_of, settings) as messaging:
        await tell(messaging.runtime.db, client, 1, 2, 3)
        await eventually(lambda: number_sent(messaging.runtime.db), lambda count: count >= 3)
    notes = [one for one in await sent(platform, prefix) if one.type.endswith("NoteWritten.v1")]
    assert [one.sequence for one in notes] == [1, 2, 3]
    assert {(one.service, one.epoch, one.key) for one in notes} == {("messaging", 1, str(client))}
    assert all(one.traceparent for one in notes)


async def test_only_the_acknowledged_prefix_counts_as_sent() -> None:
    loop = asyncio.get_running_loop()
    futures = [(number, loop.create_future()) for number in (7, 8, 9, 10)]
    futures[0][1].set_result(None)
    futures[1][1].set_result(None)
    futures[2][1].set_exception(OSError())
    futures[3][1].set_result(None)
    assert contiguous(futures) == [7, 8]
    assert futures[2][1].exception()


async def test_dying_after_kafka_took_a_batch_and_before_it_was_noted_sends_it_again(
    platform: Platform, prefix: str
) -> None:
    """The crash point of the relay, in its form "failed but stored"."""
    client = new_id()
    settings = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    async with running(service_of, settings) as messaging:
        await tell(messaging.runtime.db, client, 1, 2, 3)
        await eventually(lambda: number_sent(messaging.runtime.db), lambda count: count >= 3)
    await execute_as_admin(platform, settings, "UPDATE outbox_sent SET last_sequence = 0")
    async with running(service_of, settings) as messaging:
        await eventually(lambda: number_sent(messaging.runtime.db), lambda count: count >= 3)
    notes = [one for one in await sent(platform, prefix) if one.type.endswith("NoteWritten.v1")]
    ids: list[UUID] = [one.id for one in notes]
    assert len(ids) == 6
    assert ids[:3] == ids[3:]


async def test_a_database_put_back_in_time_is_refused_and_nothing_more_is_sent(
    platform: Platform, prefix: str
) -> None:
    client = new_id()
    settings = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    async with running(service_of, settings) as messaging:
        await tell(messaging.runtime.db, client, *range(5))
        await eventually(lambda: number_sent(messaging.runtime.db), lambda count: count >= 5)
    before = len(await sent(platform, prefix))
    restored = """
        DELETE FROM outbox WHERE sequence > 2;
        UPDATE outbox_heads SET last_sequence = least(last_sequence, 2);
        UPDATE outbox_sent SET last_sequence = least(last_sequence, 2);
        UPDATE heads_stated SET stated_at = now()
    """
    await execute_as_admin(platform, settings, restored)
    async with running(service_of, settings) as messaging:
        await tell(messaging.runtime.db, client, 99)

        async def readiness() -> str:
            return (await messaging.http.get("/readyz")).text

        answer = await eventually(readiness, lambda text: "gave out epoch 1 number" in text)
        assert '"ready":false' in answer
        await asyncio.sleep(1)
    assert len(await sent(platform, prefix)) == before


async def test_a_relay_that_was_frozen_for_longer_than_its_connection_lives_goes_on(
    platform: Platform, prefix: str
) -> None:
    settings = await platform.settings(
        MessagingSettings, prefix, machinery_only=True, relay_idle_session_timeout=1.0
    )
    async with running(service_of, settings) as messaging:
        await tell(messaging.runtime.db, new_id(), 1)
        await eventually(lambda: number_sent(messaging.runtime.db))
        before = await number_sent(messaging.runtime.db)
        time.sleep(2)  # nothing of this process runs, as if its machine had paused it
        await tell(messaging.runtime.db, new_id(), 2)
        await eventually(lambda: number_sent(messaging.runtime.db), lambda count: count > before)


async def test_a_stray_record_in_its_own_topic_stops_no_relay(
    platform: Platform, prefix: str
) -> None:
    settings = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    producer = AIOKafkaProducer(bootstrap_servers=platform.kafka.bootstrap)
    await producer.start()
    for partition in range(PARTITIONS):
        await producer.send_and_wait(f"{prefix}.messaging", b"not an event", partition=partition)
    await producer.stop()
    async with running(service_of, settings) as messaging:
        await tell(messaging.runtime.db, new_id(), 1)
        await eventually(lambda: number_sent(messaging.runtime.db))


async def test_a_second_relay_of_the_same_service_waits_its_turn(
    platform: Platform, prefix: str
) -> None:
    settings = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    async with running(service_of, settings) as first:
        await eventually(lambda: active(first), bool)
        async with running(service_of, settings) as second:
            await asyncio.sleep(1)
            assert not await active(second)
        assert await active(first)


async def active(service: Running) -> bool:
    return service.runtime.relay.state.active


async def test_transactions_over_many_streams_at_once_never_deadlock(platform: Platform) -> None:
    writers = 8
    settings = await platform.settings(MessagingSettings, machinery_only=True)
    clients = [new_id() for _ in range(24)]

    async def write(db: Database, number: int) -> None:
        for turn in range(25):
            order = clients if (number + turn) % 2 else clients[::-1]
            async with db.transaction() as session:
                for client in order[number : number + 12]:
                    emit(session, note_written(client))

    async with database(settings) as db:
        await asyncio.gather(*(write(db, number) for number in range(writers)))
        async with db.transaction() as session:
            found = await session.execute(text("SELECT sum(last_sequence) FROM outbox_heads"))
            assert found.scalar_one() == writers * 25 * 12
