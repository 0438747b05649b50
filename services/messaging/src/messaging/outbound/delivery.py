"""The door for mail out: takes what is due, hands it over, and tells what became of it.

`sending` is committed before a connection is made and no lock is held while the network works. A
row left in `sending` is sent again when its lease ends: the same octets, the same Message-ID.
"""

import asyncio
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import structlog
from opentelemetry import trace
from sqlalchemy.exc import DBAPIError

from messaging.email.rendering import Mail
from messaging.email.sender import Encryption, Handover, Line, Outcome, Server
from messaging.notices import failures
from messaging.outbound import actions
from messaging.outbound.models import OutboundMessage
from messaging.settings import MessagingSettings
from shared import telemetry
from shared.contracts import FIRM_ID
from shared.db import LOST
from shared.errors import Unavailable
from shared.keyring import KeyNotHeld
from shared.runtime import Runtime
from shared.sealing import SealBroken

log = structlog.get_logger()

POLL_SECONDS = 0.2
MARGIN_SECONDS = 5.0  # of the lease, kept for recording what became of an attempt
LONGEST_WAIT_FOR_A_SERVER = 30.0
LONGEST_WAIT_FOR_A_MAILBOX = 1800.0

_CLAIM = """
    UPDATE outbound_messages o
    SET state = 'sending', attempts = o.attempts + 1, next_attempt_at = now() + $2
    FROM (SELECT outbound_id FROM outbound_messages
          WHERE state IN ('queued', 'sending') AND next_attempt_at <= now()
          ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED) due
    WHERE o.outbound_id = due.outbound_id
    RETURNING o.*
"""


async def deliver(runtime: Runtime) -> None:
    """Until cancelled: send what is due, over a bounded number of kept connections."""
    news = runtime.db.news()
    lines: asyncio.Queue[Line] = asyncio.Queue()
    settings = _settings(runtime)
    server = server_of(settings.smtp_url.get_secret_value())
    for _ in range(settings.messaging_send_connections):
        lines.put_nowait(Line(server))
    async with asyncio.TaskGroup() as sending:
        while True:
            try:
                await _send_what_is_due(runtime, news, lines, sending)
            except LOST as error:
                log.warning("delivery waits for the database", error=repr(error))
                await asyncio.sleep(POLL_SECONDS)


async def _send_what_is_due(
    runtime: Runtime, news: asyncio.Event, lines: asyncio.Queue[Line], sending: asyncio.TaskGroup
) -> None:
    # A connection of its own: claims are single statements, and they wake nobody by committing.
    connection = await runtime.db.connect()
    lease = timedelta(seconds=_settings(runtime).messaging_send_lease)
    try:
        while True:
            await _one_is_free(lines)
            news.clear()
            claimed = await connection.fetch(_CLAIM, lines.qsize(), lease)
            # If we die here the rows are `sending` though nobody sends: their lease ends, and the
            # next claim takes them.
            for record in claimed:
                row = OutboundMessage(**record)
                sending.create_task(_deliver(runtime, row, lines.get_nowait(), lines))
            if not claimed:
                await _something_may_be_due(news)
    finally:
        await connection.close(timeout=2)


async def _one_is_free(lines: asyncio.Queue[Line]) -> None:
    lines.put_nowait(await lines.get())


async def _something_may_be_due(news: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await news.wait()
    except TimeoutError:
        return


async def _deliver(
    runtime: Runtime, row: OutboundMessage, line: Line, lines: asyncio.Queue[Line]
) -> None:
    """One attempt, as a child of the span in which the mail was asked for."""
    with telemetry.tracer().start_as_current_span(
        "messaging deliver",
        context=telemetry.parent(row.traceparent, row.tracestate),
        kind=trace.SpanKind.CLIENT,
        attributes={telemetry.MESSAGE_ID: str(row.outbound_id), telemetry.PEER_SERVICE: "mail"},
    ):
        try:
            handover = await _attempt(runtime, row, line)
        finally:
            lines.put_nowait(line)
        # If we die here the other server may have the mail and the row does not say so: it is sent
        # again after the lease, and whoever sees two sees one Message-ID.
        await _record(runtime, row, handover)


async def _attempt(runtime: Runtime, row: OutboundMessage, line: Line) -> Handover:
    try:
        await runtime.keys.hold(row.owner)
        data = actions.data_of(runtime.keys.key(row.owner, row.key_version), row)
    except KeyNotHeld:
        return Handover(outcome=Outcome.REFUSED, reply="the key of this mail was destroyed")
    except SealBroken:
        log.critical("a mail is not what was sealed", outbound_id=str(row.outbound_id))
        return Handover(outcome=Outcome.REFUSED, reply="what is kept is not what was sealed")
    except Unavailable as error:
        return Handover(outcome=Outcome.NOT_YET, reply=error.detail)
    mail = Mail(
        message_id=row.message_id_header,
        envelope_from=row.envelope_from,
        recipient=row.recipient,
        data=data,
    )
    try:
        async with asyncio.timeout(_settings(runtime).messaging_send_lease - MARGIN_SECONDS):
            return await line.hand_over(mail)
    except TimeoutError:
        return Handover(outcome=Outcome.UNKNOWN, reply="not done within the lease")


async def _record(runtime: Runtime, row: OutboundMessage, handover: Handover) -> None:
    """A database that is away is waited for until the lease ends; then somebody sends again."""
    try:
        async with asyncio.timeout(_settings(runtime).messaging_send_lease):
            while True:
                if await _recorded(runtime, row, handover):
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        log.warning("what became of a mail was not recorded", outbound_id=str(row.outbound_id))


async def _recorded(runtime: Runtime, row: OutboundMessage, handover: Handover) -> bool:
    reply = f"{handover.code or ''} {handover.reply}".strip()[:500]
    refused = handover.outcome is Outcome.REFUSED or actions.is_too_old(row)
    try:
        await runtime.keys.hold(row.owner, FIRM_ID)
        async with runtime.db.transaction() as session:
            if handover.outcome is Outcome.ACCEPTED:
                await actions.record_accepted(session, row.outbound_id, reply)
            elif refused:
                await failures.refused(session, row.outbound_id, reply)
            else:
                wait = pause(row.attempts, handover)
                await actions.record_later(session, row.outbound_id, row.attempts, reply, wait)
    except (DBAPIError, OSError, Unavailable) as error:
        log.warning("recording waits", error=repr(error))
        return False
    return True


def _settings(runtime: Runtime) -> MessagingSettings:
    assert isinstance(runtime.settings, MessagingSettings)
    return runtime.settings


def pause(attempt: int, handover: Handover) -> timedelta:
    """Before the next attempt: short where no server answered, long where one asked to wait."""
    if handover.code is None:
        return timedelta(seconds=min(2.0 ** min(attempt - 1, 10), LONGEST_WAIT_FOR_A_SERVER))
    return timedelta(seconds=min(5.0 * 3.0 ** min(attempt - 1, 10), LONGEST_WAIT_FOR_A_MAILBOX))


def server_of(url: str) -> Server:
    """`smtp://[user:password@]host:port`; smtps is TLS from the start, smtp+starttls upgrades.

    A password is never sent without TLS: with one, plain smtp is refused unless on loopback.
    """
    parts = urlsplit(url)
    encryption = {
        "smtp": Encryption.NONE,
        "smtps": Encryption.IMPLICIT,
        "smtp+starttls": Encryption.STARTTLS,
    }[parts.scheme]
    host = parts.hostname or "127.0.0.1"
    if parts.password and encryption is Encryption.NONE and host not in {"127.0.0.1", "localhost"}:
        raise ValueError("SMTP_URL holds a password, so it needs smtps or smtp+starttls")
    return Server(
        host=host,
        port=parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        encryption=encryption,
    )
