"""The consumer reads topics from the service's own stored offsets; each poll is one
transaction.

What the poll changed, what it emitted and the next offset of each partition are committed
together, so a fact takes effect once whatever dies when. The group's offsets in Kafka are for
lag displays only.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database
from shared.kafka import close, number_of
from shared.settings import Settings

log = structlog.get_logger()

POLL_RECORDS = 500
POLL_MILLISECONDS = 200
RESTART_SECONDS = 0.5
LOOK_AGAIN_SECONDS = 0.02
ENDS_SECONDS = 5.0

Apply = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
Ends = Mapping[TopicPartition, int]

_STORE = text("""
    INSERT INTO inbox_offsets (topic, partition, next_offset, epoch, sequence)
    SELECT * FROM unnest(
        CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:nexts AS bigint[]),
        CAST(:epochs AS int[]), CAST(:sequences AS bigint[]))
    ON CONFLICT (topic, partition) DO UPDATE
    SET next_offset = greatest(inbox_offsets.next_offset, EXCLUDED.next_offset),
        (epoch, sequence) = (
            SELECT heard.epoch, heard.sequence
            FROM (VALUES (inbox_offsets.epoch, inbox_offsets.sequence),
                         (EXCLUDED.epoch, EXCLUDED.sequence)) AS heard (epoch, sequence)
            ORDER BY 1 DESC NULLS LAST, 2 DESC NULLS LAST LIMIT 1)
""")

_FORGET = text("DELETE FROM inbox_offsets WHERE topic = :topic AND partition = :partition")


async def store_offsets(session: AsyncSession, records: Sequence[ConsumerRecord]) -> None:
    """The next offset of each partition and the number in its stream reached by then, as part of
    the transaction that handled the records.

    Never back: a member that lost its partitions in a rebalance may commit after their new one.
    """
    last: dict[tuple[str, int], ConsumerRecord] = {}
    for record in records:
        place = (record.topic, record.partition)
        if place not in last or last[place].offset < record.offset:
            last[place] = record
    places = sorted(last)
    numbers = [number_of(last[place]) for place in places]
    await session.execute(
        _STORE,
        {
            "topics": [topic for topic, _ in places],
            "partitions": [partition for _, partition in places],
            "nexts": [last[place].offset + 1 for place in places],
            "epochs": [epoch for epoch, _ in numbers],
            "sequences": [sequence for _, sequence in numbers],
        },
    )


@dataclass
class ConsumerState:
    """What /readyz and `privity status` show of the consumer."""

    assigned: int = 0
    stopped: str | None = None
    polled_at: float = 0.0


class Stopped(Exception):
    """The breaker opened: too much went wrong in a row for a person not to look first."""


class Consumer:
    """Polls until cancelled and hands each poll to `apply`, which opens and closes the
    transaction."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        topics: Sequence[str],
        apply: Apply,
        poll_records: int = POLL_RECORDS,
    ) -> None:
        self._settings = settings
        self._db = db
        self._topics = list(topics)
        self._apply = apply
        self._poll_records = poll_records
        self._kafka: AIOKafkaConsumer | None = None
        self._sought: set[TopicPartition] = set()
        self.state = ConsumerState()

    async def run(self) -> None:
        while True:
            try:
                await self._consume()
            except Stopped as error:
                self.state.stopped = str(error)
                log.critical("consumer stopped", reason=str(error))
                return
            except (KafkaError, DBAPIError, OSError) as error:
                # Nothing of the failed poll was committed: the next start seeks to where it began.
                log.warning("consumer starts again", error=repr(error))
                await asyncio.sleep(RESTART_SECONDS)

    async def _consume(self) -> None:
        kafka = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            group_id=self._settings.consumer_group,
            client_id=self._settings.service,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self._settings.consumer_session_timeout * 1000),
            heartbeat_interval_ms=max(200, int(self._settings.consumer_session_timeout * 100)),
            # Longer costs less where nothing happens, as every answer names every partition; but it
            # is also how long `ends` may have to wait for its turn on the same connection.
            fetch_max_wait_ms=250,
            max_poll_records=self._poll_records,
        )
        kafka.subscribe(self._topics, listener=_Revoked(self._sought))
        try:
            await kafka.start()
            self._kafka = kafka  # not before: one that starts yet knows topics, and cannot be asked
            while True:
                await self._poll(kafka)
        finally:
            self._kafka = None
            self._sought.clear()
            await close(kafka)

    async def _poll(self, kafka: AIOKafkaConsumer) -> None:
        # Here and not in the rebalance listener: aiokafka logs what fails there and goes on, deaf.
        if new := kafka.assignment() - self._sought:
            await self._seek_to_stored(kafka, sorted(new))
        batches = await kafka.getmany(timeout_ms=POLL_MILLISECONDS, max_records=self._poll_records)
        self.state.polled_at = time.monotonic()
        # After a rebalance aiokafka fetches from the group's offset until our seek: such records
        # are not handled, or what lies between would be lost. After the seek they come again.
        batches = {one: batch for one, batch in batches.items() if batch and one in self._sought}
        records = [record for batch in batches.values() for record in batch]
        if not records:
            return
        await self._apply(records)
        nexts = {one: batch[-1].offset + 1 for one, batch in batches.items()}
        try:
            await kafka.commit(nexts)
        except KafkaError as error:
            log.debug("group offsets are stale", error=repr(error))

    async def _seek_to_stored(
        self, kafka: AIOKafkaConsumer, assigned: Sequence[TopicPartition]
    ) -> None:
        """Start where our own database says; a partition never read before, at its first record."""
        begins = await kafka.beginning_offsets(list(assigned))
        ends = await kafka.end_offsets(list(assigned))
        stored = await self._stored(ends)
        if new := [f"{one.topic}/{one.partition}" for one in assigned if one not in stored]:
            log.info("new partitions, read from their first retained records", partitions=new)
        for one in assigned:
            if one in stored and stored[one] < begins[one]:
                log.critical("records were dropped by retention before they were read",
                             topic=one.topic, partition=one.partition)  # fmt: skip
            kafka.seek(one, max(stored.get(one, 0), begins[one]))
            self._sought.add(one)
        self.state.assigned = len(self._sought)

    async def _stored(self, ends: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Our own offsets. One beyond the end means that Kafka lost records: it is forgotten,
        and all that Kafka still has is read again; the inbox drops what was handled."""
        stored = await self._read_stored()
        if lost := [one for one, end in ends.items() if stored.get(one, 0) > end]:
            log.critical(
                "kafka has less than was read from it", partitions=[str(one) for one in lost]
            )
            async with self._db.transaction() as session:
                for one in lost:
                    await session.execute(_FORGET, {"topic": one.topic, "partition": one.partition})
        return {one: offset for one, offset in stored.items() if one not in lost}

    async def _read_stored(self) -> dict[TopicPartition, int]:
        async with self._db.transaction() as session:
            rows = await session.execute(
                text("SELECT topic, partition, next_offset FROM inbox_offsets")
            )
            return {TopicPartition(topic, number): offset for topic, number, offset in rows}

    async def ends(self, owners: Sequence[str]) -> Ends | None:
        """Where these owners' topics end now; None when Kafka or the assignment is not there:
        nobody may conclude that something did not happen."""
        if self._kafka is None:
            return None
        topics = {self._settings.topic(owner) for owner in owners}
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in self._kafka.partitions_for_topic(topic) or ()
        ]
        if len({one.topic for one in partitions}) != len(topics):
            return None
        try:
            async with asyncio.timeout(ENDS_SECONDS):
                ends: Ends = await self._kafka.end_offsets(partitions)
                return ends
        except (KafkaError, TimeoutError):
            return None

    async def hear_through(self, ends: Ends, within: float) -> bool:
        """Whether all that lay before these ends has been committed here, after waiting for it at
        most `within` seconds. The ends stay where they were read, so that what is said meanwhile
        postpones nothing; after False, ask again with the same."""
        deadline = time.monotonic() + within
        while True:
            stored = await self._read_stored()
            if all(stored.get(one, 0) >= end for one, end in ends.items()):
                return True
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


class _Revoked(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A poll under way commits or not: the inbox makes both right. What comes back is sought
    anew."""

    def __init__(self, sought: set[TopicPartition]) -> None:
        self._sought = sought

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self._sought -= revoked

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """The next poll seeks."""
