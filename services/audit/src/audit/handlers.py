"""Events in: every record of every topic, whatever it says. Audit never parks: it keeps bytes."""

from collections.abc import Sequence

import structlog
from aiokafka import ConsumerRecord
from opentelemetry import trace

from audit import entries, rows
from audit.log import Log, NotOurPast
from audit.rows import Arrival, Leaf, Stray
from shared import telemetry
from shared.consumer import Stopped, store_offsets
from shared.db import Database

log = structlog.get_logger()

# What a poll costs beside its entries (locks, checkpoint, commit, file) is shared by all of them.
POLL_RECORDS = 2000


async def record(the_log: Log, db: Database, records: Sequence[ConsumerRecord]) -> None:
    """One poll is one transaction: leaves, tree, checkpoint and offsets; then the file, then
    spans. Raises Stopped when the database is not the log that was signed for."""
    arrivals, strays = _sorted_out(records)
    try:
        await the_log.open(db)
        async with db.transaction() as session:
            appended = await the_log.append(session, arrivals)
            if strays:
                await rows.keep_strays(session, strays)
            await store_offsets(session, records)
    except NotOurPast as error:
        raise Stopped(str(error)) from error
    await the_log.published(appended)
    for leaf in appended.leaves:
        _trace(leaf)


def _sorted_out(records: Sequence[ConsumerRecord]) -> tuple[list[Arrival], list[Stray]]:
    """Events with a place in a stream of the topic's owner, and everything else.

    What has no place cannot be a leaf: nobody could say whether it is missing. It is kept apart.
    """
    arrivals: list[Arrival] = []
    strays: list[Stray] = []
    for one in records:
        headers = [(str(name), raw or b"") for name, raw in one.headers]
        where, value = entries.coordinates(headers), one.value or b""
        problem = _problem(where, one)
        if where is not None and problem is None:
            arrivals.append(Arrival(where, headers, value))
            continue
        log.critical("a record has no place in a stream", topic=one.topic, problem=problem,
                     partition=one.partition, offset=one.offset)  # fmt: skip
        strays.append(Stray(one.topic, one.partition, one.offset, problem or "", headers, value))
    return arrivals, strays


def _problem(where: entries.Coordinates | None, one: ConsumerRecord) -> str | None:
    if where is None:
        return "its headers name no event id, stream and number"
    if where.service != one.topic.rpartition(".")[2]:
        return f"{where.service} may not tell {one.topic}"
    if where.partition != one.partition:
        return f"it names partition {where.partition} and stands in {one.partition}"
    return None


def _trace(leaf: Leaf) -> None:
    """The last span of a fact's own trace: from arrival over all services to its leaf."""
    headers = leaf.arrival.headers
    where = leaf.arrival.where
    context = telemetry.parent(
        entries.header(headers, "traceparent"), entries.header(headers, "tracestate")
    )
    span = telemetry.tracer().start_span(
        "audit append", context=context, kind=trace.SpanKind.CONSUMER
    )
    if span.is_recording():
        subject = entries.header(headers, "ce_subject") or ""
        span.set_attributes(telemetry.event_attributes(leaf.reading.type, where.event_id, subject))
        span.set_attribute(telemetry.LOG_INDEX, leaf.index)
    span.end()
