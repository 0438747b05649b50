"""Events leave a service as rows written in the same transaction as the change they report.

A stream is (service, partition, epoch). Its numbers are gapless and in commit order: the head
row is locked while a transaction takes numbers, a rollback gives them back, and who sees number
n has every number below n committed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from opentelemetry import propagate, trace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, telemetry
from shared.contracts import CONTRACTS, PARTITIONS, Event, partition_of
from shared.ids import new_id

MAX_VALUE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """One event that waits for the door to close."""

    event_id: UUID
    partition: int
    type: str
    key: str
    subject: str
    time: datetime
    traceparent: str | None
    tracestate: str | None
    value: bytes


def emit(session: AsyncSession, event: Event) -> UUID:
    """Tell a fact together with this transaction, and give its id. Only collects: the door
    writes it.

    Refuses what could never be sent: another service's event, an unknown type, over 256 KiB.
    """
    service: str = session.info["service"]
    if event.owner not in (service, "platform"):
        raise ValueError(f"{type(event).__name__} is {event.owner}'s to tell, not {service}'s")
    name = event.type_name(service)
    if CONTRACTS.get(name) is not type(event):
        raise ValueError(f"{name} is not a published contract")
    value = event.model_dump_json().encode()
    if len(value) > MAX_VALUE_BYTES:
        raise ValueError(f"{name} has {len(value)} bytes; larger content travels by reference")
    pending = _pending(service, name, event, value)
    session.info.setdefault("outbox", []).append(pending)
    return pending.event_id


def _pending(service: str, name: str, event: Event, value: bytes) -> PendingEvent:
    key = event.key_of()
    carrier: dict[str, str] = {}
    with telemetry.tracer().start_as_current_span(
        f"{service} emit", kind=trace.SpanKind.PRODUCER
    ) as span:
        event_id = new_id()
        if span.is_recording():
            span.set_attributes(telemetry.event_attributes(name, event_id, event.subject_of()))
        propagate.inject(carrier)
    return PendingEvent(
        event_id=event_id,
        partition=partition_of(key, PARTITIONS),
        type=name,
        key=key,
        subject=event.subject_of(),
        time=clock.now(),
        traceparent=carrier.get("traceparent"),
        tracestate=carrier.get("tracestate"),
        value=value,
    )


# The heads are locked in the order of their numbers: a bare UPDATE over several of them deadlocks.
_WRITE = text("""
    WITH new AS MATERIALIZED (
        SELECT * FROM unnest(
            CAST(:partitions AS int[]), CAST(:ids AS uuid[]), CAST(:types AS text[]),
            CAST(:keys AS text[]), CAST(:subjects AS text[]), CAST(:times AS timestamptz[]),
            CAST(:traceparents AS text[]), CAST(:tracestates AS text[]), CAST(:values AS bytea[])
        ) WITH ORDINALITY AS n(partition, event_id, type, key, subject, time,
                               traceparent, tracestate, value, position)
    ), heads AS MATERIALIZED (
        SELECT partition, epoch, last_sequence FROM outbox_heads
        WHERE partition = ANY (CAST(:partitions AS int[])) ORDER BY partition FOR UPDATE
    ), numbered AS MATERIALIZED (
        SELECT new.*, heads.epoch, heads.last_sequence
               + row_number() OVER (PARTITION BY new.partition ORDER BY position) AS sequence
        FROM new JOIN heads USING (partition)
    ), raised AS (
        UPDATE outbox_heads SET last_sequence = top.sequence
        FROM (SELECT partition, max(sequence) AS sequence FROM numbered GROUP BY partition) AS top
        WHERE outbox_heads.partition = top.partition
    )
    INSERT INTO outbox (partition, epoch, sequence, event_id, type, key, subject, time,
                        traceparent, tracestate, value)
    SELECT partition, epoch, sequence, event_id, type, key, subject, time,
           traceparent, tracestate, value
    FROM numbered
""")


async def write(session: AsyncSession) -> bool:
    """The last statements of a transaction: number what was emitted and keep it. Whether there was
    anything."""
    pending: Sequence[PendingEvent] = session.info.pop("outbox", ())
    await session.flush()
    if not pending:
        return False
    # A deferred constraint that fails must fail before heads are locked, not while others wait.
    await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    await session.execute(
        _WRITE,
        {
            "partitions": [one.partition for one in pending],
            "ids": [one.event_id for one in pending],
            "types": [one.type for one in pending],
            "keys": [one.key for one in pending],
            "subjects": [one.subject for one in pending],
            "times": [one.time for one in pending],
            "traceparents": [one.traceparent for one in pending],
            "tracestates": [one.tracestate for one in pending],
            "values": [one.value for one in pending],
        },
    )
    return True
