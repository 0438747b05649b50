"""How far each stream was heard. Nothing missing: 1…n of every (service, partition, epoch) is in
the log; a number that is not there is a gap until it comes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from audit.entries import Coordinates

log = structlog.get_logger()

Stream = tuple[str, int, int]
"""(service, partition, epoch)"""

MOST_GAPS = 100


@dataclass(frozen=True)
class Progress:
    """1…`contiguous` are in the log; `head` is the highest number that is."""

    contiguous: int = 0
    head: int = 0


async def advance(
    session: AsyncSession, before: Mapping[Stream, Progress], appended: Iterable[Coordinates]
) -> None:
    """Count what was just appended to streams that were `before` as `progress` says; called under
    the head lock, in the same transaction."""
    numbers: dict[Stream, list[int]] = defaultdict(list)
    for where in appended:
        numbers[where.service, where.partition, where.epoch].append(where.sequence)
    after = {
        stream: await _advanced(session, stream, before.get(stream, Progress()), sorted(new))
        for stream, new in numbers.items()
    }
    await _store(session, after)


async def _advanced(
    session: AsyncSession, stream: Stream, known: Progress, new: Sequence[int]
) -> Progress:
    contiguous = known.contiguous
    for number in new:
        contiguous += number == contiguous + 1
    if contiguous > known.contiguous and known.head > known.contiguous:
        contiguous = await _run_behind(session, stream, contiguous)  # a gap was healed
    progress = Progress(contiguous, max(known.head, new[-1]))
    if progress.head > contiguous and known.head == known.contiguous:
        log.error("a number is missing", stream=stream, number=contiguous + 1)
    return progress


async def _run_behind(session: AsyncSession, stream: Stream, number: int) -> int:
    """The last number that follows `number` in the log without a gap."""
    found = await session.execute(
        text("""
            SELECT max(sequence) FROM (
                SELECT sequence, sequence - row_number() OVER (ORDER BY sequence) AS offset_by
                FROM entries WHERE service = :service AND partition = :partition
                AND epoch = :epoch AND sequence > :number) AS behind
            WHERE offset_by = :number
        """),
        _named(stream) | {"number": number},
    )
    return found.scalar_one() or number


async def progress(session: AsyncSession, wheres: Iterable[Coordinates]) -> dict[Stream, Progress]:
    """Of the streams of these places, as far as anything of them was heard."""
    rows = await session.execute(
        text("""
            SELECT h.* FROM stream_heads h JOIN unnest(
                CAST(:services AS text[]), CAST(:partitions AS int[]), CAST(:epochs AS int[])
            ) AS s(service, partition, epoch) USING (service, partition, epoch)
        """),
        _columns(list(dict.fromkeys(where[1:4] for where in wheres))),
    )
    return {
        (row.service, row.partition, row.epoch): Progress(row.contiguous, row.head) for row in rows
    }


async def _store(session: AsyncSession, progress: dict[Stream, Progress]) -> None:
    await session.execute(
        text("""
            INSERT INTO stream_heads (service, partition, epoch, contiguous, head)
            SELECT * FROM unnest(
                CAST(:services AS text[]), CAST(:partitions AS int[]), CAST(:epochs AS int[]),
                CAST(:contiguous AS bigint[]), CAST(:heads AS bigint[]))
            ON CONFLICT (service, partition, epoch)
            DO UPDATE SET contiguous = EXCLUDED.contiguous, head = EXCLUDED.head
        """),
        _columns(list(progress))
        | {
            "contiguous": [one.contiguous for one in progress.values()],
            "heads": [one.head for one in progress.values()],
        },
    )


async def all_progress(session: AsyncSession) -> dict[Stream, Progress]:
    rows = await session.execute(
        text("SELECT * FROM stream_heads ORDER BY service, partition, epoch")
    )
    return {
        (row.service, row.partition, row.epoch): Progress(row.contiguous, row.head) for row in rows
    }


async def gaps(
    session: AsyncSession, stream: Stream, known: Progress, through: int
) -> list[tuple[int, int]]:
    """The missing numbers up to `through`, as inclusive ranges; at most a hundred of them."""
    found = await _gaps_within(session, stream, known) if known.head > known.contiguous else []
    return found + ([(known.head + 1, through)] if through > known.head else [])


async def _gaps_within(
    session: AsyncSession, stream: Stream, known: Progress
) -> list[tuple[int, int]]:
    rows = await session.execute(
        text("""
            SELECT before + 1 AS first, sequence - 1 AS last FROM (
                SELECT sequence, lag(sequence, 1, CAST(:contiguous AS bigint))
                    OVER (ORDER BY sequence) AS before
                FROM entries WHERE service = :service AND partition = :partition
                AND epoch = :epoch AND sequence > :contiguous) AS heard
            WHERE sequence > before + 1 ORDER BY sequence LIMIT :most
        """),
        _named(stream) | {"contiguous": known.contiguous, "most": MOST_GAPS},
    )
    return [(row.first, row.last) for row in rows]


def name_of(stream: Stream) -> str:
    """The stream as its events spell it in `ce_source`."""
    service, partition, epoch = stream
    return f"privity/{service}/{partition}?epoch={epoch}"


def _named(stream: Stream) -> dict[str, object]:
    return dict(zip(("service", "partition", "epoch"), stream, strict=True))


def _columns(streams: Sequence[Stream]) -> dict[str, object]:
    return {
        "services": [service for service, _, _ in streams],
        "partitions": [partition for _, partition, _ in streams],
        "epochs": [epoch for _, _, epoch in streams],
    }
