"""The statements of audits: runs, reports, findings."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from audit.audits.proving import Problem
from shared.contracts import Sealed
from shared.ids import new_id

ABANDONED_AFTER = timedelta(minutes=5)


async def begin(
    session: AsyncSession, audit_id: UUID, size: int, requested_by: UUID | None
) -> bool:
    """False while another runs; one that nobody touches any more is stopped first."""
    await session.execute(
        text("""
            UPDATE audits SET state = 'stopped'
            WHERE state = 'running' AND touched_at < clock_timestamp() - CAST(:after AS interval)
        """),
        {"after": ABANDONED_AFTER},
    )
    begun = await session.execute(
        text("""
            INSERT INTO audits (audit_id, size, requested_by, state, started_at, touched_at)
            VALUES (:id, :size, :by, 'running', clock_timestamp(), clock_timestamp())
            ON CONFLICT DO NOTHING RETURNING audit_id
        """),
        {"id": audit_id, "size": size, "by": requested_by},
    )
    return begun.one_or_none() is not None


async def is_due(session: AsyncSession, every: timedelta) -> bool:
    """None was begun for so long, whatever became of it."""
    found = await session.execute(
        text("""
            SELECT NOT EXISTS (SELECT FROM audits
                WHERE started_at > clock_timestamp() - CAST(:every AS interval)
                AND (state <> 'stopped' OR touched_at > clock_timestamp() - interval '1 minute'))
        """),
        {"every": every},
    )
    return bool(found.scalar_one())


async def touch(session: AsyncSession, audit_id: UUID, checked: int) -> None:
    await session.execute(
        text("""
            UPDATE audits SET checked = :checked, touched_at = clock_timestamp()
            WHERE audit_id = :id AND state = 'running'
        """),
        {"id": audit_id, "checked": checked},
    )


async def stop(session: AsyncSession, audit_id: UUID) -> None:
    await session.execute(
        text("UPDATE audits SET state = 'stopped' WHERE audit_id = :id AND state = 'running'"),
        {"id": audit_id},
    )


async def finish(
    session: AsyncSession,
    audit_id: UUID,
    *,
    finished_at: datetime,
    report: bytes,
    pdf: bytes,
    note: str,
) -> None:
    await session.execute(
        text("""
            UPDATE audits SET state = 'done', checked = size, finished_at = :at WHERE audit_id = :id
        """),
        {"id": audit_id, "at": finished_at},
    )
    await session.execute(
        text("""
            INSERT INTO audit_reports (audit_id, report, pdf, note)
            VALUES (:id, :report, :pdf, :note)
        """),
        {"id": audit_id, "report": report, "pdf": pdf, "note": note},
    )


async def keep_findings(
    session: AsyncSession, audit_id: UUID, problems: Sequence[Problem], now: datetime
) -> None:
    """What is open already is the same finding."""
    for one in problems:
        await session.execute(
            text("""
                INSERT INTO findings (finding_id, audit_id, kind, subject, words, found_at)
                SELECT :finding_id, :audit_id, CAST(:kind AS text), CAST(:subject AS text), :words,
                       :now
                WHERE NOT EXISTS (
                    SELECT FROM findings f LEFT JOIN findings_closed c USING (finding_id)
                    WHERE f.kind = :kind AND f.subject = :subject AND c.finding_id IS NULL)
            """),
            {"finding_id": new_id(), "audit_id": audit_id, "kind": one.kind,
             "subject": one.subject, "words": one.words, "now": now},
        )  # fmt: skip


async def findings(
    session: AsyncSession,
    *,
    only_open: bool = False,
    after: UUID | None = None,
    limit: int = 1000,
    finding_id: UUID | None = None,
) -> Sequence[Any]:
    found = await session.execute(
        text("""
            SELECT f.*, c.closed_by, c.closed_at, c.reason
            FROM findings f LEFT JOIN findings_closed c USING (finding_id)
            WHERE (c.finding_id IS NULL OR NOT :only_open)
            AND (CAST(:after AS uuid) IS NULL OR finding_id > :after)
            AND (CAST(:finding_id AS uuid) IS NULL OR finding_id = :finding_id)
            ORDER BY finding_id LIMIT :limit
        """),
        {"only_open": only_open, "after": after, "finding_id": finding_id, "limit": limit},
    )
    return found.all()


async def close(
    session: AsyncSession, finding_id: UUID, closed_by: UUID, now: datetime, reason: Sealed
) -> bool:
    """Of two who close at once, one wins."""
    closed = await session.execute(
        text("""
            INSERT INTO findings_closed (finding_id, closed_by, closed_at, reason)
            VALUES (:id, :by, :now, CAST(:reason AS jsonb)) ON CONFLICT DO NOTHING
            RETURNING finding_id
        """),
        {"id": finding_id, "by": closed_by, "now": now, "reason": reason.model_dump_json()},
    )
    return closed.one_or_none() is not None


async def audits(
    session: AsyncSession, *, audit_id: UUID | None = None, after: UUID | None, limit: int
) -> Sequence[Any]:
    found = await session.execute(
        text("""
            SELECT a.*, r.note, sha256(r.report) AS digest,
                   (SELECT count(*) FROM findings f WHERE f.audit_id = a.audit_id) AS findings
            FROM audits a LEFT JOIN audit_reports r USING (audit_id)
            WHERE (CAST(:after AS uuid) IS NULL OR audit_id > :after)
            AND (CAST(:audit_id AS uuid) IS NULL OR audit_id = :audit_id)
            ORDER BY audit_id LIMIT :limit
        """),
        {"after": after, "audit_id": audit_id, "limit": limit},
    )
    return found.all()


async def report(session: AsyncSession, audit_id: UUID) -> Any | None:
    found = await session.execute(
        text("SELECT report, pdf, note FROM audit_reports WHERE audit_id = :id"), {"id": audit_id}
    )
    return found.one_or_none()


async def page(session: AsyncSession, first: int, end: int) -> Sequence[Any]:
    found = await session.execute(
        text("SELECT * FROM entries WHERE index >= :first AND index < :end ORDER BY index"),
        {"first": first, "end": end},
    )
    return found.all()


async def checkpoints(session: AsyncSession, above: int, through: int) -> Sequence[Any]:
    found = await session.execute(
        text("""
            SELECT size, root, note FROM checkpoints
            WHERE size > :above AND size <= :through ORDER BY size
        """),
        {"above": above, "through": through},
    )
    return found.all()


async def count_hashes(session: AsyncSession, size: int) -> int:
    """How many hashes are stored of a tree of this size."""
    found = await session.execute(
        text("""
            SELECT coalesce(sum(octet_length(hashes)) / 32, 0) FROM subtrees WHERE size <= :size
        """),
        {"size": size},
    )
    return int(found.scalar_one())
