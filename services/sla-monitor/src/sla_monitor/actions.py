"""Clocks of what is written and said: opened, joined, paused, met and reopened by messages, calls
and concerns."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.billing import BillingConcernRaised
from shared.contracts.messaging import (
    ClientMessageReceived,
    MessageFiled,
    MessageQuarantined,
    MessageRefiled,
)
from shared.ids import new_id
from shared.outbox import emit
from sla_monitor import queries, telling
from sla_monitor.clocks import cancel, meet, pin, settle, tell_again, waits_for_client
from sla_monitor.models import Clock, ClockMessage, ClockPause, EarlyFiling, Kind
from sla_monitor.rules import Terms

NO_CLOCK = UUID(int=0)  # replaced by the relationship when a message joins a clock


async def receive_message(session: AsyncSession, message: ClientMessageReceived) -> None:
    """Opens the acknowledgment clock of a message, and opens or joins its conversation's response
    clock. What a machine sent opens nothing, and a message is taken in once."""
    if message.automatic or await queries.clock_of_message(
        session, "acknowledgment", message.message_id
    ):
        return
    response, terms = await _await_response(session, message)
    acknowledgment, _ = await _open(
        session,
        "acknowledgment",
        message.conversation_id,
        [_part(message.message_id, message.received_at, message.urgent)],
        client_id=message.client_id,
        matter_id=message.matter_id,
    )
    emit(session, telling.due(acknowledgment, terms, response))


async def quarantine(session: AsyncSession, message: MessageQuarantined) -> None:
    """Opens a triage clock, which a filing that was heard earlier has met already."""
    part = _part(message.message_id, message.received_at)
    clock, terms = await _open(session, "triage", message.conversation_id, [part])
    emit(session, telling.due(clock, terms))
    if early := await session.get(EarlyFiling, message.message_id):
        await meet(session, clock, early.filed_at, message.message_id)
        await session.delete(early)


async def file(session: AsyncSession, filing: MessageFiled) -> None:
    """Meets the triage clock; the clocks of the message itself keep its first receipt."""
    if not filing.from_quarantine:
        return
    clock = await queries.clock_of_message(session, "triage", filing.message_id)
    if clock is None:
        # Quarantine and filing travel in different streams: keep the fact for when it arrives.
        session.add(EarlyFiling(message_id=filing.message_id, filed_at=filing.filed_at))
    else:
        await meet(session, clock, filing.filed_at, filing.message_id)


async def open_concern(session: AsyncSession, raised: BillingConcernRaised) -> None:
    """An answer is owed from when the client raised it, however late it was entered."""
    if await queries.clock_of_message(session, "concern", raised.concern_id):
        return
    clock, terms = await _open(
        session,
        "concern",
        raised.concern_id,
        [_part(raised.concern_id, raised.raised_at)],
        client_id=raised.client_id,
        matter_id=raised.matter_id,
    )
    emit(session, telling.due(clock, terms))


async def answer_concern(session: AsyncSession, concern_id: UUID, at: datetime) -> None:
    """Facts of one client come in order: a concern that is answered was raised before."""
    clock = await queries.clock_of_message(session, "concern", concern_id)
    if clock is not None:
        await meet(session, clock, at, concern_id)


async def refile(session: AsyncSession, filing: MessageRefiled) -> None:
    """Clocks of the message go on, for its new matter: who is asked may change."""
    acknowledgment = await queries.clock_of_message(session, "acknowledgment", filing.message_id)
    response = await queries.response_clock_of(session, filing.message_id)
    for clock in (acknowledgment, response):
        if clock is not None:
            clock.matter_id = filing.matter_id


async def acknowledge(
    session: AsyncSession, covers: Sequence[UUID], at: datetime, cause_id: UUID
) -> None:
    """Meets the acknowledgment clocks of these messages; never a response clock."""
    for message_id in covers:
        clock = await queries.clock_of_message(session, "acknowledgment", message_id)
        if clock is not None:
            await meet(session, clock, at, cause_id)


async def acknowledge_conversation(
    session: AsyncSession, conversation_id: UUID, at: datetime, cause_id: UUID
) -> None:
    """A person's word acknowledges whatever the client had said in the conversation by then."""
    for clock in await queries.open_acknowledgments(session, conversation_id, at):
        await meet(session, clock, at, cause_id)


async def answer(
    session: AsyncSession,
    conversation_id: UUID,
    at: datetime,
    cause_id: UUID,
    answers: Sequence[UUID] = (),
) -> None:
    """Meets the response clock. Messages that came after the answer wait on in a new clock."""
    clock = await queries.open_response_clock(session, conversation_id)
    if clock is None:
        return
    later = [
        each for each in clock.messages if each.received_at > at and each.message_id not in answers
    ]
    if len(later) == len(clock.messages):
        return
    clock.messages = [each for each in clock.messages if each not in later]
    await meet(session, clock, at, cause_id)
    if later:
        await session.flush()  # one open response clock per conversation: the old one first
        parts = [_part(each.message_id, each.received_at, each.urgent) for each in later]
        opened, terms = await _open(
            session,
            "response",
            conversation_id,
            parts,
            client_id=clock.client_id,
            matter_id=clock.matter_id,
        )
        emit(session, telling.due(opened, terms))


async def ask(
    session: AsyncSession, conversation_id: UUID, at: datetime, question_id: UUID
) -> None:
    """A question to the client pauses the response clock, unless something urgent waits in it."""
    clock = await queries.open_response_clock(session, conversation_id)
    if clock is None or waits_for_client(clock):
        return
    if all(each.received_at > at for each in clock.messages):
        return
    terms = await queries.pinned_terms(session, clock)
    if clock.urgent_at is not None and terms.policy.urgent is not None:
        return
    clock.pauses.append(ClockPause(clock_id=clock.clock_id, pause_id=question_id, paused_at=at))
    settle(clock, terms)
    emit(session, telling.paused(clock, at, question_id))


async def bounce(
    session: AsyncSession, cause_id: UUID, conversation_id: UUID, at: datetime
) -> None:
    """What a message had met or paused before it came back runs again, from its old start."""
    for each in await queries.clocks_met_by(session, cause_id):
        await _reopen(session, each, at, cause_id)
    clock = await queries.open_response_clock(session, conversation_id)
    if clock is None:
        return
    unasked = [pause for pause in clock.pauses if pause.pause_id == cause_id]
    if unasked:
        clock.pauses.remove(unasked[0])
        await _resume_told(session, clock, at, waited=True)


async def _await_response(
    session: AsyncSession, message: ClientMessageReceived
) -> tuple[Clock, Terms]:
    """The response clock that this message opened or joined, told; and its terms."""
    part = _part(message.message_id, message.received_at, message.urgent)
    clock = await queries.open_response_clock(session, message.conversation_id)
    if clock is None:
        clock, terms = await _open(
            session,
            "response",
            message.conversation_id,
            [part],
            client_id=message.client_id,
            matter_id=message.matter_id,
        )
        emit(session, telling.due(clock, terms))
        return clock, terms
    _add(clock, [part])
    waited = waits_for_client(clock)
    terms = await _resume_told(session, clock, message.received_at, waited=waited)
    return clock, terms


async def _resume_told(session: AsyncSession, clock: Clock, at: datetime, *, waited: bool) -> Terms:
    """Ends a pause if there is one, and tells the response clock's dues anew."""
    for pause in clock.pauses:
        if pause.resumed_at is None:
            # A message that was written before the question came, but filed later, ends it too.
            pause.resumed_at = max(at, pause.paused_at)
    terms = await queries.pinned_terms(session, clock)
    settle(clock, terms)
    if waited:
        emit(session, telling.resumed(clock, at))
    tell_again(session, clock, terms)
    return terms


async def _open(
    session: AsyncSession,
    kind: Kind,
    conversation_id: UUID,
    parts: list[ClockMessage],
    *,
    client_id: UUID | None = None,
    matter_id: UUID | None = None,
) -> tuple[Clock, Terms]:
    terms = await queries.current_terms(session, kind)
    clock = Clock(
        clock_id=new_id(),
        kind=kind,
        conversation_id=conversation_id,
        client_id=client_id,
        matter_id=matter_id,
        message_id=None if kind == "response" else parts[0].message_id,
        opened_at=parts[0].received_at,
        policy_version=terms.policy_version,
        calendar_version=terms.calendar_version,
        time_zone=terms.calendar.time_zone,
        pauses=[],  # known to be none: a new clock is not asked for them again
        firings=[],
    )
    pin(clock, terms)
    _add(clock, parts)
    settle(clock, terms)
    session.add(clock)
    return clock, terms


def _add(clock: Clock, parts: list[ClockMessage]) -> None:
    """Starts at the oldest unanswered message; urgent from the first urgent one on."""
    clock.messages.extend(parts)
    clock.opened_at = min(each.received_at for each in clock.messages)
    clock.urgent_at = min(
        (each.received_at for each in clock.messages if each.urgent), default=None
    )


async def _reopen(session: AsyncSession, clock: Clock, at: datetime, cause_id: UUID) -> None:
    if clock.kind in ("response", "update") and not await _absorb_successor(session, clock, at):
        return
    clock.met_at = clock.met_by = None
    terms = await queries.pinned_terms(session, clock)
    settle(clock, terms)
    emit(session, telling.reopened(clock, at, cause_id))
    if clock.kind in ("response", "update") and clock.limit_at is not None:
        tell_again(session, clock, terms)


async def _absorb_successor(session: AsyncSession, clock: Clock, at: datetime) -> bool:
    """A clock that opened in the meantime ends: its messages wait in the older one again, and what
    prompted an update does. False: the client heard of the matter later too, so nothing is owed
    from the older one."""
    find = queries.open_update_clock if clock.kind == "update" else queries.open_response_clock
    successor = await find(session, clock.conversation_id)
    if successor is None:
        return True
    if clock.kind == "update" and clock.met_at and successor.opened_at > clock.met_at:
        return False
    cancel(session, successor, at, "joined-reopened-clock")
    if clock.kind == "response":
        _add(clock, [_part(m.message_id, m.received_at, m.urgent) for m in successor.messages])
    else:
        clock.urgent_at, clock.within = clock.urgent_at or successor.urgent_at, successor.within
    await session.flush()  # one open clock per conversation or matter: the newer one first
    return True


def _part(message_id: UUID, received_at: datetime, urgent: bool = False) -> ClockMessage:
    return ClockMessage(
        clock_id=NO_CLOCK, message_id=message_id, received_at=received_at, urgent=urgent
    )
