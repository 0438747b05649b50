"""What sla-monitor says of time that passes: the people concerned hear of it by mail."""

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.bills import actions as bills
from messaging.notices import reminders
from messaging.outbound.postponed import patient
from messaging.updates import reminders as matters
from shared.contracts.sla_monitor import (
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
    TriageDue,
)
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(TriageDue)
@patient
async def on_triage_due(session: AsyncSession, event: TriageDue) -> None:
    await reminders.ask_for_triage(session, event)


@handlers.on(DeadlineWarned)
@patient
async def on_deadline_warned(session: AsyncSession, event: DeadlineWarned) -> None:
    if event.kind == "concern":
        await bills.remind_of_concern(session, event)
        return
    room = matters if matters.concerns(event) else reminders
    await room.warn(session, event)


@handlers.on(DeadlineBreached)
@patient
async def on_deadline_breached(session: AsyncSession, event: DeadlineBreached) -> None:
    if event.kind == "concern":
        await bills.remind_of_concern(session, event)
        return
    room = matters if matters.concerns(event) else reminders
    await room.tell_of_breach(session, event)


@handlers.on(EscalationRaised)
@patient
async def on_escalation_raised(session: AsyncSession, event: EscalationRaised) -> None:
    if event.kind == "concern":
        await bills.remind_of_concern(session, event)
        return
    room = matters if matters.concerns(event) else reminders
    await room.escalate(session, event)
