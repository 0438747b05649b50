"""Decisions of a matter and what is still asked about them."""

from collections.abc import Collection, Sequence
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


async def open_for(session: AsyncSession, matter_id: UUID, client_id: UUID) -> Sequence[Decision]:
    """What this client of the matter is still asked, locked."""
    return [
        one for one in await open_in(session, matter_id, lock=True) if one.client_id == client_id
    ]


async def together(session: AsyncSession, decision: Decision) -> Sequence[Decision]:
    """This decision and those of the joint clients, locked in one order and as they are now: of
    two who answer at once one sees both answers."""
    its = col(Decision.decision_id) == decision.decision_id
    if decision.joint_decision_id is not None:
        its = col(Decision.joint_decision_id) == decision.joint_decision_id
    found = await session.execute(
        select(Decision)
        .where(its)
        .order_by(col(Decision.decision_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.scalars().all()


async def answers(
    session: AsyncSession, decisions: Collection[Decision]
) -> dict[UUID, list[tuple[str, str | None]]]:
    """(state, chosen) of all who decide together, by `joint_decision_id`."""
    joint = {one.joint_decision_id for one in decisions if one.joint_decision_id}
    if not joint:
        return {}
    found = await session.execute(
        select(col(Decision.joint_decision_id), col(Decision.state), col(Decision.chosen)).where(
            col(Decision.joint_decision_id).in_(joint)
        )
    )
    answered: dict[UUID, list[tuple[str, str | None]]] = {}
    for joint_id, state, chosen in found:
        if joint_id is not None:
            answered.setdefault(joint_id, []).append((state, chosen))
    return answered


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
