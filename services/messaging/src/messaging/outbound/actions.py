"""What becomes of a mail, from its purpose to its end. A purpose has one Message-ID and one set of
octets; each end is told once, in the transaction that marks the row."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from opentelemetry import propagate
from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.email.rendering import Mail
from messaging.outbound import quiet_hours
from messaging.outbound.models import OutboundMessage, State
from shared import clock, sealing
from shared.contracts import CONTRACTS, FIRM_ID, ContentRef
from shared.contracts.messaging import (
    MessageAcknowledged,
    MessageBounced,
    MessageFailed,
    MessageSent,
    StaffNotified,
)
from shared.db import is_news
from shared.keyring import keys_of
from shared.outbox import emit

ToldAs = MessageAcknowledged | MessageSent | StaffNotified

GIVEN_UP_AFTER = timedelta(days=4)  # RFC 5321 4.5.4.1
_SEALED_AS = "outbound"


async def queue(
    session: AsyncSession,
    mail: Mail,
    *,
    outbound_id: UUID,
    purpose: str,
    told_as: ToldAs,
    automatic: bool = True,
    at_once: bool = False,
    leaves_by: datetime | None = None,
    withheld: bool = False,
) -> bool:
    """Have this mail sent after the commit; False, and nothing, when its purpose has one already.

    `told_as` is what to tell when it is accepted; its instant is then replaced by the real one. The
    key of the client, or without one the firm's, must be held. In a client's quiet hours it waits,
    unless it answers them, is to go `at_once`, or would not leave before `leaves_by`. One that is
    `withheld` is shown to nobody afterwards.
    """
    key = keys_of(session).key(told_as.client_id or FIRM_ID)
    committed, boxes = sealing.seal_chunks(key, outbound_id, _SEALED_AS, mail.data)
    if not isinstance(told_as, StaffNotified):
        original = ContentRef(content_id=outbound_id, size=len(mail.data), commitment=committed)
        told_as = told_as.model_copy(update={"original": original})
    answers = _answered(told_as)
    held_until = None
    if told_as.client_id and not (at_once or answers or isinstance(told_as, StaffNotified)):
        held_until = await quiet_hours.until(session, told_as.client_id, leaves_by)
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    added = await session.execute(
        insert(OutboundMessage)
        .values(
            outbound_id=outbound_id,
            purpose=purpose,
            message_id_header=mail.message_id,
            envelope_from=mail.envelope_from,
            recipient=mail.recipient,
            automatic=automatic,
            to_client=not isinstance(told_as, StaffNotified),
            client_id=told_as.client_id,
            conversation_id=told_as.conversation_id,
            staff_id=told_as.staff_id,
            answers=list(answers),
            owner=key.owner,
            key_version=key.version,
            size=len(mail.data),
            commitment=committed,
            boxes=boxes,
            told_as_type=told_as.type_name(),
            told_as=told_as.model_dump(mode="json"),
            traceparent=carrier.get("traceparent"),
            tracestate=carrier.get("tracestate"),
            state=State.HELD if held_until else State.QUEUED,
            held_until=held_until,
            leaves_by=leaves_by,
            withheld=withheld,
            attempts=0,
            next_attempt_at=func.now(),
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["purpose"])
        .returning(col(OutboundMessage.outbound_id))
    )
    is_news(session)  # for the delivery
    return added.scalar_one_or_none() is not None


def data_of(key: sealing.DataKey, row: OutboundMessage) -> bytes:
    """The octets as they were composed."""
    return opened(key, row)[1]


def opened(key: sealing.DataKey, row: OutboundMessage) -> tuple[bytes, bytes]:
    """The salt of its commitment, and the octets."""
    return sealing.open_chunks(key, row.outbound_id, _SEALED_AS, row.boxes, row.commitment)


async def record_accepted(session: AsyncSession, outbound_id: UUID, reply: str) -> bool:
    """The next server has it: told once, however often it was handed over."""
    now = clock.now()
    row = await _settle(session, outbound_id, State.ACCEPTED, reply, accepted_at=now)
    if row is None:
        return False
    emit(session, told(row, now))
    return True


async def record_refused(
    session: AsyncSession, outbound_id: UUID, reply: str
) -> OutboundMessage | None:
    """Refused for good. Returns the row the first time: who asked for the mail must hear of it."""
    row = await _settle(session, outbound_id, State.FAILED, reply)
    if row is not None and row.to_client:
        facts = told(row)
        assert facts.client_id is not None
        assert facts.conversation_id is not None
        emit(
            session,
            MessageFailed(
                message_id=row.outbound_id,
                conversation_id=facts.conversation_id,
                client_id=facts.client_id,
                matter_id=facts.matter_id,
                failed_at=clock.now(),
                status=reply,
            ),
        )
    return row


async def record_later(
    session: AsyncSession, outbound_id: UUID, attempt: int, reply: str, wait: timedelta
) -> None:
    """Not yet, or nobody knows: the same octets again after a while. Only for the attempt that is
    still the newest; a newer one has the lease."""
    await session.execute(
        text("""
            UPDATE outbound_messages
            SET state = 'queued', reply = :reply, next_attempt_at = now() + :wait
            WHERE outbound_id = :outbound_id AND state = 'sending' AND attempts = :attempt
        """),
        {"outbound_id": outbound_id, "attempt": attempt, "reply": reply, "wait": wait},
    )


async def record_bounce(
    session: AsyncSession, outbound_id: UUID, status: str
) -> OutboundMessage | None:
    """A mail that was accepted came back: what it had met opens again. None if it is told already,
    or nothing was accepted."""
    row = await _change(
        session,
        """
        UPDATE outbound_messages SET state = 'bounced', reply = :reply
        WHERE outbound_id = :outbound_id AND state = 'accepted' AND to_client RETURNING *
        """,
        {"outbound_id": outbound_id, "reply": status},
    )
    if row is None:
        return None
    facts = told(row)
    assert facts.client_id is not None
    assert facts.conversation_id is not None
    emit(
        session,
        MessageBounced(
            message_id=row.outbound_id,
            conversation_id=facts.conversation_id,
            client_id=facts.client_id,
            matter_id=facts.matter_id,
            bounced_at=clock.now(),
            status=status,
        ),
    )
    return row


def is_too_old(row: OutboundMessage) -> bool:
    """Whether it is time to give up; in the clock's time, so that a moved clock shows it."""
    return clock.now() - row.created_at > GIVEN_UP_AFTER


async def _settle(
    session: AsyncSession,
    outbound_id: UUID,
    state: State,
    reply: str,
    accepted_at: datetime | None = None,
) -> OutboundMessage | None:
    return await _change(
        session,
        """
        UPDATE outbound_messages
        SET state = :state, reply = :reply, accepted_at = CAST(:accepted_at AS timestamptz)
        WHERE outbound_id = :outbound_id AND state IN ('queued', 'sending') RETURNING *
        """,
        {"outbound_id": outbound_id, "state": state, "reply": reply, "accepted_at": accepted_at},
    )


async def _change(
    session: AsyncSession, statement: str, values: dict[str, Any]
) -> OutboundMessage | None:
    """The row as it is now; None if it was not there to be changed."""
    found = (await session.execute(text(statement), values)).mappings().one_or_none()
    return None if found is None else OutboundMessage(**found)


_INSTANTS = {
    MessageAcknowledged.type_name(): "acknowledged_at",
    MessageSent.type_name(): "sent_at",
    StaffNotified.type_name(): "notified_at",
}


def told(row: OutboundMessage, at: datetime | None = None) -> ToldAs:
    """What this mail means to others, as of now or as of that instant."""
    contract = CONTRACTS[row.told_as_type]
    facts = row.told_as | {_INSTANTS[row.told_as_type]: at or clock.now()}
    if row.held_until is not None:
        facts["waited"] = {"since": row.created_at, "until": row.held_until}
    event = contract.model_validate(facts)
    assert isinstance(event, ToldAs)
    return event


def _answered(told: ToldAs) -> tuple[UUID, ...]:
    match told:
        case MessageAcknowledged(covers=covers):
            return covers
        case MessageSent(answers=answers):
            return answers
    return ()
