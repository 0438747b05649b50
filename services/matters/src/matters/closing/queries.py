"""What stands in the way of closing."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import matters.decisions.queries as decisions
import matters.owed.queries as owed


class Open(NamedTuple):
    """A clock, a decision or a question that nobody has ended; or the client's file, known by the
    matter's id."""

    id: UUID
    kind: str


async def still_open(session: AsyncSession, matter_id: UUID) -> list[Open]:
    """The update clock ends with the closing itself, and a decision's or question's with that."""
    clocks = await owed.in_matter(session, matter_id)
    found = [Open(one.clock_id, one.kind) for one in clocks]
    found = [one for one in found if one.kind not in ("update", "decision", "question")]
    found += [
        Open(one.decision_id, "decision") for one in await decisions.open_in(session, matter_id)
    ]
    asked = await decisions.unanswered_in(session, matter_id)
    return found + [Open(one.question_id, "question") for one in asked]
