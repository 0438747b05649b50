"""What sla-monitor says of time that passes: the people concerned hear of it by mail."""

from collections.abc import Awaitable, Callable
from types import ModuleType

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.bills import actions as bills
from messaging.engagements import reminders as requests
from messaging.notices import reminders
from messaging.outbound.postponed import patient
from messaging.updates import reminders as matters
from shared.contracts.sla_monitor import (
    ClockFact,
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
    TriageDue,
)
from shared.handlers import Handlers

handlers = Handlers()

Passed = DeadlineWarned | DeadlineBreached | EscalationRaised


@handlers.on(TriageDue)
@patient
async def on_triage_due(session: AsyncSession, event: TriageDue) -> None:
    await reminders.ask_for_triage(session, event)


@handlers.on(DeadlineWarned)
@patient
async def on_deadline_warned(session: AsyncSession, event: DeadlineWarned) -> None:
    if remind := ONE_VERB.get(event.kind):
        await remind(session, event)
    else:
        await _room(event).warn(session, event)


@handlers.on(DeadlineBreached)
@patient
async def on_deadline_breached(session: AsyncSession, event: DeadlineBreached) -> None:
    if remind := ONE_VERB.get(event.kind):
        await remind(session, event)
    else:
        await _room(event).tell_of_breach(session, event)


@handlers.on(EscalationRaised)
@patient
async def on_escalation_raised(session: AsyncSession, event: EscalationRaised) -> None:
    if remind := ONE_VERB.get(event.kind):
        await remind(session, event)
    else:
        await _room(event).escalate(session, event)


ONE_VERB: dict[str, Callable[[AsyncSession, Passed], Awaitable[None]]] = {
    "concern": bills.remind_of_concern,
    "information": requests.remind,
}


def _room(event: ClockFact) -> ModuleType:
    return matters if matters.concerns(event) else reminders
