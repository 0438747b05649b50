"""A mail that came in becomes a message: looked up, decided, kept once.

Looking up and keeping are two transactions, because the keys are fetched between them. What must
not be decided twice, whether the mail is there already, is decided in the second, under a lock.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import actions, custody, filing, queries
from messaging.conversations.custody import SealedOriginal
from messaging.conversations.keeping import Said
from messaging.conversations.models import Arrival, Conversation, Message
from messaging.conversations.queries import Twin
from messaging.conversations.rules import is_urgent
from messaging.directory import queries as directory
from messaging.directory.models import Staff
from messaging.email.automatic import is_automatic
from messaging.email.parsing import ParsedMail
from messaging.email.receiver import MailRefused, ReceivedMail
from messaging.email.reply_addresses import ReplyAddress, ReplyKind, read_reply_address
from messaging.email.reports import Report, read_report
from messaging.email.threading import (
    Begin,
    Facts,
    Join,
    Matter,
    Quarantine,
    StaffReply,
    Thread,
    anchors,
    numbers_in,
    whose,
)
from messaging.notices.failures import bounced
from messaging.outbound import queries as outbound
from messaging.outbound.models import OutboundMessage, State
from shared import clock
from shared.ids import new_id
from shared.keyring import Keyring, keys_of

Decision = Join | Begin | Quarantine | StaffReply | Report

_SENT_AS: dict[ReplyKind, actions.SentKind] = {
    ReplyKind.ANSWER: "answer",
    ReplyKind.QUESTION: "question",
    ReplyKind.ACKNOWLEDGE: "acknowledgment",
}


class NotYet(Exception):
    """It cannot be decided now; the sending server shall try again."""


class HeardMeanwhile(Exception):
    """The sender became known between looking up and keeping: all of it is to be done again."""


@dataclass(frozen=True, slots=True)
class Mail:
    received: ReceivedMail
    parsed: ParsedMail


@dataclass(frozen=True, slots=True)
class Known:
    """What the tables say about a mail, before any key is at hand. `signed` is the address of ours
    that it came to, `conversation` the one that this address is about."""

    clients: tuple[UUID, ...] = ()
    firms_own: bool = False
    author: Staff | None = None
    signed: ReplyAddress | None = None
    conversation: Conversation | None = None
    threads: dict[str, Conversation] = field(default_factory=dict)
    numbered: dict[str, Matter] = field(default_factory=dict)
    open_matters: tuple[UUID, ...] = ()
    twins: tuple[Twin, ...] = ()
    answered_after: timedelta | None = None

    @property
    def came_back(self) -> bool:
        return self.signed is not None and self.signed.kind is ReplyKind.BOUNCE

    @property
    def owners(self) -> set[UUID]:
        """Whose keys are needed to decide, and to compare with what is kept."""
        threads = [one for one in self.threads.values() if one.client_id in self.clients]
        threads += [self.conversation] if self.conversation else []
        sealed = {UUID(one.subject["owner"]) for one in threads if one.subject}
        sealed |= {one.client_id for one in threads if one.client_id}
        return {*self.clients, *sealed, *(twin.owner for twin in self.twins)}


async def look_up(session: AsyncSession, mail: Mail, reply_key: bytes) -> Known:
    settings = session.info["settings"]
    parsed, received = mail.parsed, mail.received
    sender = parsed.sender.address if parsed.sender else ""
    clients = tuple(await directory.clients_with_address(session, sender)) if sender else ()
    matters = await directory.open_matters(session, clients[0]) if len(clients) == 1 else []
    known = Known(
        clients=clients,
        firms_own=sender in await directory.firm_mailboxes(session),
        author=await _author(session, mail),
        threads=await queries.conversations_with(session, anchors(parsed)),
        numbered=await _numbered(session, parsed.subject),
        open_matters=tuple(matter.matter_id for matter in matters),
        twins=tuple(await _twins(session, mail)),
        answered_after=await _answered_after(session, mail),
    )
    return await _with_addresses(session, known, received, reply_key, settings)


async def _author(session: AsyncSession, mail: Mail) -> Staff | None:
    """The member of staff who signed in and says so in From."""
    signed_in = mail.received.authenticated_email
    if signed_in is None:
        return None
    if mail.parsed.sender is None or mail.parsed.sender.address != signed_in:
        raise MailRefused(553, "5.7.1 From is not the person who signed in")
    return await directory.staff_with_address(session, signed_in)


async def _with_addresses(
    session: AsyncSession, known: Known, received: ReceivedMail, key: bytes, settings: Any
) -> Known:
    """The signed addresses among the recipients: an answer of staff, or a report that came back."""
    domain, author = settings.messaging_mail_domain, known.author
    staff = [author.staff_id] if author else []
    for address in received.rcpt_tos:
        signed = read_reply_address(key, domain, address, staff)
        if signed is None:
            continue
        about: OutboundMessage | Message | None
        if signed.kind is ReplyKind.BOUNCE:
            about = await session.get(OutboundMessage, signed.message_id)
        else:
            about = await session.get(Message, signed.message_id)
        if about is not None and about.client_id is not None:
            conversation = await session.get(Conversation, about.conversation_id)
            return replace(known, signed=signed, conversation=conversation)
    return known


async def _numbered(session: AsyncSession, subject: str) -> dict[str, Matter]:
    rows = await directory.matters_numbered(session, numbers_in(subject))
    return {
        row.number: Matter(row.matter_id, await directory.survivor(session, row.client_id))
        for row in rows
    }


async def _answered_after(session: AsyncSession, mail: Mail) -> timedelta | None:
    header = mail.parsed.in_reply_to
    sent = await outbound.automatic_sent_at(session, header) if header else None
    return mail.received.received_at - sent if sent else None


async def _twins(session: AsyncSession, mail: Mail) -> list[Twin]:
    hours = session.info["settings"].messaging_smtp_retry_hours
    return await queries.twins(
        session,
        mail.parsed.message_id,
        mail.received.envelope_from,
        mail.received.received_at,
        timedelta(hours=hours),
    )


def decide(mail: Mail, known: Known, keys: Keyring) -> Decision:
    """Whose it is; the keys of `known.owners` are held."""
    if known.came_back and (report := read_report(mail.received.data)):
        return report
    decision = whose(mail.parsed, _facts(known, keys))
    if isinstance(decision, StaffReply):
        _refuse_what_cannot_be_passed_on(mail)
    return decision


def _facts(known: Known, keys: Keyring) -> Facts:
    conversation = known.conversation
    return Facts(
        clients=known.clients,
        firms_own=known.firms_own,
        authenticated=known.author is not None,
        reply_to=_thread(conversation, keys) if conversation and not known.came_back else None,
        threads={
            header: _thread(one, keys)
            for header, one in known.threads.items()
            if one.client_id in known.clients
        },
        numbered=known.numbered,
        open_matters=known.open_matters,
    )


def _thread(conversation: Conversation, keys: Keyring) -> Thread:
    return Thread(
        conversation_id=conversation.conversation_id,
        client_id=conversation.client_id,
        matter_id=conversation.matter_id,
        subject=queries.subject_with(keys, conversation),
    )


def _refuse_what_cannot_be_passed_on(mail: Mail) -> None:
    """A lawyer's mail goes on to the client as words; what would be lost is refused instead."""
    sender = mail.parsed.sender
    if is_automatic(
        mail.parsed.headers,
        envelope_from=mail.received.envelope_from,
        from_address=sender.address if sender else None,
        calendar_method=mail.parsed.calendar_method,
    ):
        raise MailRefused(554, "5.7.1 An automatic mail is not passed on to a client")
    files = [one for one in mail.parsed.attachments if not one.media_type.startswith("image/")]
    if files:
        raise MailRefused(
            554, "5.6.1 Attachments cannot be sent through a reply address; send it without them"
        )
    if not mail.parsed.reply.strip():
        raise MailRefused(554, "5.6.0 There are no words in this mail that could be sent")


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
    twins = await _twins(session, mail)
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
        case Join(thread=thread):
            conversation = await _conversation(session, thread.conversation_id)
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
            conversation = await _conversation(session, thread.conversation_id)
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


async def _conversation(session: AsyncSession, conversation_id: UUID) -> Conversation:
    found = await session.get(Conversation, conversation_id)
    assert found is not None, "conversations are never deleted"
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
    conversation = await _conversation(session, sent.conversation_id)
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
