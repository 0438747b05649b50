"""The statements that write and read the log's rows. None of them updates or deletes."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from audit import entries, readings, streams
from audit.checkpoints import Checkpoint
from audit.entries import Coordinates, Headers
from audit.merkle import Node

log = structlog.get_logger()

Number = tuple[str, int, int, int]
"""(service, partition, epoch, sequence)"""

ENTRY_COLUMNS = (
    "index", "event_id", "service", "partition", "epoch", "sequence", "recorded_at", "entry",
    "salt", "metadata", "value",
)  # fmt: skip
READING_COLUMNS = ("index", "type", "fact_at", "client_id", "matter_id", "message_ids")
HEAD_LOCK = zlib.crc32(b"privity audit log head")
SENT_AT_ONCE = 100


class Arrival(NamedTuple):
    """An event as it came: where it stands in its stream, all its headers, the bytes of it."""

    where: Coordinates
    headers: Headers
    value: bytes


@dataclass(frozen=True, slots=True)
class Stray:
    """A record of a topic that has no place in a stream of the topic's owner."""

    topic: str
    partition: int
    offset: int
    problem: str
    headers: Headers
    value: bytes


@dataclass(frozen=True, slots=True)
class Leaf:
    """An arrival with its place in the log and everything that is kept of it."""

    index: int
    arrival: Arrival
    entry: bytes
    hash: bytes
    salt: bytes
    metadata: bytes
    reading: readings.Reading


@dataclass(frozen=True)
class Head:
    """The newest checkpoint in the database. Its hour and `read_at` are the database's real time,
    whatever the local profile's clock was moved to: when audit wrote is evidence."""

    checkpoint: Checkpoint
    note: str
    published_at: datetime
    read_at: datetime


async def lock_head(session: AsyncSession) -> None:
    """One appender at a time over all replicas; what is read after it is what they committed."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": HEAD_LOCK})


async def newest(session: AsyncSession) -> Head | None:
    """The head as committed; None before the log was ever opened."""
    found = await session.execute(
        text("""
            SELECT size, root, note, published_at, clock_timestamp() AS read_at
            FROM checkpoints ORDER BY size DESC LIMIT 1
        """)
    )
    row = found.one_or_none()
    if row is None:
        return None
    origin = row.note.partition("\n")[0]
    checkpoint = Checkpoint(origin, row.size, row.root)
    return Head(checkpoint, row.note, row.published_at, row.read_at)


async def cosigned(session: AsyncSession, witness: str) -> int:
    """The largest size that a witness cosigned; 0 before the first."""
    found = await session.execute(
        text("SELECT coalesce(max(size), 0) FROM cosignatures WHERE witness = :witness"),
        {"witness": witness},
    )
    size: int = found.scalar_one()
    return size


async def keep_cosignature(
    session: AsyncSession, size: int, witness: str, line: str, at: datetime
) -> None:
    """Of two replicas that asked, the first one's stays."""
    await session.execute(
        text("""
            INSERT INTO cosignatures (size, witness, line, cosigned_at)
            VALUES (:size, :witness, :line, :at) ON CONFLICT DO NOTHING
        """),
        {"size": size, "witness": witness, "line": line, "at": at},
    )


async def with_cosignatures(session: AsyncSession, size: int, note: str) -> str:
    """A note with what witnesses signed under it since; what the log signed stays as it was."""
    found = await session.execute(
        text("SELECT line FROM cosignatures WHERE size = :size ORDER BY witness"), {"size": size}
    )
    return note + "".join(f"{line}\n" for line in found.scalars())


async def witnessed(session: AsyncSession) -> str | None:
    """The newest checkpoint that a witness cosigned, with its cosignatures."""
    found = await session.execute(
        text("""
            SELECT size, note FROM checkpoints
            WHERE size = (SELECT max(size) FROM cosignatures)
        """)
    )
    row = found.one_or_none()
    return await with_cosignatures(session, row.size, row.note) if row else None


async def note_of(session: AsyncSession, size: int) -> str:
    """The signed note of exactly this size; it must have been published."""
    found = await session.execute(
        text("SELECT note FROM checkpoints WHERE size = :size"), {"size": size}
    )
    note: str = found.scalar_one()
    return note


async def stored(session: AsyncSession, nodes: Iterable[Node]) -> dict[Node, bytes]:
    """The hashes of these complete subtrees, as far as they are there: each stands in the row of
    the append that made it complete, behind those of the levels below it."""
    wanted = list(dict.fromkeys(nodes))
    found = await session.execute(
        text("""
            SELECT w.level, w.position, substring(s.hashes FROM CAST(1 + 32 * (
                complete_subtrees(s.size) - complete_subtrees(s.size >> w.level)
                - complete_subtrees(s.first) + complete_subtrees(s.first >> w.level)
                + w.position - (s.first >> w.level)) AS int) FOR 32) AS hash
            FROM unnest(CAST(:levels AS int[]), CAST(:positions AS bigint[])) AS w(level, position)
            CROSS JOIN LATERAL (
                SELECT * FROM subtrees WHERE first < (w.position + 1) << w.level
                ORDER BY first DESC LIMIT 1) AS s
            WHERE s.size >= (w.position + 1) << w.level
        """),
        {"levels": [level for level, _ in wanted], "positions": [at for _, at in wanted]},
    )
    return {(row.level, row.position): row.hash for row in found}


async def known_by_id(
    session: AsyncSession, event_ids: Sequence[UUID]
) -> dict[UUID, tuple[Coordinates, bytes]]:
    """Where the log holds these events already, and the SHA-256 of each value."""
    found = await session.execute(
        text("""
            SELECT event_id, service, partition, epoch, sequence, sha256(value) AS digest
            FROM entries WHERE event_id = ANY (CAST(:event_ids AS uuid[]))
        """),
        {"event_ids": event_ids},
    )
    return {row.event_id: (Coordinates(*row[:5]), row.digest) for row in found}


async def taken(session: AsyncSession, wheres: Sequence[Coordinates]) -> set[Number]:
    """Which of these numbers the log holds already, whoever has them."""
    found = await session.execute(
        text("""
            SELECT service, partition, epoch, sequence FROM entries JOIN unnest(
                CAST(:services AS text[]), CAST(:partitions AS int[]), CAST(:epochs AS int[]),
                CAST(:sequences AS bigint[])
            ) AS a(service, partition, epoch, sequence)
            USING (service, partition, epoch, sequence)
        """),
        _numbers(wheres),
    )
    return {(row[0], row[1], row[2], row[3]) for row in found}


def _numbers(wheres: Sequence[Coordinates]) -> dict[str, object]:
    return {
        "services": [one.service for one in wheres],
        "partitions": [one.partition for one in wheres],
        "epochs": [one.epoch for one in wheres],
        "sequences": [one.sequence for one in wheres],
    }


async def keep_forks(session: AsyncSession, forks: Sequence[Arrival]) -> None:
    """The log holds what came first; what came second is evidence too, and shown as a fork."""
    for one in forks:
        log.critical("a stream forks", stream=streams.name_of(one.where[1:4]),
                     number=one.where.sequence, event_id=str(one.where.event_id))  # fmt: skip
    await session.execute(
        text("""
            INSERT INTO forks (event_id, service, partition, epoch, sequence, value_sha256,
                               metadata, value, seen_at)
            SELECT *, clock_timestamp() FROM unnest(
                CAST(:event_ids AS uuid[]), CAST(:services AS text[]), CAST(:partitions AS int[]),
                CAST(:epochs AS int[]), CAST(:sequences AS bigint[]),
                CAST(:digests AS bytea[]), CAST(:metadata AS bytea[]), CAST(:values AS bytea[]))
            ON CONFLICT DO NOTHING
        """),
        _numbers([one.where for one in forks])
        | {
            "event_ids": [one.where.event_id for one in forks],
            "digests": [sha256(one.value).digest() for one in forks],
            "metadata": [
                entries.metadata(one.headers, entries.subjects_of(entries.parsed(one.value)))
                for one in forks
            ],
            "values": [one.value for one in forks],
        },
    )


async def keep_strays(session: AsyncSession, strays: Sequence[Stray]) -> None:
    """Whoever writes to a topic what is not an event of its owner leaves a trace of it here."""
    await session.execute(
        text("""
            INSERT INTO strays (topic, partition, record_offset, problem, metadata, value, seen_at)
            SELECT *, clock_timestamp() FROM unnest(
                CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]),
                CAST(:problems AS text[]), CAST(:metadata AS bytea[]), CAST(:values AS bytea[]))
            ON CONFLICT DO NOTHING
        """),
        {
            "topics": [one.topic for one in strays],
            "partitions": [one.partition for one in strays],
            "offsets": [one.offset for one in strays],
            "problems": [one.problem for one in strays],
            "metadata": [entries.metadata(one.headers, {}) for one in strays],
            "values": [one.value for one in strays],
        },
    )


async def insert_entries(
    session: AsyncSession, leaves: Iterable[Leaf], recorded_at: datetime
) -> list[Leaf]:
    """Entries by COPY while they are made: PostgreSQL stores the first as the next are hashed."""
    made: list[Leaf] = []

    async def streamed() -> AsyncIterator[tuple[Any, ...]]:
        for leaf in leaves:
            made.append(leaf)
            where, _, value = leaf.arrival
            yield (leaf.index, *where, recorded_at, leaf.entry, leaf.salt, leaf.metadata, value)
            if not len(made) % SENT_AT_ONCE:
                await asyncio.sleep(0)

    await _copy(session, "entries", ENTRY_COLUMNS, streamed())
    readings = [(leaf.index, *leaf.reading) for leaf in made]
    await _copy(session, "readings", READING_COLUMNS, readings)
    return made


async def insert_subtrees(
    session: AsyncSession, first: int, size: int, levels: Sequence[Sequence[bytes]]
) -> None:
    """The hashes that the leaves [first, size) made complete: one row, whatever their number."""
    await session.execute(
        text("INSERT INTO subtrees (first, size, hashes) VALUES (:first, :size, :hashes)"),
        {"first": first, "size": size, "hashes": b"".join(chain.from_iterable(levels))},
    )


async def _copy(
    session: AsyncSession,
    table: str,
    columns: Sequence[str],
    rows: Iterable[tuple[Any, ...]] | AsyncIterator[tuple[Any, ...]],
) -> None:
    """COPY in the session's own transaction. What asyncpg raises becomes what SQLAlchemy would
    raise, and a connection that is lost is not used again."""
    connection = await session.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, asyncpg.Connection)
    try:
        await raw.copy_records_to_table(table, records=rows, columns=columns)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        if raw.is_closed():
            await connection.invalidate(error)
        raise DBAPIError(f"COPY {table}", None, error) from error


async def insert_checkpoint(
    session: AsyncSession, checkpoint: Checkpoint, note: str, published_at: datetime | None
) -> None:
    """At the time of its leaves, or now when it has none."""
    await session.execute(
        text("""
            INSERT INTO checkpoints (size, root, note, published_at)
            VALUES (:size, :root, :note,
                    coalesce(CAST(:published_at AS timestamptz), clock_timestamp()))
        """),
        {
            "size": checkpoint.size,
            "root": checkpoint.root,
            "note": note,
            "published_at": published_at,
        },
    )
