"""Sends what a person approved, in the matter's own conversation, once: a message has the id of
what it says, so the second time finds it there. And tells clients who answers them, and what is
waited for."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.conversations import actions as conversations
from messaging.conversations.keeping import Said
from messaging.conversations.models import Conversation, Message
from messaging.directory import queries as directory
from messaging.email.rendering import Enclosed
from messaging.email.texts import moment
from messaging.notices.cases import case_to_write, person, require_key
from messaging.notices.client_notices import tell_client
from messaging.outbound import queries as outbound
from messaging.outbound import quiet_hours
from messaging.outbound.postponed import NotYetKnown, forget
from messaging.updates import texts
from messaging.updates.models import RevertedHappening, UpdateTelling
from shared import clock
from shared.contracts.matters import (
    DecisionRecorded,
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
    """As a person's message, with the report enclosed; nothing where what it tells of was taken
    back meanwhile. Raises NotYetKnown."""
    reverted = await _reverted(session, event.tells_of) if event.tells_of else False
    if reverted:
        return
    subject, body = unseal(session, event.subject_text), unseal(session, event.body)
    enclosed = []
    if event.report is not None:
        key = keys_of(session).key(event.report.owner, event.report.key_version)
        pdf = opened(key, event.report)
        enclosed = [Enclosed(name="report.pdf", media_type="application/pdf", content=pdf)]
    of = event.client_id, event.matter_id
    await say(session, *of, event.update_id, event.approved_by, subject, body, enclosed)
    if event.tells_of is not None:
        telling = UpdateTelling(update_id=event.update_id, happening_id=event.tells_of)
        await session.merge(telling)


async def _reverted(session: AsyncSession, happening_id: UUID) -> bool:
    return await session.get(RevertedHappening, happening_id) is not None


async def take_back(session: AsyncSession, happening_id: UUID) -> None:
    """A client does not read in the morning what turned out wrong at night; what has left stands,
    and a person tells them. Also heard before the update of a client in another stream."""
    await session.merge(RevertedHappening(happening_id=happening_id))
    telling = await session.execute(
        select(col(UpdateTelling.update_id)).where(col(UpdateTelling.happening_id) == happening_id)
    )
    for update_id in telling.scalars():
        await quiet_hours.withdraw(session, update_id)
    await forget(session, ProgressUpdateApproved, tells_of=happening_id)


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
    await say(session, *of, event.decision_id, by, subject, body, leaves_by=until)


async def withdraw_decision(session: AsyncSession, event: DecisionWithdrawn) -> None:
    """A client is not asked in the morning what was taken back at night."""
    await quiet_hours.withdraw(session, event.decision_id)
    await quiet_hours.withdraw_all(session, _reminders_of(event.decision_id))
    await forget(session, DecisionRequested, decision_id=event.decision_id)


async def say(
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
    """A person's words to a client, once, in the thread of their matter. Words for the portal stay
    there, but a file has no other way than the mail. Raises NotYetKnown."""
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
    """The client, and each joint one, hears who answers them from when on; the first contact is no
    handover. Raises NotYetKnown before anybody is told."""
    if event.replaces is None or event.replaces == event.staff_id:
        return
    matter_id, purpose = event.matter_id, f"handover/{event.assignment_id}"
    cases = {purpose: await case_to_write(session, event.client_id, matter_id)}
    for one in await directory.joint_clients(session, matter_id) if matter_id else ():
        cases[f"{purpose}/{one}"] = case = await case_to_write(session, one, matter_id)
        require_key(session, case.client)
    before, after = await person(session, event.replaces), await person(session, event.staff_id)
    for told, case in cases.items():
        names = case.client.name, before.name, after.name, case.matter
        await tell_client(
            session,
            case,
            await _conversation(session, case.client.client_id, matter_id),
            purpose=told,
            of="updates",
            subject=texts.HANDOVER_SUBJECT,
            blocks=texts.handover(*names, event.from_at, case.zone),
        )


async def remind_no_more(session: AsyncSession, event: DecisionRecorded) -> None:
    """Who decided at night is not asked again in the morning."""
    await quiet_hours.withdraw_all(session, _reminders_of(event.decision_id))


async def remind_of_decision(session: AsyncSession, event: DeadlineWarned) -> None:
    """Not who has answered meanwhile. Raises NotYetKnown."""
    assert event.client_id is not None, "a decision is a client's"
    if await outbound.has_purpose(session, outcome_of(event.conversation_id)):
        return
    case = await case_to_write(session, event.client_id, event.matter_id)
    assert case.matter is not None, "a decision is of a matter"
    blocks = texts.decide_by(case.client.name, case.matter, event.limit_at, case.zone)
    # Of thresholds that were found passed at one instant, after an outage, one mail is enough.
    purpose = _reminders_of(event.conversation_id) + event.detected_at.isoformat()
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


def outcome_of(decision_id: UUID) -> str:
    """The purpose of the mail that tells the firm what the client decided."""
    return f"decided/{decision_id}"


def _reminders_of(decision_id: UUID) -> str:
    return f"decide/{decision_id}/"


def conversation_of(client_id: UUID, matter_id: UUID | None, *, joint: bool = False) -> UUID:
    """All updates of a matter to one of its clients are one thread."""
    name = f"{matter_id}/{client_id}" if joint else str(matter_id or client_id)
    return uuid5(UPDATES_OF, name)


async def thread_of(session: AsyncSession, client_id: UUID, matter_id: UUID | None) -> UUID:
    """Where they read all updates of the matter; a joint client has a thread of their own. Raises
    NotYetKnown."""
    matter = await directory.matter(session, matter_id) if matter_id else None
    if matter is None and matter_id is not None:
        raise NotYetKnown(f"matter {matter_id}")
    joint = matter is not None and client_id != await directory.survivor(session, matter.client_id)
    return conversation_of(client_id, matter_id, joint=joint)


async def _conversation(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None
) -> Conversation:
    """What concerns no matter is a thread of its own."""
    conversation_id = await thread_of(session, client_id, matter_id)
    known = await session.get(Conversation, conversation_id)
    if known is not None:
        return known
    matter = await directory.matter(session, matter_id) if matter_id else None
    return await conversations.begin_conversation(
        session,
        conversation_id=conversation_id,
        owner=client_id,
        client_id=client_id,
        matter_id=matter_id,
        subject=f"{matter.number} {matter.title}" if matter else texts.OF_NO_MATTER,
        at=clock.now(),
    )
