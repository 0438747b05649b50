"""What happens when an acknowledgment is owed: the point of contact is told, and the client is
acknowledged, at once, with others at the end of ten minutes, or by a person.

A clock is handled once, whatever comes twice; a higher revision only changes what still waits.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.acknowledgments.models import Acknowledgment, State
from messaging.acknowledgments.promises import promise_of, promised_with
from messaging.conversations import queries as conversations
from messaging.conversations.models import Message
from messaging.directory import queries as directory
from messaging.email import composing, texts
from messaging.email.automatic import (
    Arrival,
    Authentication,
    Rule,
    Verdict,
    Wording,
    acknowledgment_timing,
    may_acknowledge,
)
from messaging.email.composing import Heading
from messaging.email.rendering import Block, Mailbox, UnusableAddress, plain_text, usable_address
from messaging.email.texts import Promise
from messaging.notices import actions as notices
from messaging.notices.cases import Case, case_of
from messaging.outbound import queries as outbound
from messaging.outbound.actions import queue
from messaging.outbound.postponed import NotYetKnown
from messaging.settings import MessagingSettings
from shared import clock
from shared.contracts.messaging import ManualAcknowledgmentRequested, MessageAcknowledged
from shared.contracts.sla_monitor import AcknowledgmentDue
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

A_DAY = timedelta(hours=24)


async def acknowledge(session: AsyncSession, due: AcknowledgmentDue) -> None:
    """Begin to keep this promise. Raises NotYetKnown before anything is written."""
    known = await session.get(Acknowledgment, due.clock_id)
    if known is not None:
        _take_revision(known, due)
        return
    case = await case_of(session, due.client_id, due.matter_id, clock.now())
    message = await _message(session, due.message_id)
    waiting = notices.waiting_for(case, message, promised_with(due), urgent=due.urgent)
    await notices.tell_of_message(session, case, message, waiting, due.clock_id)
    owed = Acknowledgment(
        clock_id=due.clock_id,
        message_id=due.message_id,
        conversation_id=due.conversation_id,
        revision=due.revision,
        due=due.model_dump(mode="json"),
        state=State.WAITING,
        wording=Wording.NOTHING,
        compose_at=clock.now(),
    )
    session.add(owed)
    if await _is_answered(session, owed):
        return
    verdict = await _verdict(session, case, message, due)
    owed.wording, owed.rule = verdict.wording, verdict.rule
    if verdict.wording is Wording.NOTHING:
        assert verdict.rule is not None
        await _hand_to_a_person(session, case, message, owed, verdict.rule)
        return
    await _now_or_grouped(session, case, owed, due)


async def write_group(session: AsyncSession, conversation_id: UUID) -> None:
    """One acknowledgment for all that waits in this conversation and is due."""
    rows = await session.execute(
        select(Acknowledgment)
        .where(
            col(Acknowledgment.conversation_id) == conversation_id,
            col(Acknowledgment.state) == State.WAITING,
            col(Acknowledgment.compose_at) <= clock.now(),
        )
        .order_by(col(Acknowledgment.message_id))
        .with_for_update(skip_locked=True)
    )
    waiting = [owed for owed in rows.scalars() if not await _is_answered(session, owed)]
    if not waiting:
        return
    due = _due(waiting[-1])
    case = await case_of(session, due.client_id, due.matter_id, clock.now())
    promise = await promise_of(session, due.response_clock_id) or promised_with(due)
    if rule := _rule_against(case.client.email, promise):
        for owed in waiting:
            message = await _message(session, owed.message_id)
            await _hand_to_a_person(session, case, message, owed, rule)
    else:
        await _write(session, case, waiting, promise)


async def hand_to_a_person(session: AsyncSession, outbound_id: UUID, rule: str) -> None:
    """An acknowledgment was refused for good: what it covered becomes a person's task."""
    rows = await session.execute(
        select(Acknowledgment).where(
            col(Acknowledgment.outbound_id) == outbound_id,
            col(Acknowledgment.state) == State.WRITTEN,
        )
    )
    for owed in rows.scalars():
        due = _due(owed)
        case = await case_of(session, due.client_id, due.matter_id, clock.now())
        await _hand_to_a_person(session, case, await _message(session, due.message_id), owed, rule)


async def _now_or_grouped(
    session: AsyncSession, case: Case, owed: Acknowledgment, due: AcknowledgmentDue
) -> None:
    settings: MessagingSettings = session.info["settings"]
    found = await session.execute(
        select(col(Acknowledgment.compose_at))
        .where(
            col(Acknowledgment.conversation_id) == due.conversation_id,
            col(Acknowledgment.state) == State.WAITING,
            col(Acknowledgment.clock_id) != due.clock_id,
        )
        .order_by(col(Acknowledgment.compose_at))
        .limit(1)
    )
    timing = acknowledgment_timing(
        now=clock.now(),
        last_acknowledged_at=await outbound.last_acknowledged_at(session, due.conversation_id),
        waiting_until=found.scalar_one_or_none(),
        urgent=due.urgent,
        grouping=timedelta(seconds=settings.messaging_grouping),
    )
    owed.compose_at = timing.at
    if timing.at <= clock.now():
        await _write(session, case, [owed], promised_with(due))


async def _is_answered(session: AsyncSession, owed: Acknowledgment) -> bool:
    """A person was first: then a machine has nothing to add."""
    answered = await outbound.is_being_answered(session, owed.message_id)
    if answered:
        owed.state = State.ANSWERED
    return answered


async def _write(
    session: AsyncSession, case: Case, group: Sequence[Acknowledgment], promise: Promise
) -> None:
    """Compose and queue; the row and the mail's octets are committed together."""
    dues = [_due(owed) for owed in group]
    newest = dues[-1]
    outbound_id = new_id()
    heading = Heading(
        message_id=case.house.message_id(outbound_id),
        date=clock.now(),
        firm=case.house.mailbox,
        to=Mailbox(name=case.client.name, address=await _address(session, case, newest)),
        thread=await _thread(session, newest.message_id),
        reading=case.manner.reading,
    )
    blocks: Sequence[Block] = texts.CONSTANT
    if all(owed.wording == Wording.FULL for owed in group):
        blocks = _words(case, dues, promise)
        mail = composing.acknowledgment(heading, blocks)
    else:
        mail = composing.constant_acknowledgment(heading)
    told_as = MessageAcknowledged(
        acknowledgment_id=outbound_id,
        conversation_id=newest.conversation_id,
        client_id=newest.client_id,
        matter_id=newest.matter_id,
        covers=tuple(due.message_id for due in dues),
        automatic=True,
        channel="email",
        acknowledged_at=clock.now(),
        body=seal(
            session, newest.client_id, outbound_id, "acknowledgment", "body", plain_text(blocks)
        ),
    )
    purpose = f"acknowledgment/{group[0].clock_id}"
    await queue(session, mail, outbound_id=outbound_id, purpose=purpose, told_as=told_as)
    for owed in group:
        owed.state, owed.outbound_id = State.WRITTEN, outbound_id


async def _address(session: AsyncSession, case: Case, due: AcknowledgmentDue) -> str:
    message = await _message(session, due.message_id)
    return await directory.address_of(session, case.client, message.sender_address)


def _words(case: Case, dues: Sequence[AcknowledgmentDue], promise: Promise) -> tuple[Block, ...]:
    urgent = any(due.urgent for due in dues)
    return texts.acknowledgment(
        client=case.client.name,
        firm=case.house.name,
        contact=case.contact.name,
        received=[due.opened_at for due in dues],
        promise=promise,
        now=clock.now(),
        zone=case.zone,
        emergency=case.house.emergency,
        urgent=urgent,
        supervisor_told=urgent and case.supervisor is not None,
    )


async def _verdict(
    session: AsyncSession, case: Case, message: Message, due: AcknowledgmentDue
) -> Verdict:
    settings: MessagingSettings = session.info["settings"]
    address = await directory.address_of(session, case.client, message.sender_address)
    if rule := _rule_against(address, promised_with(due)):
        return Verdict(wording=Wording.NOTHING, rule=rule)
    owners = await directory.clients_with_address(session, address)
    sent = await outbound.automatic_since(session, address, clock.now() - A_DAY)
    return may_acknowledge(
        await _arrival(session, message) if message.channel == "email" else None,
        address_on_file=address,
        address_shared=len(owners) > 1,
        automatic_today=sent,
        daily_cap=settings.messaging_daily_cap,
    )


def _rule_against(address: str, promise: Promise) -> Rule | None:
    """What forbids it whatever the mail was: no address to send to, no time left to promise."""
    try:
        usable_address(address)
    except UnusableAddress:
        return Rule.NO_ADDRESS_ON_FILE
    return Rule.PROMISE_PASSED if promise.limit_at <= clock.now() else None


async def _arrival(session: AsyncSession, message: Message) -> Arrival:
    return Arrival(
        headers=[(name, value) for name, value in message.headers],
        from_address=message.sender_address or "",
        envelope_from=message.envelope_from or "",
        addressed_to=frozenset(message.to_addresses),
        firm_addresses=await directory.firm_mailboxes(session),
        authentication=Authentication(message.authentication or "unknown"),
        answered_after=_seconds(message.answered_after),
        calendar_method=message.calendar_method,
    )


async def _hand_to_a_person(
    session: AsyncSession, case: Case, message: Message, owed: Acknowledgment, rule: str
) -> None:
    due = _due(owed)
    owed.state, owed.rule = State.MANUAL, rule
    emit(
        session,
        ManualAcknowledgmentRequested(
            message_id=due.message_id,
            conversation_id=due.conversation_id,
            client_id=due.client_id,
            matter_id=due.matter_id,
            clock_id=due.clock_id,
            rule=rule,
            requested_at=clock.now(),
        ),
    )
    waiting = notices.waiting_for(
        case, message, promised_with(due), urgent=due.urgent, acknowledge_by=due.limit_at
    )
    await notices.ask_for_acknowledgment(session, case, message, waiting, due.clock_id, rule)


async def _thread(session: AsyncSession, message_id: UUID) -> tuple[str, ...]:
    """What the acknowledgment answers: the mail and its own references, or, for a message without
    a Message-ID (portal), what went out before in the conversation."""
    message = await _message(session, message_id)
    if message.message_id_header:
        return (*message.references, message.message_id_header)
    return await outbound.thread(session, message.conversation_id)


async def _message(session: AsyncSession, message_id: UUID) -> Message:
    message = await conversations.message(session, message_id)
    if message is None:
        raise NotYetKnown(f"message {message_id}")
    return message


def _seconds(count: float | None) -> timedelta | None:
    return None if count is None else timedelta(seconds=count)


def _take_revision(known: Acknowledgment, due: AcknowledgmentDue) -> None:
    if known.state == State.WAITING and due.revision > known.revision:
        known.revision, known.due = due.revision, due.model_dump(mode="json")


def _due(owed: Acknowledgment) -> AcknowledgmentDue:
    return AcknowledgmentDue.model_validate(owed.due)
