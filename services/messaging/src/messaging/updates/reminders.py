"""Clocks of matters as mails: an update or a decision that is owed, broken or escalated. Each is
one mail a person, however often its event is heard."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.directory.models import Staff
from messaging.email.rendering import Block
from messaging.notices.actions import About, Subject, tell
from messaging.notices.cases import Case, acting_person, case_of, head
from messaging.updates import actions, texts
from shared import clock
from shared.contracts.sla_monitor import (
    ClockFact,
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
)

BROKEN = {
    "update": texts.broken,
    "decision": texts.undecided,
    "question": texts.unanswered,
}


def concerns(event: ClockFact) -> bool:
    """Whether it is of a matter, and not of a message."""
    return event.kind in ("update", "decision", "question")


async def warn(session: AsyncSession, event: DeadlineWarned) -> None:
    """Of an update the firm is reminded, of a decision the client."""
    if event.kind == "decision":
        await actions.remind_of_decision(session, event)
        return
    case = await _case(session, event)
    staff = await _who(session, event.staff_id, case)
    words = texts.unanswered if event.kind == "question" else texts.silent
    blocks = words(case.client.name, _name(case), event.limit_at, case.house.zone)
    purpose = f"warning/{event.clock_id}/{event.threshold}/{event.target_at.isoformat()}"
    waits_for = "is owed an answer in" if event.kind == "question" else "is to hear of"
    title = f"{case.client.name} {waits_for} {_name(case)}"
    await _tell(session, event, case, staff, purpose, "warning", title, blocks)


async def tell_of_breach(session: AsyncSession, event: DeadlineBreached) -> None:
    case = await _case(session, event)
    staff = await _who(session, event.staff_id, case)
    blocks = BROKEN[event.kind](case.client.name, _name(case), event.due_at, case.house.zone)
    title = f"Overdue: {case.client.name}, {_name(case)}"
    await _tell(session, event, case, staff, f"breach/{event.clock_id}", "breach", title, blocks)


async def escalate(session: AsyncSession, event: EscalationRaised) -> None:
    case = await _case(session, event)
    named = event.staff_id
    staff = await acting_person(session, named, clock.now()) if named else await head(session)
    blocks = BROKEN[event.kind](case.client.name, _name(case), event.due_at, case.house.zone)
    lacks = "has no answer in" if event.kind == "question" else "has not heard of"
    title = f"Escalated: {case.client.name} {lacks} {_name(case)}"
    purpose = f"escalation/{event.clock_id}/{event.step}"
    await _tell(session, event, case, staff, purpose, "escalation", title, blocks)


async def _case(session: AsyncSession, event: ClockFact) -> Case:
    assert event.client_id is not None, "a matter has a client"
    return await case_of(session, event.client_id, event.matter_id, clock.now())


async def _who(session: AsyncSession, staff_id: UUID | None, case: Case) -> Staff:
    return await acting_person(session, staff_id, clock.now()) if staff_id else case.contact


def _name(case: Case) -> str:
    assert case.matter is not None, "these clocks are of a matter"
    return case.matter


async def _tell(
    session: AsyncSession,
    event: ClockFact,
    case: Case,
    staff: Staff,
    purpose: str,
    about: About,
    title: str,
    blocks: Sequence[Block],
) -> None:
    await tell(
        session,
        case.house,
        staff,
        purpose=purpose,
        about=about,
        of=Subject(
            conversation_id=event.conversation_id,
            client_id=event.client_id,
            matter_id=event.matter_id,
            clock_id=event.clock_id,
        ),
        title=title,
        blocks=blocks,
    )
