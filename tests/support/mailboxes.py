"""The mail server of the outside world, in this process: keeps what it takes, and refuses, stalls
or breaks off as a test says. Real sockets, real SMTP (aiosmtpd)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailboxes:
    """`on_rcpt` and `on_data` are the replies, `unknown` the addresses that nobody has. With
    `cut_after_data` it takes the mail and breaks off; while `stalled`, it takes it silently."""

    kept: list[Envelope] = field(default_factory=list)
    connections: int = 0
    unknown: frozenset[str] = frozenset()
    on_rcpt: str = "250 OK"
    on_data: str = "250 OK"
    cut_after_data: bool = False
    stalled: asyncio.Event | None = None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if address in self.unknown:
            return "550 No such mailbox"
        if self.on_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.on_rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.on_data.startswith("250"):
            self.kept.append(envelope)
        if self.stalled is not None:
            await self.stalled.wait()
        if self.cut_after_data:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self.on_data

    def of(self, address: str) -> list[EmailMessage]:
        """The mailbox of this address, oldest first."""
        return [_parsed(one) for one in self.kept if one.rcpt_tos == [address]]


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def _parsed(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    content = envelope.content.replace(b"\r\n", b"\n")
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@asynccontextmanager
async def mail_server(boxes: Mailboxes, port: int = 0) -> AsyncIterator[int]:
    """Serves these mailboxes; yields the port."""

    def connection() -> SMTP:
        boxes.connections += 1
        return SMTP(boxes, enable_SMTPUTF8=True)

    async with listening(connection, port) as bound:
        yield bound


@asynccontextmanager
async def listening(
    connection: Callable[[], asyncio.BaseProtocol], port: int = 0
) -> AsyncIterator[int]:
    """Any protocol on a port of loopback; connections end with the listener."""
    transports: list[asyncio.BaseTransport] = []

    def remembered() -> asyncio.BaseProtocol:
        protocol = connection()
        made = protocol.connection_made

        def connection_made(transport: asyncio.BaseTransport) -> None:
            transports.append(transport)
            made(transport)

        protocol.connection_made = connection_made  # type: ignore[method-assign]
        return protocol

    listener = await asyncio.get_running_loop().create_server(remembered, "127.0.0.1", port)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for transport in transports:
            with contextlib.suppress(OSError):
                transport.close()
        await asyncio.sleep(0)
