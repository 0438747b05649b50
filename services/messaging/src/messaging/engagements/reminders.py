"""What a client was asked for and has not brought. The client is reminded by intake alone, which
knows what is missing and gives a link to bring it by; staff hear when the time is over."""

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.directory import queries as directory
from messaging.engagements import texts
from messaging.notices.actions import About, Subject, tell
from messaging.notices.cases import acting_person, head, house_of
from messaging.outbound.postponed import NotYetKnown
from shared import clock
from shared.contracts.sla_monitor import DeadlineBreached, DeadlineWarned, EscalationRaised


async def remind(
    session: AsyncSession, event: DeadlineWarned | DeadlineBreached | EscalationRaised
) -> None:
    """One mail a person. Raises NotYetKnown."""
    about: About
    match event:
        case DeadlineWarned():
            return
        case DeadlineBreached():
            about, purpose = "breach", f"breach/{event.clock_id}"
        case EscalationRaised():
            about, purpose = "escalation", f"escalation/{event.clock_id}/{event.step}"
    assert event.client_id is not None, "a request is to a client"
    client = await directory.client(session, event.client_id)
    if client is None:
        raise NotYetKnown(f"client {event.client_id}")
    house, named = await house_of(session), event.staff_id
    await tell(
        session,
        house,
        await acting_person(session, named, clock.now()) if named else await head(session),
        purpose=purpose,
        about=about,
        of=Subject(
            conversation_id=event.conversation_id,
            client_id=event.client_id,
            matter_id=event.matter_id,
            clock_id=event.clock_id,
        ),
        title=f"Overdue: what {client.name} was asked for",
        blocks=texts.not_brought(client.name, event.due_at, house.zone),
    )
