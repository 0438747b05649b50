"""Mail of fees: one purpose, one mail, however often its event is heard. Each letter begins or
joins the conversation of its matter's bills, so that a reply is a message of that matter,
clocked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.bills import texts
from messaging.bills.texts import Letter
from messaging.conversations import actions as conversations
from messaging.conversations.models import Conversation
from messaging.directory import queries as directory
from messaging.notices import actions as notices
from messaging.notices.actions import About, Subject
from messaging.notices.cases import Case, acting_person, case_to_write
from messaging.notices.client_notices import tell_client
from shared import clock
from shared.contracts.billing import RetainerRanLow
from shared.contracts.messaging import conversation_of_bills
from shared.contracts.sla_monitor import DeadlineBreached, DeadlineWarned, EscalationRaised

SUBJECT = "Fees and bills"


async def write(
    session: AsyncSession,
    client_id: UUID,
    matter_id: UUID | None,
    purpose: str,
    letter: Letter,
    *,
    answers: bool = False,
    leaves_by: datetime | None = None,
) -> None:
    """What `answers` the client's own words does not wait. Raises NotYetKnown before anything is
    written."""
    case = await case_to_write(session, client_id, matter_id)
    await tell_client(
        session,
        case,
        await _conversation(session, case.client.client_id, matter_id),
        purpose=purpose,
        of="billing",
        subject=letter.subject,
        blocks=[
            f"Dear {case.client.name},",
            *letter.blocks,
            f"With kind regards,\n{case.contact.name}\n{case.house.name}",
        ],
        at_once=answers,
        leaves_by=leaves_by,
    )


async def tell_of_retainer(session: AsyncSession, event: RetainerRanLow) -> None:
    """The client and their point of contact, once for each time that it ran low."""
    case = await case_to_write(session, event.client_id, event.matter_id)
    purpose = f"retainer/{event.matter_id}/{event.ran_low_at.isoformat()}"
    letter = texts.retainer(event)
    await write(session, event.client_id, event.matter_id, purpose, letter)
    conversation = await _conversation(session, case.client.client_id, event.matter_id)
    await notices.tell(
        session,
        case.house,
        case.contact,
        purpose=purpose,
        about="retainer",
        of=Subject(
            conversation_id=conversation.conversation_id,
            client_id=case.client.client_id,
            matter_id=event.matter_id,
        ),
        title=f"Retainer low: {case.client.name}",
        blocks=texts.low_retainer(case.client.name, event),
    )


async def remind_of_concern(
    session: AsyncSession, event: DeadlineWarned | DeadlineBreached | EscalationRaised
) -> None:
    """Staff hear of a concern's thresholds as of a message's; the client, when it takes longer."""
    assert event.client_id is not None, "a concern is a client's"
    case = await case_to_write(session, event.client_id, event.matter_id)
    about, mark, lead, purpose = _reminded(event, case)
    named = event.staff_id
    staff = await acting_person(session, named, clock.now()) if named else case.contact
    at_latest = event.limit_at if isinstance(event, DeadlineWarned) else event.due_at
    await notices.tell(
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
        title=f"{mark}: {case.client.name} waits for an answer about a bill",
        blocks=texts.waiting_concern(case.client.name, lead, at_latest, case.house.zone),
    )
    if isinstance(event, DeadlineWarned) and event.threshold == "target":
        letter = texts.concern_delayed(case.contact.name, event.limit_at, case.zone)
        purpose = f"concern-delay/{event.clock_id}/{event.target_at.isoformat()}"
        of = event.client_id, event.matter_id
        await write(session, *of, purpose, letter, leaves_by=event.limit_at)


def _reminded(
    event: DeadlineWarned | DeadlineBreached | EscalationRaised, case: Case
) -> tuple[About, str, str, str]:
    """(about, mark, lead, purpose)."""
    waits = f"{case.client.name} questioned a bill and has not been answered"
    match event:
        case DeadlineWarned(threshold="target"):
            key = f"warning/{event.clock_id}/target/{event.target_at.isoformat()}"
            return "warning", "Target passed", f"{waits}; the client was told so.", key
        case DeadlineWarned():
            key = f"warning/{event.clock_id}/{event.threshold}/{event.target_at.isoformat()}"
            return "warning", "Reminder", f"{waits} yet.", key
        case DeadlineBreached():
            return "breach", "Overdue", f"{waits} in time.", f"breach/{event.clock_id}"
    key = f"escalation/{event.clock_id}/{event.step}"
    return "escalation", "Escalated", f"{waits}; it now comes to you.", key


async def _conversation(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None
) -> Conversation:
    """One for the bills of each matter; its id is derived, so that two who begin it make one. That
    of an entry that was merged goes on."""
    for entry in await directory.entries(session, [client_id]):
        known = await session.get(Conversation, conversation_of_bills(entry, matter_id))
        if known is not None:
            return known
    return await conversations.begin_conversation(
        session,
        conversation_id=conversation_of_bills(client_id, matter_id),
        owner=client_id,
        client_id=client_id,
        matter_id=matter_id,
        subject=SUBJECT,
        at=clock.now(),
    )
