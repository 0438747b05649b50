"""Keep what sla-monitor tells of its clocks. All facts of a client travel in one stream; what is
heard again after it was parked changes nothing that was heard since."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from matters.owed.models import Owed, State


async def note_due(
    session: AsyncSession, clock_id: UUID, kind: str, subject_id: UUID, **facts: Any
) -> None:
    """A clock opened, or its dues are others now."""
    known = await session.get(Owed, clock_id)
    if known is None:
        session.add(Owed(clock_id=clock_id, kind=kind, subject_id=subject_id, **facts))
    elif known.revision < facts["revision"]:
        for name, value in facts.items():
            setattr(known, name, value)


async def note_state(
    session: AsyncSession,
    clock_id: UUID,
    state: State,
    *,
    breached_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> None:
    """What became of it. A clock of which no due was heard belongs to no client of ours."""
    known = await session.get(Owed, clock_id)
    if known is not None:
        known.state, known.ended_at = state, ended_at
        known.breached_at = known.breached_at or breached_at
