"""Whose an incoming mail is: what the tables say of it before any key is at hand, and what follows
from that when the keys are held."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import queries
from messaging.conversations.models import Conversation, Message
from messaging.conversations.queries import Twin
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
from messaging.outbound import queries as outbound
from messaging.outbound.models import OutboundMessage
from shared.keyring import Keyring

Decision = Join | Begin | Quarantine | StaffReply | Report


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
        twins=tuple(await twins_of(session, mail)),
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
        row.number: Matter(row.matter_id, await directory.clients_of_matter(session, row))
        for row in rows
    }


async def _answered_after(session: AsyncSession, mail: Mail) -> timedelta | None:
    header = mail.parsed.in_reply_to
    sent = await outbound.automatic_sent_at(session, header) if header else None
    return mail.received.received_at - sent if sent else None


async def twins_of(session: AsyncSession, mail: Mail) -> list[Twin]:
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
