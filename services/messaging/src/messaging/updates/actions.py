"""Sends what a person approved, in the matter's own conversation, once: a message has the id of
what it says, so the second time finds it there. And tells clients who answers them, and what is
waited for."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import actions as conversations
from messaging.conversations.keeping import Said
from messaging.conversations.models import Conversation, Message
from messaging.directory import queries as directory
from messaging.email.rendering import Enclosed
from messaging.email.texts import moment
from messaging.notices.cases import case_to_write, person
from messaging.notices.client_notices import tell_client
from messaging.outbound import quiet_hours
from messaging.outbound.postponed import NotYetKnown, forget
from messaging.updates import texts
from shared import clock
from shared.contracts.matters import (
    DecisionRequested,
    DecisionWithdrawn,
    PointOfContactAssigned,
    ProgressUpdateApproved,
)
from shared.contracts.sla_monitor import DeadlineWarned
from shared.keyring import keys_of, unseal
from shared.sealing import unseal as opened

UPDATES_OF = UUID("5f0c8a3e-3f6b-5d5e-9a5c-0d5b0a6d7e10")


async def send_update(session: AsyncSession, event: ProgressUpdateApproved) -> None:
    """As a person's message, with the report enclosed. Raises NotYetKnown."""
    subject, body = unseal(session, event.subject_text), unseal(session, event.body)
    enclosed = []
    if event.report is not None:
        key = keys_of(session).key(event.report.owner, event.report.key_version)
        pdf = opened(key, event.report)
        enclosed = [Enclosed(name="report.pdf", media_type="application/pdf", content=pdf)]
    of = event.client_id, event.matter_id
    await _say(session, *of, event.update_id, event.approved_by, subject, body, enclosed)


async def put_decision(session: AsyncSession, event: DecisionRequested) -> None:
    """The question as a person's message, with the id of the decision. Raises NotYetKnown."""
    case = await case_to_write(session, event.client_id, event.matter_id)
    body = texts.decision(
        case.client.name,
        unseal(session, event.question),
        [
            (one.key, unseal(session, one.text), unseal(session, one.consequences))
            for one in event.options
        ],
        unseal(session, event.recommendation),
        moment(event.reply_by, case.zone),
        event.in_writing,
    )
    of = event.client_id, event.matter_id
    subject = f"{texts.DECISION_SUBJECT}: {case.matter}"
    by, until = event.requested_by, event.reply_by
    await _say(session, *of, event.decision_id, by, subject, body, leaves_by=until)


async def withdraw_decision(session: AsyncSession, event: DecisionWithdrawn) -> None:
    """A client is not asked in the morning what was taken back at night."""
    await quiet_hours.withdraw(session, event.decision_id)
    await forget(session, DecisionRequested, decision_id=event.decision_id)


async def _say(
    session: AsyncSession,
    client_id: UUID,
    matter_id: UUID,
    message_id: UUID,
    staff_id: UUID,
    subject: str,
    body: str,
    enclosed: Sequence[Enclosed] = (),
    leaves_by: datetime | None = None,
) -> None:
    """Words for the portal stay there, but a file has no other way than the mail."""
    if await session.get(Message, message_id):
        return
    case = await case_to_write(session, client_id, matter_id)
    await person(session, staff_id)
    said = Said(
        message_id=message_id,
        received_at=clock.now(),
        channel="portal" if case.manner.in_portal("updates") and not enclosed else "email",
        subject=subject,
        body=body,
    )
    conversation = await _conversation(session, case.client.client_id, matter_id)
    await conversations.say_to_client(
        session, conversation, said, "update", staff_id, enclosed, leaves_by
    )


async def tell_of_handover(session: AsyncSession, event: PointOfContactAssigned) -> None:
    """The client hears who answers them from when on; the first contact is no handover."""
    if event.replaces is None or event.replaces == event.staff_id:
        return
    case = await case_to_write(session, event.client_id, event.matter_id)
    before, after = await person(session, event.replaces), await person(session, event.staff_id)
    names = case.client.name, before.name, after.name, case.matter
    blocks = texts.handover(*names, event.from_at, case.zone)
    purpose = f"handover/{event.assignment_id}"
    conversation = await _conversation(session, case.client.client_id, event.matter_id)
    await tell_client(
        session,
        case,
        conversation,
        purpose=purpose,
        of="updates",
        subject=texts.HANDOVER_SUBJECT,
        blocks=blocks,
    )


async def remind_of_decision(session: AsyncSession, event: DeadlineWarned) -> None:
    assert event.client_id is not None, "a decision is a client's"
    case = await case_to_write(session, event.client_id, event.matter_id)
    assert case.matter is not None, "a decision is of a matter"
    blocks = texts.decide_by(case.client.name, case.matter, event.limit_at, case.zone)
    purpose = f"decide/{event.clock_id}/{event.threshold}"
    conversation = await _conversation(session, case.client.client_id, event.matter_id)
    await tell_client(
        session,
        case,
        conversation,
        purpose=purpose,
        of="updates",
        subject=texts.DECISION_SUBJECT,
        blocks=blocks,
        leaves_by=event.limit_at,
    )


def conversation_of(client_id: UUID, matter_id: UUID | None) -> UUID:
    return uuid5(UPDATES_OF, str(matter_id or client_id))


async def _conversation(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None
) -> Conversation:
    """All updates of a matter are one thread; what concerns no matter is another."""
    conversation_id = conversation_of(client_id, matter_id)
    known = await session.get(Conversation, conversation_id)
    if known is not None:
        return known
    matter = await directory.matter(session, matter_id) if matter_id else None
    if matter is None and matter_id is not None:
        raise NotYetKnown(f"matter {matter_id}")
    return await conversations.begin_conversation(
        session,
        conversation_id=conversation_id,
        owner=client_id,
        client_id=client_id,
        matter_id=matter_id,
        subject=f"{matter.number} {matter.title}" if matter else texts.OF_NO_MATTER,
        at=clock.now(),
    )
