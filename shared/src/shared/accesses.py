"""Every read of client data, and every refusal of a known caller, is itself a fact on the record.

A row per caller, client, purpose and window of ten minutes counts them in the reading transaction;
when the window has passed the row becomes one event.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.auth import CallerIdentity
from shared.contracts.platform import AccessDenied, RecordAccessed
from shared.db import Database
from shared.outbox import emit

Purpose = Literal[
    "message", "original", "attachment", "timeline", "entries", "list", "client", "clock"
]

_COUNT = text("""
    INSERT INTO accesses (caller_id, role, client_id, purpose, denied, count, first_at, last_at)
    SELECT CAST(:caller_id AS uuid), CAST(:role AS text), client_id, CAST(:purpose AS text),
           CAST(:denied AS boolean), 1, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM unnest(CAST(:client_ids AS uuid[])) AS client_id ORDER BY client_id
    ON CONFLICT (caller_id, client_id, purpose, denied)
    DO UPDATE SET count = accesses.count + 1, last_at = EXCLUDED.last_at
""")
_NO_CLIENT = UUID(int=0)


async def record_access(
    session: AsyncSession, caller: CallerIdentity, client_id: UUID, purpose: Purpose
) -> None:
    """Count a read in the transaction that reads."""
    await _count(session, caller, {client_id}, purpose, denied=False)


async def record_accesses(
    session: AsyncSession, caller: CallerIdentity, client_ids: Iterable[UUID], purpose: Purpose
) -> None:
    """Of everybody on a page, each once, in one statement: two pages of the same clients take their
    rows in one order."""
    if concerned := set(client_ids):
        await _count(session, caller, concerned, purpose, denied=False)


async def record_denial(db: Database, caller: CallerIdentity, action: str) -> None:
    """Count a refusal in a transaction of its own: the refused one was rolled back."""
    async with db.transaction() as session:
        await _count(session, caller, {_NO_CLIENT}, action, denied=True)


async def _count(
    session: AsyncSession,
    caller: CallerIdentity,
    client_ids: set[UUID],
    purpose: str,
    *,
    denied: bool,
) -> None:
    row = {"caller_id": caller.id, "role": caller.role, "client_ids": list(client_ids)}
    row |= {"purpose": purpose, "denied": denied, "now": clock.now()}
    await session.execute(_COUNT, row)


async def tell_past_windows(session: AsyncSession, window: timedelta) -> None:
    """Turn rows whose window has passed into events; the next read opens a new window."""
    rows = await session.execute(
        text("DELETE FROM accesses WHERE first_at <= :before RETURNING *"),
        {"before": clock.now() - window},
    )
    for row in rows.mappings():
        emit(session, _event(dict(row)))


def _event(row: dict[str, Any]) -> RecordAccessed | AccessDenied:
    told = {name: row[name] for name in ("caller_id", "role", "count", "first_at")}
    if row["denied"]:
        return AccessDenied(action=row["purpose"], **told)
    purpose = cast(Purpose, row["purpose"])
    return RecordAccessed(
        client_id=row["client_id"], purpose=purpose, last_at=row["last_at"], **told
    )
