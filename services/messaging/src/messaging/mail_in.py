"""Mail in: the SMTP door wired to the conversations. 250 is said after the commit and never before;
what fails for now is a 451, and the sending server comes again."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from opentelemetry import trace

from messaging.conversations import custody, incoming, recognising
from messaging.conversations.custody import SealedOriginal
from messaging.conversations.incoming import HeardMeanwhile
from messaging.conversations.recognising import Decision, Known, Mail
from messaging.directory import queries as directory
from messaging.email.certificate import self_made_context, server_context
from messaging.email.parsing import parse
from messaging.email.receiver import Door, Limits, ReceivedMail, serve
from messaging.email.reply_addresses import is_reply_address, read_reply_address
from messaging.email.threading import Begin, Join, Quarantine
from messaging.settings import MessagingSettings
from shared import clock, telemetry
from shared.contracts import FIRM_ID
from shared.errors import Unauthenticated
from shared.ids import new_id
from shared.keyring import KeyNotHeld
from shared.runtime import Runtime

LARGE = 256 * 1024  # octets; reading and sealing more would hold up everybody else
TRIES = 3
T = TypeVar("T")
SMTP_AUDIENCE = "privity-smtp"


async def receive(runtime: Runtime) -> None:
    """The service's task: the door is open until it is cancelled."""
    settings = settings_of(runtime)
    key = settings.messaging_reply_key_file.read_bytes()
    door = Door(
        takes=partial(takes, runtime, key),
        keep=partial(keep, runtime, key),
        verify=partial(verify, runtime),
        now=clock.now,
    )
    async with serve(
        door,
        host=settings.messaging_smtp_in_host,
        port=settings.messaging_smtp_in_port,
        hostname=settings.messaging_smtp_in_name,
        limits=Limits(
            size=settings.messaging_mail_size,
            connections=settings.messaging_peer_connections,
            mails_a_minute=settings.messaging_peer_mails_a_minute,
        ),
        trusted=settings.mail_trusted_peers,
        tls=_tls(settings),
        sign_in_without_tls=settings.local,
    ):
        await asyncio.Event().wait()


async def takes(runtime: Runtime, key: bytes, address: str) -> bool:
    """Mail is taken for the firm's addresses and for those that we signed, for nobody else's."""
    domain = settings_of(runtime).messaging_mail_domain
    async with runtime.db.transaction() as session:
        if not is_reply_address(address, domain):
            firm = await directory.firm(session)
            return firm is not None and address.lower() in firm.addresses
        staff = await directory.staff_ids(session)
    return read_reply_address(key, domain, address, staff) is not None


async def verify(runtime: Runtime, email: str, password: str) -> str | None:
    """The address of the active member of staff whose personal token this is."""
    try:
        identity = await runtime.auth.check(password, SMTP_AUDIENCE)
    except Unauthenticated:
        return None
    if identity.role == "client" or identity.email != email.strip().lower():
        return None
    async with runtime.db.transaction() as session:
        member = await directory.staff_with_address(session, email.strip())
    return member.email if member else None


async def keep(runtime: Runtime, key: bytes, received: ReceivedMail) -> str:
    """The word for the 250: the message's id. Whatever is raised instead was rolled back."""
    with telemetry.tracer().start_as_current_span(
        "messaging receive", kind=trace.SpanKind.SERVER
    ) as span:
        mail = Mail(received, await _beside(received.data, parse, received.data))
        message_id = await _keep_once(runtime, key, mail)
        span.set_attribute(telemetry.MESSAGE_ID, str(message_id))
    return str(message_id)


async def _keep_once(runtime: Runtime, key: bytes, mail: Mail) -> UUID:
    for _ in range(TRIES - 1):
        try:
            return await _try_to_keep(runtime, key, mail)
        except (KeyNotHeld, HeardMeanwhile):  # a copy was kept meanwhile, or the sender got known
            continue
    return await _try_to_keep(runtime, key, mail)


async def _try_to_keep(runtime: Runtime, key: bytes, mail: Mail) -> UUID:
    async with runtime.db.transaction() as session:
        known = await recognising.look_up(session, mail, key)
    await runtime.keys.hold(FIRM_ID, *known.owners)  # the firm's seals notices to its own people
    decision = recognising.decide(mail, known, runtime.keys)
    conversation_id = new_id()
    owner = _owner(known, decision, conversation_id)
    await runtime.keys.hold(owner, create=owner == conversation_id)
    original = await _sealed(runtime, owner, mail)
    async with runtime.db.transaction() as session:
        return await incoming.keep(session, mail, known, decision, conversation_id, original)
    # If we die before that commit nothing was kept and nobody was told 250. If we die after it, the
    # mail comes again and its identity makes it one more arrival of the same message.


def _owner(known: Known, decision: Decision, conversation_id: UUID) -> UUID:
    """Whose key seals it: a stranger's mail has a key of its conversation's own."""
    match decision:
        case Join(client_id=client_id) | Begin(client_id=client_id):
            return client_id
        case Quarantine():
            return conversation_id
    assert known.conversation is not None
    assert known.conversation.client_id is not None
    return known.conversation.client_id


async def _sealed(runtime: Runtime, owner: UUID, mail: Mail) -> SealedOriginal:
    data = mail.received.data
    return await _beside(
        data, custody.seal_original, runtime.keys.key(owner), new_id(), data, mail.parsed
    )


async def _beside(data: bytes, function: Callable[..., T], *arguments: Any) -> T:
    """Beside the loop when the mail is large, so that others need not wait for it."""
    if len(data) > LARGE:
        return await asyncio.to_thread(function, *arguments)
    return function(*arguments)


def _tls(settings: MessagingSettings) -> ssl.SSLContext:
    if settings.messaging_smtp_certificate is None:
        return self_made_context(settings.messaging_smtp_in_name)
    return server_context(settings.messaging_smtp_certificate, settings.messaging_smtp_key)


def settings_of(runtime: Runtime) -> MessagingSettings:
    settings = runtime.settings
    assert isinstance(settings, MessagingSettings)
    return settings
