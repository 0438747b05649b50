"""A person's words on their way to a client. Internal notes never come here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.directory import queries as directory
from messaging.email import composing, texts
from messaging.email.composing import Heading
from messaging.email.rendering import Enclosed, Mailbox, UnusableAddress, plain_text
from messaging.notices.cases import house_of, person
from messaging.outbound import queries
from messaging.outbound.actions import ToldAs, queue
from messaging.outbound.postponed import NotYetKnown
from shared import clock
from shared.contracts.messaging import MessageAcknowledged, MessageSent
from shared.errors import Refusal
from shared.keyring import seal

LONGEST_TOLD = 64 * 1024

Kind = Literal["answer", "question", "acknowledgment", "update"]


class ClientNotReachable(Refusal):
    """The client has no address that mail can be sent to, or the directory does not know them."""


async def send_to_client(
    session: AsyncSession,
    *,
    message_id: UUID,
    conversation_id: UUID,
    client_id: UUID,
    matter_id: UUID | None,
    kind: Kind,
    staff_id: UUID,
    subject: str,
    body: str,
    answers: tuple[UUID, ...],
    thread: tuple[str, ...] = (),
    enclosed: Sequence[Enclosed] = (),
    channel: Literal["email", "portal"] = "email",
    urgent: bool = False,
    leaves_by: datetime | None = None,
) -> None:
    """Queue the mail of a message whose row was just written; its id is the mail's.

    What it means for the clocks is told when it is accepted. `answers` are the client's messages
    that it covers, `thread` the Message-IDs it answers, oldest first. Words for the portal stay
    there. What answers nothing waits for the end of the client's quiet hours, unless it is urgent
    or would be too late by then. The client's key must be held. Raises ClientNotReachable; asked
    for twice, the first mail stands.
    """
    try:
        house = await house_of(session)
        author = await person(session, staff_id)
    except NotYetKnown as missing:
        raise ClientNotReachable(f"The platform does not know {missing} yet.") from missing
    client = await directory.client(session, client_id)
    if client is None:
        raise ClientNotReachable("The platform has not heard of this client yet.")
    manner = await directory.manner(session, client)
    heading = Heading(
        message_id=house.message_id(message_id),
        date=clock.now(),
        firm=house.mailbox,
        to=Mailbox(name=client.name, address=client.email),
        thread=thread or await queries.thread(session, conversation_id),
        reading=manner.reading,
    )
    try:
        mail = composing.person_to_client(
            heading,
            author=author.name,
            subject=texts.ANNOUNCED_SUBJECT if channel == "portal" else subject,
            text=plain_text(texts.ANNOUNCED) if channel == "portal" else body,
            envelope_from=house.bounces_to(message_id),
            enclosed=enclosed,
        )
    except UnusableAddress as error:
        raise ClientNotReachable("The client's address cannot be mailed; correct it.") from error
    told_as = _told_as(
        session,
        message_id,
        conversation_id,
        client_id,
        matter_id,
        kind,
        channel,
        staff_id,
        body,
        answers,
    )
    await queue(
        session,
        mail,
        outbound_id=message_id,
        purpose=f"{kind}/{message_id}",
        told_as=told_as,
        automatic=False,
        at_once=urgent,
        leaves_by=leaves_by,
    )


def _told_as(
    session: AsyncSession,
    message_id: UUID,
    conversation_id: UUID,
    client_id: UUID,
    matter_id: UUID | None,
    kind: Kind,
    channel: Literal["email", "portal"],
    staff_id: UUID,
    body: str,
    answers: tuple[UUID, ...],
) -> ToldAs:
    # A larger one travels by reference: MessageSent names the mail itself as its original.
    short = len(body.encode()) <= LONGEST_TOLD
    sealed = seal(session, client_id, message_id, "message", "body", body) if short else None
    if kind == "acknowledgment":
        return MessageAcknowledged(
            acknowledgment_id=message_id,
            conversation_id=conversation_id,
            client_id=client_id,
            matter_id=matter_id,
            covers=answers,
            automatic=False,
            channel=channel,
            acknowledged_at=clock.now(),
            staff_id=staff_id,
            body=sealed,
        )
    return MessageSent(
        message_id=message_id,
        conversation_id=conversation_id,
        client_id=client_id,
        matter_id=matter_id,
        kind=kind,
        channel=channel,
        sent_at=clock.now(),
        staff_id=staff_id,
        answers=answers,
        body=sealed,
    )
