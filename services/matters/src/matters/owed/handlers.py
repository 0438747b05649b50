"""Events of sla-monitor in: what is owed, and what became of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from matters.owed import actions
from shared.contracts.sla_monitor import (
    AcknowledgmentDue,
    ClockCancelled,
    ClockMet,
    ClockPaused,
    ClockReopened,
    ClockResumed,
    ConcernDue,
    DeadlineBreached,
    DecisionDue,
    QuestionDue,
    ResponseDue,
    UpdateDue,
)
from shared.handlers import Handlers

handlers = Handlers()
DUE = {"client_id", "matter_id", "revision", "opened_at", "target_at", "limit_at", "prompted_at"}


@handlers.on(ResponseDue)
async def on_response_due(session: AsyncSession, event: ResponseDue) -> None:
    facts = event.model_dump(include=DUE)
    await actions.note_due(session, event.clock_id, "response", event.conversation_id, **facts)


@handlers.on(AcknowledgmentDue)
async def on_acknowledgment_due(session: AsyncSession, event: AcknowledgmentDue) -> None:
    facts = event.model_dump(include=DUE)
    await actions.note_due(
        session, event.clock_id, "acknowledgment", event.conversation_id, **facts
    )


@handlers.on(UpdateDue)
async def on_update_due(session: AsyncSession, event: UpdateDue) -> None:
    facts = event.model_dump(include=DUE)
    await actions.note_due(session, event.clock_id, "update", event.matter_id, **facts)


@handlers.on(DecisionDue)
async def on_decision_due(session: AsyncSession, event: DecisionDue) -> None:
    facts = event.model_dump(include=DUE)
    await actions.note_due(session, event.clock_id, "decision", event.decision_id, **facts)


@handlers.on(QuestionDue)
async def on_question_due(session: AsyncSession, event: QuestionDue) -> None:
    facts = event.model_dump(include=DUE)
    await actions.note_due(session, event.clock_id, "question", event.question_id, **facts)


@handlers.on(ConcernDue)
async def on_concern_due(session: AsyncSession, event: ConcernDue) -> None:
    facts = event.model_dump(include=DUE)
    await actions.note_due(session, event.clock_id, "concern", event.concern_id, **facts)


@handlers.on(ClockPaused)
async def on_clock_paused(session: AsyncSession, event: ClockPaused) -> None:
    await actions.note_state(session, event.clock_id, "paused")


@handlers.on(ClockResumed)
async def on_clock_resumed(session: AsyncSession, event: ClockResumed) -> None:
    await actions.note_state(session, event.clock_id, "running")


@handlers.on(ClockReopened)
async def on_clock_reopened(session: AsyncSession, event: ClockReopened) -> None:
    await actions.note_state(session, event.clock_id, "running")


@handlers.on(DeadlineBreached)
async def on_deadline_breached(session: AsyncSession, event: DeadlineBreached) -> None:
    await actions.note_state(session, event.clock_id, "breached", breached_at=event.due_at)


@handlers.on(ClockMet)
async def on_clock_met(session: AsyncSession, event: ClockMet) -> None:
    await actions.note_state(session, event.clock_id, "met", ended_at=event.met_at)


@handlers.on(ClockCancelled)
async def on_clock_cancelled(session: AsyncSession, event: ClockCancelled) -> None:
    await actions.note_state(session, event.clock_id, "cancelled", ended_at=event.cancelled_at)
