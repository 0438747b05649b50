"""The way into the local mailboxes: takes mail over SMTP and lays it into GreenMail over IMAP.

GreenMail's own SMTP refuses the null reverse-path (RFC 5321 §4.5.5) that automatic mail must have.
Nothing is relayed: every recipient is a mailbox here. 250 means that all of them have it.
"""

import asyncio
import imaplib
import os
import socket
import time
from email.utils import formatdate

from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_MAIL = 64 * 2**20
PASSWORD = "privity"


class Line(imaplib.IMAP4):
    """GreenMail answers in two writes; on Linux two delayed acknowledgments cost 80 ms a mail."""

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        super().open(host, port, timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def readline(self) -> bytes:
        if quick := getattr(socket, "TCP_QUICKACK", None):
            self.sock.setsockopt(socket.IPPROTO_TCP, quick, 1)  # lasts until the next write
        return super().readline()


class Mailboxes:
    """Hands each mail to the IMAP server on loopback."""

    def __init__(self, host: str, imap_port: int) -> None:
        self._host, self._port = host, imap_port

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        peer = session.peer[0] if session.peer else "unknown"
        mail = _trace((envelope.mail_from or "").strip("<>"), peer).encode() + envelope.content
        try:
            for recipient in envelope.rcpt_tos:
                await asyncio.to_thread(self._append, recipient.lower(), mail)
        except (imaplib.IMAP4.error, OSError) as error:
            return f"451 4.3.0 The mailbox did not take it: {type(error).__name__}"
        return "250 2.0.0 In the mailbox"

    def _append(self, address: str, mail: bytes) -> None:
        with Line(self._host, self._port, timeout=30) as imap:
            imap.login(address, PASSWORD)
            imap.append("INBOX", "", imaplib.Time2Internaldate(time.time()), mail)


def _trace(sender: str, peer: str) -> str:
    """What final delivery adds (RFC 5321 §4.4)."""
    return f"Return-Path: <{sender}>\r\nReceived: from {peer} by localhost; {formatdate()}\r\n"


async def serve(host: str, smtp_port: int, imap_port: int) -> None:
    """Until cancelled."""
    loop = asyncio.get_running_loop()

    def door() -> SMTP:
        return SMTP(
            Mailboxes(host, imap_port),
            data_size_limit=LARGEST_MAIL,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="Privity local mailboxes",
            loop=loop,
        )

    server = await loop.create_server(door, host, smtp_port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    ports = (int(os.environ["MAILBOXES_SMTP_PORT"]), int(os.environ["MAILBOXES_IMAP_PORT"]))
    asyncio.run(serve("127.0.0.1", *ports))
