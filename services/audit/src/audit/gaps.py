"""Nothing missing, as facts: each gap, cut tail and silence is told once, and once more when all of
it came. Both are computed from the record, so that a restart or a second replica changes nothing.
"""

import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from audit import queries, streams
from audit.streams import Progress, Stream
from shared.contracts.audit import GapDetected, GapHealed
from shared.ids import new_id
from shared.outbox import emit

log = structlog.get_logger()

Range = tuple[int, int]
"""Numbers first…last, both included."""

Kind = Literal["missing", "cut-tail", "silent"]

LOOK_LOCK = zlib.crc32(b"privity audit gaps")


@dataclass(frozen=True)
class Gap:
    """Numbers of a stream that are not in the record, as they were told."""

    gap_id: UUID
    kind: Kind
    stream: Stream
    numbers: Range
    detected_at: datetime


async def look(session: AsyncSession, owners: Sequence[str]) -> None:
    """Tell what is newly missing and what came. With several replicas one of them looks."""
    mine = await session.execute(text("SELECT pg_try_advisory_xact_lock(:l)"), {"l": LOOK_LOCK})
    if not mine.scalar_one():
        return
    now = await _now(session)
    await _tell_healed(session, now)
    await _tell_missing(session, owners, now)


async def tell_silent(
    session: AsyncSession, owners: Sequence[str], services: Collection[str], after: timedelta
) -> None:
    """Tell the silence of those of `services` that are overdue still, once for each silence."""
    now = await _now(session)
    for one in await queries.overdue(session, owners, after):
        if one.service in services and await _keep_silence(session, one, now):
            log.critical("a service is silent", silent=one.service, since=str(one.heard_at))


async def _keep_silence(session: AsyncSession, one: queries.Statement, now: datetime) -> bool:
    """False when the other replica told it first."""
    gap_id = new_id()
    kept = await session.execute(
        text("""
            INSERT INTO silences (gap_id, service, after_index, last_heard_at, detected_at)
            VALUES (:gap_id, :service, :after, :heard_at, :now) ON CONFLICT DO NOTHING
            RETURNING gap_id
        """),
        {"gap_id": gap_id, "service": one.service, "after": one.index, "heard_at": one.heard_at,
         "now": now},
    )  # fmt: skip
    if kept.one_or_none() is None:
        return False
    emit(
        session,
        GapDetected(
            gap_id=gap_id,
            service=one.service,
            kind="silent",
            last_heard_at=one.heard_at,
            detected_at=now,
        ),
    )
    return True


async def _tell_missing(session: AsyncSession, owners: Sequence[str], now: datetime) -> None:
    known = await streams.all_progress(session)
    stated = await queries.stated(session, owners)
    behind = {
        stream: progress
        for stream in known.keys() | stated.keys()
        if (progress := known.get(stream, Progress())).contiguous
        < max(progress.head, stated.get(stream, 0))
    }
    for stream, progress in sorted(behind.items()):
        through = stated.get(stream, 0)
        told = await _told(session, stream, progress.contiguous)
        for missing in await streams.gaps(session, stream, progress, through):
            for numbers in without(missing, told):
                kind: Kind = "cut-tail" if numbers[0] > progress.head else "missing"
                await _tell(session, Gap(new_id(), kind, stream, numbers, now))


async def _tell(session: AsyncSession, gap: Gap) -> None:
    service, partition, epoch = gap.stream
    first, last = gap.numbers
    await session.execute(
        text("""
            INSERT INTO gaps (gap_id, kind, service, partition, epoch, first, last, detected_at)
            VALUES (:gap_id, :kind, :service, :partition, :epoch, :first, :last, :detected_at)
        """),
        {"gap_id": gap.gap_id, "kind": gap.kind, "service": service, "partition": partition,
         "epoch": epoch, "first": first, "last": last, "detected_at": gap.detected_at},
    )  # fmt: skip
    name = streams.name_of(gap.stream)
    log.critical("the record has a gap", stream=name, first=first, last=last, kind=gap.kind)
    emit(
        session,
        GapDetected(
            gap_id=gap.gap_id,
            service=service,
            kind=gap.kind,
            stream=name,
            first=first,
            last=last,
            detected_at=gap.detected_at,
        ),
    )


async def _told(session: AsyncSession, stream: Stream, above: int) -> list[Range]:
    found = await session.execute(
        text("""
            SELECT first, last FROM gaps WHERE service = :service AND partition = :partition
            AND epoch = :epoch AND last > :above ORDER BY first
        """),
        dict(zip(("service", "partition", "epoch"), stream, strict=True)) | {"above": above},
    )
    return [(row.first, row.last) for row in found]


async def _tell_healed(session: AsyncSession, now: datetime) -> None:
    """A gap heals when each of its numbers is a leaf, a silence with the next statement."""
    healed = await session.execute(
        text("""
            INSERT INTO gaps_healed (gap_id, healed_at)
            SELECT gap_id, CAST(:now AS timestamptz) FROM gaps g
            WHERE NOT EXISTS (SELECT FROM gaps_healed h WHERE h.gap_id = g.gap_id)
            AND last - first + 1 = (
                SELECT count(*) FROM entries e WHERE e.service = g.service
                AND e.partition = g.partition AND e.epoch = g.epoch
                AND e.sequence BETWEEN g.first AND g.last)
            UNION ALL
            SELECT gap_id, CAST(:now AS timestamptz) FROM silences s
            WHERE NOT EXISTS (SELECT FROM gaps_healed h WHERE h.gap_id = s.gap_id)
            AND EXISTS (
                SELECT FROM readings r WHERE r.index > s.after_index
                AND r.type = format('privity.%s.StreamHeadsStated.v1', s.service))
            RETURNING gap_id
        """),
        {"now": now},
    )
    for gap_id in healed.scalars().all():
        service, kind, detected_at = await _told_as(session, gap_id)
        log.info("a gap healed", service=service, kind=kind)
        emit(
            session,
            GapHealed(
                gap_id=gap_id, service=service, kind=kind, detected_at=detected_at, healed_at=now
            ),
        )


async def _told_as(session: AsyncSession, gap_id: UUID) -> tuple[str, Kind, datetime]:
    found = await session.execute(
        text("""
            SELECT service, kind, detected_at FROM gaps WHERE gap_id = :gap_id
            UNION ALL
            SELECT service, 'silent', detected_at FROM silences WHERE gap_id = :gap_id
        """),
        {"gap_id": gap_id},
    )
    service, kind, detected_at = found.one()
    return service, kind, detected_at


async def _now(session: AsyncSession) -> datetime:
    """The database's real time, as everything that the record says of itself."""
    now: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now


def without(numbers: Range, told: Iterable[Range]) -> list[Range]:
    """What is left of a range when these, in ascending order, are taken out."""
    left: list[Range] = []
    first, last = numbers
    for begin, end in told:
        if end < first or begin > last:
            continue
        if begin > first:
            left.append((first, begin - 1))
        first = end + 1
    return left + ([(first, last)] if first <= last else [])
