"""What matters tells a client through messaging."""

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.outbound.postponed import patient
from messaging.updates import actions, deadlines, questions
from shared.contracts.matters import (
    DeadlineScheduled,
    DecisionExplained,
    DecisionQuestioned,
    DecisionRecorded,
    DecisionRequested,
    DecisionWithdrawn,
    MilestoneReverted,
    ProgressUpdateApproved,
    StrategyExplained,
    StrategyQuestioned,
    UpdateRequested,
)
from shared.contracts.sla_monitor import DeadlineReminderDue
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(ProgressUpdateApproved)
@patient
async def on_progress_update_approved(session: AsyncSession, event: ProgressUpdateApproved) -> None:
    await actions.send_update(session, event)


@handlers.on(DecisionRequested)
@patient
async def on_decision_requested(session: AsyncSession, event: DecisionRequested) -> None:
    await actions.put_decision(session, event)


@handlers.on(DecisionWithdrawn)
async def on_decision_withdrawn(session: AsyncSession, event: DecisionWithdrawn) -> None:
    await actions.withdraw_decision(session, event)


@handlers.on(DecisionRecorded)
@patient
async def on_decision_recorded(session: AsyncSession, event: DecisionRecorded) -> None:
    await questions.tell_of_outcome(session, event)
    await actions.remind_no_more(session, event)


@handlers.on(DecisionQuestioned)
@patient
async def on_decision_questioned(session: AsyncSession, event: DecisionQuestioned) -> None:
    await questions.tell_of_question(session, event)


@handlers.on(StrategyQuestioned)
@patient
async def on_strategy_questioned(session: AsyncSession, event: StrategyQuestioned) -> None:
    await questions.tell_of_question(session, event)


@handlers.on(DecisionExplained)
@patient
async def on_decision_explained(session: AsyncSession, event: DecisionExplained) -> None:
    await questions.pass_on_answer(session, event)


@handlers.on(StrategyExplained)
@patient
async def on_strategy_explained(session: AsyncSession, event: StrategyExplained) -> None:
    await questions.pass_on_answer(session, event)


@handlers.on(UpdateRequested)
@patient
async def on_update_requested(session: AsyncSession, event: UpdateRequested) -> None:
    await questions.tell_of_request(session, event)


@handlers.on(MilestoneReverted)
async def on_milestone_reverted(session: AsyncSession, event: MilestoneReverted) -> None:
    await actions.take_back(session, event.milestone_id)


@handlers.on(DeadlineScheduled)
async def on_deadline_scheduled(session: AsyncSession, event: DeadlineScheduled) -> None:
    await deadlines.keep(session, event)
    if event.cancelled:
        await actions.take_back(session, event.deadline_id)


@handlers.on(DeadlineReminderDue)
@patient
async def on_deadline_reminder_due(session: AsyncSession, event: DeadlineReminderDue) -> None:
    await deadlines.remind(session, event)
