"""Messages as callers see them: sealed text opened, and how far each has come."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import custody, queries
from messaging.conversations.models import Attachment, Message
from messaging.conversations.rules import State, earliest, inbound_state
from messaging.directory import queries as directory
from messaging.email.quoting import reply_of
from messaging.outbound import queries as outbound
from shared import clock
from shared.contracts import Sealed
from shared.errors import Refusal
from shared.keyring import KeyNotHeld, unseal


class ContentDestroyed(Refusal):
    """The key of this content was destroyed: nobody can read it any more, here or elsewhere."""

    status = 410


class AttachmentShown(BaseModel):
    id: UUID
    name: str
    media_type: str
    size: int


class PersonShown(BaseModel):
    id: UUID
    name: str


class PromiseShown(BaseModel):
    """By when an answer is aimed at, and owed at the latest."""

    target_at: datetime
    limit_at: datetime


class MessageListed(BaseModel):
    """`from` is who wrote it; `state` how far it has come: a client's message is received,
    acknowledged, answered or quarantined; the firm's is as its mail: held, withdrawn, queued,
    sending, accepted, failed, bounced; what needs no delivery is recorded. `held_until` is the end
    of the client's quiet hours that it waits or waited for; `corrects` the entry that this one puts
    right, `corrected_by` the newer one that does that to this."""

    model_config = ConfigDict(serialize_by_alias=True)

    id: UUID
    conversation_id: UUID
    client_id: UUID | None
    matter_id: UUID | None
    direction: str
    kind: str
    channel: str
    sender: str | None = Field(serialization_alias="from")
    subject: str
    received_at: datetime
    urgent: bool
    automatic: bool
    state: State
    acknowledged_at: datetime | None = None
    answered_at: datetime | None = None
    held_until: datetime | None = None
    corrects: UUID | None = None
    corrected_by: UUID | None = None


class MessageShown(MessageListed):
    """`body` is the whole readable text, `reply` the same without quoted history. `with_whom` and
    `promised` say who has it and by when an answer is promised, while it is open."""

    body: str
    reply: str
    attachments: list[AttachmentShown]
    sender_name: str | None
    envelope_from: str | None
    sender_differs: bool
    message_id_header: str | None
    duplicate_of: UUID | None
    quarantine_reason: str | None
    filed_at: datetime | None
    defects: list[str]
    with_whom: PersonShown | None = None
    promised: PromiseShown | None = None
    trace_id: str | None


async def listed(session: AsyncSession, rows: Sequence[Message]) -> list[MessageListed]:
    """The keys of the rows' owners are held."""
    ids = [row.message_id for row in rows]
    acknowledged = await outbound.acknowledged_at(session, ids)
    answered = await outbound.answered_at(session, ids)
    deliveries = await outbound.deliveries(session, ids)
    corrected = await queries.corrections(session, ids)
    shown = []
    for row in rows:
        at = earliest(answered.get(row.message_id), row.settled_at)
        told = earliest(acknowledged.get(row.message_id), at)
        delivery = deliveries.get(row.message_id)
        if row.direction == "inbound" and row.kind == "message":
            state = inbound_state(
                quarantined=row.client_id is None, acknowledged_at=told, answered_at=at
            )
        else:
            state = delivery.state.value if delivery else "recorded"
        held_until = delivery.held_until if delivery else None
        newer = corrected.get(row.message_id)
        shown.append(_listed(session, row, state, told, at, held_until, newer))
    return shown


def _listed(
    session: AsyncSession,
    row: Message,
    state: State,
    acknowledged_at: datetime | None,
    answered_at: datetime | None,
    held_until: datetime | None,
    corrected_by: UUID | None,
) -> MessageListed:
    return MessageListed(
        id=row.message_id,
        conversation_id=row.conversation_id,
        client_id=row.client_id,
        matter_id=row.matter_id,
        direction=row.direction,
        kind=row.kind,
        channel=row.channel,
        sender=row.sender_address,
        subject=_open(session, row, queries.subject_of),
        received_at=row.received_at,
        urgent=row.urgent,
        automatic=row.automatic,
        state=state,
        acknowledged_at=acknowledged_at,
        answered_at=answered_at,
        held_until=held_until,
        corrects=row.corrects,
        corrected_by=corrected_by,
    )


async def shown(session: AsyncSession, row: Message) -> MessageShown:
    (outline,) = await listed(session, [row])
    body = _open(session, row, queries.body_of)
    waits = outline.state in ("received", "acknowledged")
    return MessageShown(
        **dict(outline),
        body=body,
        reply=reply_of(body),
        attachments=[
            attachment(session, one) for one in await custody.attachments(session, row.message_id)
        ],
        sender_name=row.sender_name,
        envelope_from=row.envelope_from,
        sender_differs=row.sender_differs,
        message_id_header=row.message_id_header,
        duplicate_of=row.duplicate_id_of,
        quarantine_reason=row.quarantine_reason,
        filed_at=row.filed_at,
        defects=row.defects,
        with_whom=await _with_whom(session, row) if waits else None,
        promised=await _promised(session, row) if waits else None,
        trace_id=row.trace_id,
    )


def attachment(session: AsyncSession, row: Attachment) -> AttachmentShown:
    return AttachmentShown(
        id=row.attachment_id,
        name=unseal(session, Sealed.model_validate(row.file_name)),
        media_type=row.media_type,
        size=row.size,
    )


async def _with_whom(session: AsyncSession, row: Message) -> PersonShown | None:
    if row.client_id is None:
        return None
    now = clock.now()
    staff_id = await directory.point_of_contact(session, row.client_id, row.matter_id, now)
    if staff_id is None:
        return None
    person = await directory.staff(session, await directory.acting(session, staff_id, now))
    return PersonShown(id=person.staff_id, name=person.name) if person else None


async def _promised(session: AsyncSession, row: Message) -> PromiseShown | None:
    promise = await queries.promise(session, row)
    if promise is None:
        return None
    return PromiseShown(target_at=promise.target_at, limit_at=promise.limit_at)


def _open(
    session: AsyncSession, row: Message, opened: Callable[[AsyncSession, Message], str]
) -> str:
    try:
        return opened(session, row)
    except KeyNotHeld as error:
        raise ContentDestroyed("This content was destroyed with its key.") from error
