"""Events that could not be handled wait here, visible, with the later events of their key, and are
replayed in order. Nothing is skipped and nothing is lost."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import orjson
import structlog
from aiokafka import ConsumerRecord
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.contracts import Envelope

log = structlog.get_logger()


class _HasEnvelope(Protocol):
    @property
    def record(self) -> ConsumerRecord: ...
    @property
    def envelope(self) -> Envelope | None: ...


async def keys_with_parked(
    session: AsyncSession, heard: Sequence[_HasEnvelope]
) -> set[tuple[str, str]]:
    """(topic, key) of those that have events waiting."""
    places = {(one.record.topic, one.envelope.key) for one in heard if one.envelope}
    if not places:
        return set()
    rows = await session.execute(
        text("""
            SELECT DISTINCT topic, key FROM parked_events
            WHERE replayed_at IS NULL AND key = ANY (CAST(:keys AS text[]))
        """),
        {"keys": [key for _, key in places]},
    )
    return places & {(topic, key) for topic, key in rows}


async def park(session: AsyncSession, record: ConsumerRecord, problem: str) -> None:
    """Keep the record as it came. Again is nothing: its place in the topic is its identity."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    log.error("event parked", topic=record.topic, partition=record.partition,
              offset=record.offset, type=headers.get("ce_type"))  # fmt: skip
    await session.execute(
        text("""
            INSERT INTO parked_events
                (topic, partition, record_offset, key, type, event_id, headers, value,
                 problem, parked_at)
            VALUES (:topic, :partition, :offset, :key, :type, CAST(:event_id AS text), :headers,
                    :value, :problem, :now)
            ON CONFLICT DO NOTHING
        """),
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "key": (record.key or b"").decode(errors="replace"),
            "type": headers.get("ce_type", ""),
            "event_id": headers.get("ce_id", ""),
            "headers": orjson.dumps(headers).decode(),
            "value": record.value or b"",
            "problem": problem[:2000],
            "now": clock.now(),
        },
    )


async def waiting(session: AsyncSession) -> list[dict[str, Any]]:
    """What is parked, oldest first, without the values: they may be privileged."""
    rows = await session.execute(
        text("""
            SELECT event_id, type, key, topic, partition, record_offset, problem, parked_at
            FROM parked_events WHERE replayed_at IS NULL
            ORDER BY topic, partition, record_offset LIMIT 1000
        """)
    )
    return [dict(row) for row in rows.mappings()]


async def count_waiting(session: AsyncSession) -> int:
    found = await session.execute(
        text("SELECT count(*) FROM parked_events WHERE replayed_at IS NULL")
    )
    return int(found.scalar_one())


async def of_the_same_key(session: AsyncSession, event_id: UUID) -> list[dict[str, Any]]:
    """The parked event and all parked ones of its key, in their order, locked for replay."""
    rows = await session.execute(
        text("""
            SELECT p.* FROM parked_events p JOIN parked_events q
                ON p.topic = q.topic AND p.key = q.key
            WHERE q.event_id = :event_id AND p.replayed_at IS NULL AND q.replayed_at IS NULL
            ORDER BY p.partition, p.record_offset FOR UPDATE OF p
        """),
        {"event_id": str(event_id)},
    )
    return [dict(row) for row in rows.mappings()]


async def mark_replayed(session: AsyncSession, row: dict[str, Any]) -> None:
    await session.execute(
        text("""
            UPDATE parked_events SET replayed_at = :now
            WHERE topic = :topic AND partition = :partition AND record_offset = :offset
        """),
        {
            "now": clock.now(),
            "topic": row["topic"],
            "partition": row["partition"],
            "offset": row["record_offset"],
        },
    )


def record_of(row: dict[str, Any]) -> ConsumerRecord:
    """The record as it came, from its row."""
    headers = tuple((name, value.encode()) for name, value in orjson.loads(row["headers"]).items())
    return ConsumerRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        timestamp=0,
        timestamp_type=0,
        key=row["key"].encode(),
        value=row["value"],
        checksum=None,
        serialized_key_size=len(row["key"]),
        serialized_value_size=len(row["value"]),
        headers=headers,
    )
