"""The relay carries a service's outbox to Kafka, in order and at least once; the inbox drops
repeats.

One relay per service is active, by advisory lock. It advances only over the contiguous
acknowledged prefix of each stream, and after any error sends everything behind that again with
a new producer. It refuses to start when Kafka has numbers that the database does not: the
database was put back in time, and would give those numbers to other facts.
"""

import asyncio
import contextlib
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)

from shared.contracts import PARTITIONS, Envelope
from shared.db import LOST, Database
from shared.kafka import close, number_of
from shared.settings import Settings

log = structlog.get_logger()

PER_STREAM = 500
TAIL = 64
IDLE_POLL_SECONDS = 0.2
RETRY_SECONDS = 0.5
REFUSED_FOR_GOOD = (MessageSizeTooLargeError, InvalidTopicError, TopicAuthorizationFailedError)

_UNSENT = """
    SELECT o.* FROM outbox_sent s CROSS JOIN LATERAL (
        SELECT * FROM outbox
        WHERE partition = s.partition AND epoch = s.epoch AND sequence > s.last_sequence
        ORDER BY sequence LIMIT $1
    ) o
    WHERE NOT s.partition = ANY ($2::int[])
    ORDER BY o.partition, o.sequence
"""
_ADVANCE = """
    UPDATE outbox_sent s SET last_sequence = greatest(s.last_sequence, a.sequence), sent_at = now()
    FROM unnest($1::int[], $2::int[], $3::bigint[]) AS a(partition, epoch, sequence)
    WHERE s.partition = a.partition AND s.epoch = a.epoch
"""


class HeadsBehindKafka(Exception):
    """Kafka holds numbers of our streams that our database has not given out."""


@dataclass
class RelayState:
    """What /readyz and `privity status` show of the relay."""

    active: bool = False
    refused: str | None = None
    stopped_partitions: set[int] = field(default_factory=set)


class Relay:
    """Runs until cancelled; a lost database or broker is waited for, never skipped over."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self._settings = settings
        self._db = db
        self._news = db.news()
        self._topic = settings.topic(settings.service)
        self._lock = zlib.crc32(f"privity relay {settings.service}".encode())
        self.state = RelayState()

    async def run(self) -> None:
        while True:
            try:
                await self._serve_one_connection()
            except HeadsBehindKafka as error:
                self.state.refused = str(error)
                log.critical("relay refuses: database is behind kafka", detail=str(error))
                await asyncio.sleep(10 * RETRY_SECONDS)
            except (KafkaError, *LOST) as error:
                log.warning("relay starts again", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                self.state.active = False

    async def _serve_one_connection(self) -> None:
        """One connection, one lock, one producer: after any error all three are made anew."""
        idle = str(int(self._settings.relay_idle_session_timeout * 1000))
        connection = await self._db.connect(idle_session_timeout=idle)
        producer: AIOKafkaProducer | None = None
        try:
            await self._become_active(connection)
            await refuse_if_behind(self._settings, connection)
            self.state.refused = None
            producer = await self._producer()
            self.state.active = True
            while True:
                self._news.clear()
                if not await self._send_batch(connection, producer):
                    await self._wait_for_news()
        finally:
            if producer is not None:
                await close(producer)
            connection.terminate()

    async def _become_active(self, connection: asyncpg.Connection) -> None:
        held = False
        while not held:
            held = await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock)
            await asyncio.sleep(0 if held else RETRY_SECONDS)

    async def _wait_for_news(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_POLL_SECONDS):
                await self._news.wait()

    async def _producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            client_id=f"{self._settings.service}-relay",
            enable_idempotence=True,
            acks="all",
            compression_type="lz4",
            linger_ms=0,
            request_timeout_ms=int(self._settings.relay_send_timeout * 1000),
            max_request_size=1_048_576,
        )
        try:
            async with asyncio.timeout(self._settings.relay_send_timeout):
                await producer.start()
        except BaseException:
            await close(producer)
            raise
        return producer

    async def _send_batch(self, connection: asyncpg.Connection, producer: AIOKafkaProducer) -> int:
        """Send what is unsent, at most PER_STREAM a stream; how many were acknowledged in order."""
        rows = await connection.fetch(_UNSENT, PER_STREAM, list(self.state.stopped_partitions))
        if not rows:
            return 0
        sent: dict[tuple[int, int], list[tuple[int, asyncio.Future[Any]]]] = defaultdict(list)
        try:
            # A send can hang for ever while the broker is dead: the deadline is ours.
            async with asyncio.timeout(self._settings.relay_send_timeout):
                for row in rows:
                    sent[row["partition"], row["epoch"]].append(
                        (row["sequence"], await self._send(producer, row))
                    )
                futures = [future for stream in sent.values() for _, future in stream]
                await asyncio.wait(futures)
        finally:
            # Dying between Kafka's acknowledgment and this update sends the batch again;
            # the consumers' inboxes drop it.
            advanced = await self._advance(connection, sent)
        self._raise_first_error(sent)
        return advanced

    async def _send(self, producer: AIOKafkaProducer, row: asyncpg.Record) -> asyncio.Future[Any]:
        envelope = Envelope(
            id=row["event_id"],
            service=self._settings.service,
            **{
                name: row[name]
                for name in ("partition", "epoch", "sequence", "type", "subject", "time", "key")
            },
            traceparent=row["traceparent"],
            tracestate=row["tracestate"],
            value=row["value"],
        )
        future: asyncio.Future[Any] = await producer.send(
            self._topic,
            value=envelope.value,
            key=envelope.key.encode(),
            partition=envelope.partition,
            headers=envelope.headers(),
        )
        return future

    async def _advance(
        self,
        connection: asyncpg.Connection,
        sent: dict[tuple[int, int], list[tuple[int, asyncio.Future[Any]]]],
    ) -> int:
        prefixes = {stream: contiguous(futures) for stream, futures in sent.items()}
        done = [(*stream, numbers[-1]) for stream, numbers in prefixes.items() if numbers]
        if done:
            await connection.execute(
                _ADVANCE, *(list(column) for column in zip(*done, strict=True))
            )
        return sum(len(numbers) for numbers in prefixes.values())

    def _raise_first_error(
        self, sent: dict[tuple[int, int], list[tuple[int, asyncio.Future[Any]]]]
    ) -> None:
        errors = [
            (partition, sequence, error)
            for (partition, _), futures in sent.items()
            for sequence, future in futures
            if (error := _error_of(future))
        ]
        for partition, sequence, error in errors:
            if isinstance(error, REFUSED_FOR_GOOD):
                self.state.stopped_partitions.add(partition)
                log.critical("stream stopped", partition=partition, sequence=sequence)
        if errors:
            raise errors[0][2]


def contiguous(futures: list[tuple[int, asyncio.Future[Any]]]) -> list[int]:
    """The numbers acknowledged before the first that was not: behind it nothing counts."""
    numbers = []
    for sequence, future in futures:
        if not future.done() or future.cancelled() or future.exception() is not None:
            break
        numbers.append(sequence)
    return numbers


def _error_of(future: asyncio.Future[Any]) -> BaseException | None:
    return None if future.cancelled() or not future.done() else future.exception()


async def refuse_if_behind(settings: Settings, connection: asyncpg.Connection) -> None:
    """Compare each partition's tail in Kafka with our heads; HeadsBehindKafka when ours are
    behind."""
    heads = {
        row["partition"]: (row["epoch"], row["last_sequence"])
        for row in await connection.fetch("SELECT * FROM outbox_heads")
    }
    for partition, tail in (await _tails(settings)).items():
        if tail > heads[partition]:
            raise HeadsBehindKafka(
                f"{settings.service}/{partition}: Kafka has epoch {tail[0]} number {tail[1]}, the"
                f" database gave out epoch {heads[partition][0]} number {heads[partition][1]}."
                " It was restored from an older state; its streams must not go on from there."
            )


async def _tails(settings: Settings) -> dict[int, tuple[int, int]]:
    """The highest (epoch, number) among the last records of each partition of our own topic."""
    topic = settings.topic(settings.service)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers, enable_auto_commit=False
    )
    async with asyncio.timeout(3 * settings.relay_send_timeout):
        try:
            await consumer.start()
            partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            begins = await consumer.beginning_offsets(partitions)
            filled = [one for one in partitions if ends[one] > begins[one]]
            for one in filled:
                consumer.seek(one, max(begins[one], ends[one] - TAIL))
            return await _highest(consumer, {one: ends[one] for one in filled})
        finally:
            await close(consumer)


async def _highest(
    consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]
) -> dict[int, tuple[int, int]]:
    highest: dict[int, tuple[int, int]] = {}
    remaining = dict(ends)
    while remaining:
        for one, records in (await consumer.getmany(*remaining, timeout_ms=500)).items():
            for record in records:
                epoch, sequence = number_of(record)
                if epoch is not None and sequence is not None:  # else a stray, which proves nothing
                    known = highest.get(one.partition, (0, 0))
                    highest[one.partition] = max((epoch, sequence), known)
                if record.offset >= remaining.get(one, 0) - 1:
                    remaining.pop(one, None)
    return highest
