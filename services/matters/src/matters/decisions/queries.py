"""Decisions of a matter and what is still asked about them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.decisions.models import Decision, DecisionQuestion


async def open_in(
    session: AsyncSession, matter_id: UUID, *, lock: bool = False
) -> Sequence[Decision]:
    wanted = (
        select(Decision)
        .where(col(Decision.matter_id) == matter_id, col(Decision.state) == "requested")
        .order_by(col(Decision.reply_by), col(Decision.decision_id))
    )
    found = await session.execute(wanted.with_for_update() if lock else wanted)
    return found.scalars().all()


async def questions(session: AsyncSession, decision_id: UUID) -> Sequence[DecisionQuestion]:
    found = await session.execute(
        select(DecisionQuestion)
        .where(col(DecisionQuestion.decision_id) == decision_id)
        .order_by(col(DecisionQuestion.question_id))
    )
    return found.scalars().all()


def in_matter(matter_id: UUID) -> Select[DecisionQuestion]:
    return select(DecisionQuestion).where(col(DecisionQuestion.matter_id) == matter_id)


async def unanswered_in(session: AsyncSession, matter_id: UUID) -> Sequence[DecisionQuestion]:
    found = await session.execute(
        in_matter(matter_id)
        .where(col(DecisionQuestion.answered_at).is_(None))
        .order_by(col(DecisionQuestion.asked_at))
    )
    return found.scalars().all()
