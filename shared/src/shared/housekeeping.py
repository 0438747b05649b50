"""What a service does by the hour: state its stream heads, tell passed access windows, and
delete what nobody needs any more (sent and recorded outbox rows, old inbox rows, old
idempotency keys)."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared import accesses, clock
from shared.contracts.audit import RecordedThrough
from shared.contracts.platform import StreamHead, StreamHeadsStated
from shared.db import Database
from shared.ids import earliest_id_at
from shared.outbox import emit
from shared.settings import Settings

log = structlog.get_logger()

SENT_KEPT = timedelta(days=7)
INBOX_KEPT = timedelta(days=60)  # twice the retention of a topic: no repeat can come later
IDEMPOTENCY_KEPT = timedelta(days=1)
DELETED_AT_ONCE = 5_000
EVERY_SECONDS = 1.0


async def run(settings: Settings, db: Database) -> None:
    """Until cancelled. With several replicas one of them does it: the row of the last time is
    locked."""
    while True:
        try:
            async with db.transaction() as session:
                await _state_heads(session, settings)
                await accesses.tell_past_windows(session, timedelta(seconds=settings.access_window))
                await _delete_old(session)
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("housekeeping waits", error=repr(error))
        await asyncio.sleep(EVERY_SECONDS)


async def _state_heads(session: AsyncSession, settings: Settings) -> None:
    """At most each minute when they changed, each ten minutes when idle. What a statement
    itself adds to its stream is in the next one and is no reason for it."""
    found = await session.execute(text("SELECT * FROM heads_stated FOR UPDATE SKIP LOCKED"))
    last = found.mappings().one_or_none()
    if last is None:
        return
    age = (clock.now() - last["stated_at"]).total_seconds()
    if age < settings.heads_stated_every:
        return
    rows = await session.execute(
        text("SELECT partition, epoch, last_sequence FROM outbox_heads ORDER BY partition")
    )
    heads = [StreamHead(**row) for row in rows.mappings() if row["last_sequence"]]
    total = sum(head.last_sequence for head in heads)
    if total == last["total"] and age < settings.heads_stated_idle:
        return
    emit(
        session,
        StreamHeadsStated(service=settings.service, heads=tuple(heads), stated_at=clock.now()),
    )
    await session.execute(
        text("UPDATE heads_stated SET stated_at = :now, total = :total"),
        {"now": clock.now(), "total": total + 1},
    )


async def note_recorded(session: AsyncSession, event: RecordedThrough) -> None:
    """Remember how far the record covers our own streams; only that may be deleted."""
    for head in event.heads:
        await session.execute(
            text("""
                UPDATE outbox_sent SET recorded_sequence = greatest(recorded_sequence, :sequence)
                WHERE partition = :partition AND epoch = :epoch
            """),
            {"sequence": head.last_sequence, "partition": head.partition, "epoch": head.epoch},
        )


async def _delete_old(session: AsyncSession) -> None:
    now = clock.now()
    await session.execute(
        text("""
            DELETE FROM outbox WHERE (partition, epoch, sequence) IN (
                SELECT o.partition, o.epoch, o.sequence FROM outbox_sent s CROSS JOIN LATERAL (
                    SELECT * FROM outbox WHERE partition = s.partition AND epoch = s.epoch
                        AND sequence <= least(s.last_sequence, s.recorded_sequence)
                    ORDER BY sequence LIMIT 500) o
                WHERE o.time < :before)
        """),
        {"before": now - SENT_KEPT},
    )
    await session.execute(
        text("""
            DELETE FROM inbox WHERE event_id IN (
                SELECT event_id FROM inbox WHERE event_id < :before ORDER BY event_id LIMIT :some)
        """),
        {"before": earliest_id_at(now - INBOX_KEPT), "some": DELETED_AT_ONCE},
    )
    await session.execute(
        text("DELETE FROM idempotency_keys WHERE created_at < :before"),
        {"before": now - IDEMPOTENCY_KEPT},
    )
