"""The statements that write and read the log's rows. None of them updates or deletes."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
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
HEAD_LOCK = zlib.crc32(b"privity audit log head")


@dataclass(frozen=True, slots=True)
class Arrival:
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


async def note_of(session: AsyncSession, size: int) -> str:
    """The signed note of exactly this size; it must have been published."""
    found = await session.execute(
        text("SELECT note FROM checkpoints WHERE size = :size"), {"size": size}
    )
    note: str = found.scalar_one()
    return note


async def stored(session: AsyncSession, nodes: Iterable[Node]) -> dict[Node, bytes]:
    """The hashes of these complete subtrees, as far as they are there."""
    wanted = list(dict.fromkeys(nodes))
    found = await session.execute(
        text("""
            SELECT n.level, n.position, n.hash FROM nodes n JOIN unnest(
                CAST(:levels AS smallint[]), CAST(:positions AS bigint[])
            ) AS w(level, position) USING (level, position)
        """),
        {"levels": [level for level, _ in wanted], "positions": [at for _, at in wanted]},
    )
    return {(row.level, row.position): row.hash for row in found}


async def known(
    session: AsyncSession, wheres: Sequence[Coordinates]
) -> tuple[dict[UUID, tuple[Coordinates, bytes]], set[Number]]:
    """What the log holds already under these ids (with the SHA-256 of its value), and which of
    these numbers are taken."""
    found = await session.execute(
        text("""
            SELECT e.event_id, e.service, e.partition, e.epoch, e.sequence, sha256(e.value) AS value
            FROM entries e WHERE e.event_id = ANY (CAST(:event_ids AS uuid[]))
            UNION
            SELECT e.event_id, e.service, e.partition, e.epoch, e.sequence, sha256(e.value)
            FROM entries e JOIN unnest(
                CAST(:services AS text[]), CAST(:partitions AS int[]), CAST(:epochs AS int[]),
                CAST(:sequences AS bigint[])
            ) AS a(service, partition, epoch, sequence)
            USING (service, partition, epoch, sequence)
        """),
        _places(wheres),
    )
    held = [
        (Coordinates(row.event_id, row.service, row.partition, row.epoch, row.sequence), row.value)
        for row in found
    ]
    by_id = {where.event_id: (where, value) for where, value in held}
    return by_id, {number_of(where) for where, _ in held}


def number_of(where: Coordinates) -> Number:
    return where.service, where.partition, where.epoch, where.sequence


def _places(wheres: Sequence[Coordinates]) -> dict[str, object]:
    return {
        "event_ids": [one.event_id for one in wheres],
        "services": [one.service for one in wheres],
        "partitions": [one.partition for one in wheres],
        "epochs": [one.epoch for one in wheres],
        "sequences": [one.sequence for one in wheres],
    }


async def keep_forks(session: AsyncSession, forks: Sequence[Arrival]) -> None:
    """The log holds what came first; what came second is evidence too, and shown as a fork."""
    for one in forks:
        log.critical("a stream forks", stream=streams.name_of(number_of(one.where)[:3]),
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
        _places([one.where for one in forks])
        | {
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
    session: AsyncSession, leaves: Sequence[Leaf], recorded_at: datetime
) -> None:
    """Entries and their readings, by COPY: of all that an append does this costs the most."""
    await _copy(
        session,
        "entries",
        ENTRY_COLUMNS,
        [
            (
                leaf.index, leaf.arrival.where.event_id, leaf.arrival.where.service,
                leaf.arrival.where.partition, leaf.arrival.where.epoch,
                leaf.arrival.where.sequence, recorded_at, leaf.entry, leaf.salt, leaf.metadata,
                leaf.arrival.value,
            )
            for leaf in leaves
        ],
    )  # fmt: skip
    await _copy(
        session,
        "readings",
        ("index", "type", "fact_at", "client_id", "matter_id", "message_ids"),
        [
            (leaf.index, one.type, one.fact_at, one.client_id, one.matter_id, one.message_ids)
            for leaf in leaves
            if (one := leaf.reading)
        ],
    )


async def insert_nodes(session: AsyncSession, made: dict[Node, bytes]) -> None:
    rows = [(level, position, hashed) for (level, position), hashed in made.items()]
    await _copy(session, "nodes", ("level", "position", "hash"), rows)


async def _copy(
    session: AsyncSession, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
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
