"""Mail of fees: one purpose, one mail, however often its event is heard. Each letter begins or
joins the conversation of its matter's bills, so that a reply is a message of that matter,
clocked."""

from uuid import NAMESPACE_OID, UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.bills import texts
from messaging.bills.texts import Letter
from messaging.conversations import actions as conversations
from messaging.conversations.models import Conversation
from messaging.email import composing
from messaging.email.composing import Heading
from messaging.email.rendering import Block, Mailbox, UnusableAddress, plain_text
from messaging.notices import actions as notices
from messaging.notices.actions import About, Subject
from messaging.notices.cases import Case, case_of, person
from messaging.outbound import queries as outbound
from messaging.outbound.actions import queue
from shared import clock
from shared.contracts.messaging import MessageSent
from shared.contracts.sla_monitor import DeadlineBreached, DeadlineWarned, EscalationRaised
from shared.ids import new_id
from shared.keyring import seal

log = structlog.get_logger()

SUBJECT = "Fees and bills"


async def tell_client(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None, purpose: str, letter: Letter
) -> None:
    """Raises NotYetKnown before anything is written."""
    case = await case_of(session, client_id, matter_id, clock.now())
    conversation_id = await _conversation(session, client_id, matter_id)
    outbound_id = new_id()
    blocks: list[Block] = [
        f"Dear {case.client.name},",
        *letter.blocks,
        f"With kind regards,\n{case.contact.name}\n{case.house.name}",
    ]
    heading = Heading(
        message_id=case.house.message_id(outbound_id),
        date=clock.now(),
        firm=case.house.mailbox,
        to=Mailbox(name=case.client.name, address=case.client.email),
        thread=await outbound.thread(session, conversation_id),
    )
    try:
        mail = composing.client_notice(heading, letter.subject, blocks)
    except UnusableAddress:
        log.error("a client cannot be mailed about fees", client_id=str(client_id))
        return
    words = plain_text(blocks)
    told_as = MessageSent(
        message_id=outbound_id,
        conversation_id=conversation_id,
        client_id=client_id,
        matter_id=matter_id,
        kind="notice",
        channel="email",
        sent_at=clock.now(),
        automatic=True,
        body=seal(session, client_id, outbound_id, "message", "body", words),
    )
    await queue(session, mail, outbound_id=outbound_id, purpose=purpose, told_as=told_as)


async def remind_of_concern(
    session: AsyncSession, event: DeadlineWarned | DeadlineBreached | EscalationRaised
) -> None:
    """Staff hear of a concern's thresholds as of a message's; the client, when it takes longer."""
    assert event.client_id is not None, "a concern is a client's"
    case = await case_of(session, event.client_id, event.matter_id, clock.now())
    about, mark, lead, purpose = _reminded(event, case)
    staff = await person(session, event.staff_id) if event.staff_id else case.contact
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
        await tell_client(session, event.client_id, event.matter_id, purpose, letter)


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


async def _conversation(session: AsyncSession, client_id: UUID, matter_id: UUID | None) -> UUID:
    """One for the bills of each matter; its id is derived, so that two who begin it make one."""
    conversation_id = uuid5(NAMESPACE_OID, f"bills/{client_id}/{matter_id}")
    if await session.get(Conversation, conversation_id) is None:
        await conversations.begin_conversation(
            session,
            conversation_id=conversation_id,
            owner=client_id,
            client_id=client_id,
            matter_id=matter_id,
            subject=SUBJECT,
            at=clock.now(),
        )
    return conversation_id
