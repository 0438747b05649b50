"""The statements of exports: how far each is, the files collected for it, the bundle in chunks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from audit.queries import Selection
from shared.contracts import Sealed

TOUCHED_WITHIN = timedelta(minutes=3)
"""Who makes an export touches it more often than this, or is no longer there."""


State = Literal["making", "stopped", "ready", "expired"]


@dataclass(frozen=True)
class Export:
    """`joint_clients` are all whose entries it holds beside those of its client, also those that
    turned out to be of one of them."""

    export_id: UUID
    client_id: UUID
    matter_id: UUID | None
    messages: Sequence[UUID]
    joint_clients: Sequence[UUID]
    requested_by: UUID
    role: str
    size: int
    state: State
    problem: str | None
    done: int
    total: int
    entries: int
    octets: int | None
    digest: bytes | None
    created_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None

    @property
    def selection(self) -> Selection:
        """What it is made of, as it was when it was asked for."""
        return Selection(self.client_id, self.matter_id, self.messages, self.joint_clients)


_SHOWN = """
    export_id, client_id, matter_id, messages, joint_clients, requested_by, role, size,
    CASE WHEN state = 'making' AND touched_at < clock_timestamp() - CAST(:within AS interval)
         THEN 'stopped' ELSE state END AS state,
    problem, done, total, entries, octets, digest, created_at, ready_at, expires_at
"""


async def insert(session: AsyncSession, export: Export) -> None:
    await session.execute(
        text("""
            INSERT INTO exports (export_id, client_id, matter_id, messages, joint_clients,
                                 requested_by, role, size, state, created_at, touched_at)
            VALUES (:export_id, :client_id, :matter_id, :messages, :joint_clients, :requested_by,
                    :role, :size, 'making', :created_at, clock_timestamp())
        """),
        {name: getattr(export, name) for name in (
            "export_id", "client_id", "matter_id", "messages", "joint_clients", "requested_by",
            "role", "size", "created_at")},
    )  # fmt: skip


async def get(session: AsyncSession, export_id: UUID) -> Export | None:
    found = await session.execute(
        text(f"SELECT {_SHOWN} FROM exports WHERE export_id = :export_id"),
        {"export_id": export_id, "within": TOUCHED_WITHIN},
    )
    row = found.mappings().one_or_none()
    return Export(**row) if row else None


async def after(session: AsyncSession, last: UUID | None, limit: int) -> list[Export]:
    found = await session.execute(
        text(f"""
            SELECT {_SHOWN} FROM exports WHERE CAST(:last AS uuid) IS NULL OR export_id > :last
            ORDER BY export_id LIMIT :limit
        """),
        {"last": last, "limit": limit, "within": TOUCHED_WITHIN},
    )
    return [Export(**row) for row in found.mappings()]


async def claim(session: AsyncSession, export_id: UUID) -> bool:
    """Of two who go on with one that stopped, one wins."""
    found = await session.execute(
        text("""
            UPDATE exports SET state = 'making', problem = NULL, touched_at = clock_timestamp()
            WHERE export_id = :export_id AND (state = 'stopped' OR state = 'making'
                AND touched_at < clock_timestamp() - CAST(:within AS interval))
            RETURNING export_id
        """),
        {"export_id": export_id, "within": TOUCHED_WITHIN},
    )
    return found.one_or_none() is not None


async def progress(session: AsyncSession, export_id: UUID, done: int, total: int) -> None:
    await session.execute(
        text("""
            UPDATE exports SET done = :done, total = :total, touched_at = clock_timestamp()
            WHERE export_id = :export_id
        """),
        {"export_id": export_id, "done": done, "total": total},
    )


async def stop(session: AsyncSession, export_id: UUID, problem: str) -> None:
    await session.execute(
        text("""
            UPDATE exports SET state = 'stopped', problem = :problem
            WHERE export_id = :id AND state = 'making'
        """),
        {"id": export_id, "problem": problem},
    )


async def finish(
    session: AsyncSession,
    export_id: UUID,
    *,
    entries: int,
    octets: int,
    digest: bytes,
    kept_for: float,
) -> None:
    """The bundle is whole: what was collected for it is no longer needed."""
    await session.execute(
        text("""
            UPDATE exports SET state = 'ready', done = total, entries = :entries, octets = :octets,
                digest = :digest, ready_at = clock_timestamp(),
                expires_at = clock_timestamp() + make_interval(secs => :kept_for)
            WHERE export_id = :id
        """),
        {"id": export_id, "entries": entries, "octets": octets, "digest": digest,
         "kept_for": kept_for},
    )  # fmt: skip
    await session.execute(text("DELETE FROM export_files WHERE export_id = :id"), {"id": export_id})


async def expire(session: AsyncSession, kept_for: float) -> int:
    """Bundles past their time, and exports that nobody went on with, lose their content."""
    found = await session.execute(
        text("""
            UPDATE exports SET state = 'expired' WHERE state <> 'expired' AND (
                expires_at < clock_timestamp() OR (state <> 'ready'
                AND touched_at < clock_timestamp() - make_interval(secs => :kept_for)))
            RETURNING export_id
        """),
        {"kept_for": kept_for},
    )
    gone = list(found.scalars())
    for table in ("export_files", "export_chunks"):
        await session.execute(
            text(f"DELETE FROM {table} WHERE export_id = ANY (:gone)"), {"gone": gone}
        )
    return len(gone)


async def keep_file(
    session: AsyncSession,
    export_id: UUID,
    file_id: UUID,
    key_version: int,
    commitment: str,
    boxes: Sequence[bytes],
) -> None:
    for number, box in enumerate(boxes):
        await session.execute(
            text("""
                INSERT INTO export_files (export_id, file_id, number, box, commitment, key_version)
                VALUES (:export_id, :file_id, :number, :box, :commitment, :key_version)
                ON CONFLICT DO NOTHING
            """),
            {"export_id": export_id, "file_id": file_id, "number": number, "box": box,
             "commitment": commitment, "key_version": key_version},
        )  # fmt: skip


async def kept_files(session: AsyncSession, export_id: UUID) -> set[UUID]:
    found = await session.execute(
        text("SELECT DISTINCT file_id FROM export_files WHERE export_id = :id"), {"id": export_id}
    )
    return set(found.scalars())


async def file(
    session: AsyncSession, export_id: UUID, file_id: UUID
) -> tuple[int, str, list[bytes]]:
    """(key version, commitment, boxes) as they were kept."""
    found = await session.execute(
        text("""
            SELECT box, commitment, key_version FROM export_files
            WHERE export_id = :export_id AND file_id = :file_id ORDER BY number
        """),
        {"export_id": export_id, "file_id": file_id},
    )
    rows = found.all()
    return rows[0].key_version, rows[0].commitment, [row.box for row in rows]


async def forget_chunks(session: AsyncSession, export_id: UUID) -> None:
    await session.execute(
        text("DELETE FROM export_chunks WHERE export_id = :id"), {"id": export_id}
    )


async def keep_chunk(session: AsyncSession, export_id: UUID, number: int, sealed: Sealed) -> None:
    await session.execute(
        text("""
            INSERT INTO export_chunks (export_id, number, sealed)
            VALUES (:export_id, :number, CAST(:sealed AS jsonb))
        """),
        {"export_id": export_id, "number": number, "sealed": sealed.model_dump_json()},
    )


async def chunk(session: AsyncSession, export_id: UUID, number: int) -> Sealed | None:
    found = await session.execute(
        text("SELECT sealed FROM export_chunks WHERE export_id = :id AND number = :number"),
        {"id": export_id, "number": number},
    )
    sealed = found.scalar_one_or_none()
    return Sealed.model_validate(sealed) if sealed else None
