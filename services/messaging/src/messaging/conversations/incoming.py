"""A mail that came in becomes a message: looked up, decided, kept once.

Looking up and keeping are two transactions, because the keys are fetched between them. What must
not be decided twice, whether the mail is there already, is decided in the second, under a lock.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import actions, custody, filing
from messaging.conversations.custody import SealedOriginal
from messaging.conversations.keeping import Said
from messaging.conversations.models import Arrival, Conversation, Message
from messaging.conversations.queries import Twin
from messaging.conversations.recognising import Decision, Known, Mail, twins_of
from messaging.conversations.rules import is_urgent
from messaging.directory import queries as directory
from messaging.email.automatic import is_automatic
from messaging.email.receiver import ReceivedMail
from messaging.email.reply_addresses import ReplyKind
from messaging.email.reports import Report
from messaging.email.threading import (
    Begin,
    Join,
    Quarantine,
    StaffReply,
)
from messaging.notices.failures import bounced
from messaging.outbound.models import OutboundMessage, State
from shared import clock
from shared.ids import new_id
from shared.keyring import keys_of

_SENT_AS: dict[ReplyKind, actions.SentKind] = {
    ReplyKind.ANSWER: "answer",
    ReplyKind.QUESTION: "question",
    ReplyKind.ACKNOWLEDGE: "acknowledgment",
}


class NotYet(Exception):
    """It cannot be decided now; the sending server shall try again."""


class HeardMeanwhile(Exception):
    """The sender became known, or their entry was merged, between looking up and keeping: all of it
    is to be done again."""


async def keep(
    session: AsyncSession,
    mail: Mail,
    known: Known,
    decision: Decision,
    conversation_id: UUID,
    original: SealedOriginal,
) -> UUID:
    """Keeps it once and returns its message's id: a copy of what is there is one more arrival."""
    await _lock(session, mail)
    twins = await twins_of(session, mail)
    message_id = await _same(session, mail, twins)
    if message_id is None:
        said = _said(session, mail, known, original, twins)
        row = await _keep(session, mail, known, decision, conversation_id, said)
        message_id = row.message_id
    session.add(_arrival(message_id, mail.received))
    return message_id


async def _lock(session: AsyncSession, mail: Mail) -> None:
    """Copies of one mail that come at the same time wait for each other."""
    name = mail.parsed.message_id or f"from {mail.received.envelope_from}"
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))"), {"name": name}
    )


async def _same(session: AsyncSession, mail: Mail, twins: list[Twin]) -> UUID | None:
    """KeyNotHeld if a twin came between the two transactions: then all of it runs again."""
    keys = keys_of(session)
    for twin in twins:
        if custody.identity_of(keys.key(twin.owner), mail.received.data) == twin.identity:
            return twin.message_id
    return None


async def _keep(
    session: AsyncSession,
    mail: Mail,
    known: Known,
    decision: Decision,
    conversation_id: UUID,
    said: Said,
) -> Message:
    match decision:
        case Join(client_id=client_id, thread=thread):
            conversation = await _conversation(session, thread.conversation_id, client_id)
            return await actions.receive_client_message(session, conversation, said)
        case Begin(client_id=client_id, matter_id=matter_id):
            matter_id = matter_id or await filing.only_matter(session, client_id)
            conversation = await _begin(session, conversation_id, client_id, matter_id, said)
            return await actions.receive_client_message(session, conversation, said)
        case Quarantine(reason=reason):
            await _still_unknown(session, mail, known)
            conversation = await _begin(session, conversation_id, None, None, said)
            return await actions.quarantine(session, conversation, said, reason.value)
        case StaffReply(thread=thread):
            conversation = await _conversation(session, thread.conversation_id, thread.client_id)
            return await _staff_reply(session, mail, known, conversation, said)
        case Report():
            return await _bounce(session, known, decision, said)


async def _still_unknown(session: AsyncSession, mail: Mail, known: Known) -> None:
    """Raises HeardMeanwhile. Who hears of a client later than this finds the mail that is kept."""
    if mail.parsed.sender is None:
        return
    address = mail.parsed.sender.address
    await directory.lock_address(session, address)
    if tuple(await directory.clients_with_address(session, address)) != known.clients:
        raise HeardMeanwhile


async def _conversation(
    session: AsyncSession, conversation_id: UUID, sealed_for: UUID | None
) -> Conversation:
    """Raises HeardMeanwhile if it went on to another entry of the client since: the original was
    sealed under the key of the one before."""
    found = await session.get(Conversation, conversation_id)
    assert found is not None, "conversations are never deleted"
    if found.client_id != sealed_for:
        raise HeardMeanwhile
    return found


async def _begin(
    session: AsyncSession,
    conversation_id: UUID,
    client_id: UUID | None,
    matter_id: UUID | None,
    said: Said,
) -> Conversation:
    return await actions.begin_conversation(
        session,
        conversation_id=conversation_id,
        owner=client_id or conversation_id,
        client_id=client_id,
        matter_id=matter_id,
        subject=said.subject,
        at=said.received_at,
    )


async def _staff_reply(
    session: AsyncSession, mail: Mail, known: Known, conversation: Conversation, said: Said
) -> Message:
    assert known.signed is not None
    assert known.author is not None
    # The notice that the lawyer answered stands below and is not the client's to read.
    words = replace(said, body=mail.parsed.reply, urgent=False, automatic=False, subject="")
    kind = _SENT_AS[known.signed.kind]
    return await actions.say_to_client(session, conversation, words, kind, known.author.staff_id)


async def _bounce(session: AsyncSession, known: Known, report: Report, said: Said) -> Message:
    assert known.signed is not None
    sent = await session.get(OutboundMessage, known.signed.message_id)
    assert sent is not None
    assert sent.conversation_id is not None
    told = await bounced(session, sent.outbound_id, report.status)
    if not told and sent.state in (State.QUEUED, State.SENDING):
        raise NotYet("a report came back before its mail was known to have left")
    assert known.conversation is not None
    owner = known.conversation.client_id
    conversation = await _conversation(session, sent.conversation_id, owner)
    return await actions.keep_report(session, conversation, replace(said, automatic=True))


def _said(
    session: AsyncSession,
    mail: Mail,
    known: Known,
    original: SealedOriginal,
    twins: list[Twin],
) -> Said:
    parsed, received = mail.parsed, mail.received
    sender = parsed.sender
    words = session.info["settings"].messaging_urgent_words
    automatic = is_automatic(
        parsed.headers,
        envelope_from=received.envelope_from,
        from_address=sender.address if sender else None,
        answered_after=known.answered_after,
        calendar_method=parsed.calendar_method,
    )
    return Said(
        message_id=original.message_id,
        received_at=received.received_at,
        channel="email",
        subject=parsed.subject,
        body=parsed.text,
        sender_name=sender.name if sender else "",
        sender_address=sender.address if sender else "",
        urgent=not automatic and (parsed.urgent or is_urgent(words, parsed.subject, parsed.reply)),
        automatic=automatic,
        more=_columns(mail, known, twins),
        original=original,
    )


def _columns(mail: Mail, known: Known, twins: list[Twin]) -> dict[str, Any]:
    parsed, received = mail.parsed, mail.received
    after = known.answered_after
    return {
        "sender_differs": _differs(mail),
        "message_id_header": parsed.message_id,
        "duplicate_id_of": twins[0].message_id if twins and parsed.message_id else None,
        "references": list(parsed.references),
        "envelope_from": received.envelope_from,
        "to_addresses": [one.address for one in (*parsed.to, *parsed.cc)],
        "headers": [list(pair) for pair in parsed.headers],
        "authentication": "passed" if received.trusted_peer else "unknown",
        "calendar_method": parsed.calendar_method,
        "answered_after": after.total_seconds() if after is not None else None,
        "defects": list(parsed.defects),
    }


def _differs(mail: Mail) -> bool:
    """Whether answers by the book would go elsewhere than to the sender; ours never do."""
    sender = mail.parsed.sender
    replies = {one.address for one in mail.parsed.reply_to}
    elsewhere = {mail.received.envelope_from.lower(), *replies} - {""}
    return sender is not None and bool(elsewhere - {sender.address})


def _arrival(message_id: UUID, received: ReceivedMail) -> Arrival:
    return Arrival(
        arrival_id=new_id(),
        message_id=message_id,
        peer=received.peer,
        helo=received.helo,
        envelope_from=received.envelope_from,
        recipients=list(received.rcpt_tos),
        arrived_at=clock.now(),
    )
