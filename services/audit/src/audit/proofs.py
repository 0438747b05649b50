"""Proofs and tiles out of stored hashes, all from rows that a checkpoint was committed with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from audit import merkle, rows
from audit.tiles import Tile, bundle


async def inclusion(session: AsyncSession, index: int, of_size: int) -> list[bytes]:
    """RFC 6962 §2.1.1; raises ValueError for a leaf that a tree of that size does not have."""
    return await _proof(session, merkle.inclusion_spans(index, of_size))


async def consistency(session: AsyncSession, old: int, new: int) -> list[bytes]:
    """RFC 6962 §2.1.2; raises ValueError unless 0 < old <= new."""
    return await _proof(session, merkle.consistency_spans(old, new))


async def size(session: AsyncSession) -> int:
    """How many entries the newest checkpoint has."""
    head = await rows.newest(session)
    return head.checkpoint.size if head else 0


@dataclass(frozen=True)
class Signed:
    """A checkpoint as it was committed: the note, and when."""

    size: int
    note: str
    at: datetime


async def signed(session: AsyncSession, of_size: int) -> Signed | None:
    """The checkpoint of exactly this size, if the log ever signed one."""
    found = await signed_after(session, of_size - 1, 1)
    return found[0] if found and found[0].size == of_size else None


async def signed_after(session: AsyncSession, size: int, limit: int) -> list[Signed]:
    """Checkpoints larger than `size`, smallest first."""
    found = await session.execute(
        text("""
            SELECT size, note, published_at FROM checkpoints
            WHERE size > :size ORDER BY size LIMIT :limit
        """),
        {"size": size, "limit": limit},
    )
    return [Signed(row.size, row.note, row.published_at) for row in found]


async def root(session: AsyncSession, of_size: int) -> bytes:
    return merkle.root(of_size, await rows.stored(session, merkle.covering((0, of_size))))


async def index_of(session: AsyncSession, event_id: UUID) -> int | None:
    found = await session.execute(
        text("SELECT index FROM entries WHERE event_id = :event_id"), {"event_id": event_id}
    )
    index: int | None = found.scalar_one_or_none()
    return index


async def content(session: AsyncSession, tile: Tile) -> bytes:
    """The bytes of a tile or bundle that the log is long enough for."""
    if tile.level is None:
        return bundle(await _entries(session, tile))
    return b"".join(await _hashes(session, tile))


async def _entries(session: AsyncSession, tile: Tile) -> list[bytes]:
    found = await session.execute(
        text("SELECT entry FROM entries WHERE index >= :first AND index < :end ORDER BY index"),
        {"first": tile.first, "end": tile.first + tile.width},
    )
    return list(found.scalars())


async def _hashes(session: AsyncSession, tile: Tile) -> list[bytes]:
    places = [(tile.tree_level, tile.first + at) for at in range(tile.width)]
    hashes = await rows.stored(session, places)
    return [hashes[place] for place in places if place in hashes]


async def _proof(session: AsyncSession, spans: list[merkle.Span]) -> list[bytes]:
    return merkle.proof(spans, await rows.stored(session, merkle.nodes_of(spans)))
