"""The SMTP door. It takes mail for the firm and for our signed addresses, and never relays or
bounces: a refusal is a reply. 250 means committed; what fails on our side is a 451.
"""

import asyncio
import ipaddress
import logging
import re
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

log = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# A line of one dot, with any mixture of line breaks around it.
_LONE_DOT = re.compile(rb"[\r\n]\.(?:\n|\r[\s\S])")
_END = b"\r\n.\r\n"
_CHUNK = 65536
_MINUTE = 60.0


class MailRefused(Exception):
    """The mail can never be taken: `code` 5xx and the reason that the sending server will show."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail as it came over SMTP: `data` octet for octet, dot-stuffing undone.

    `envelope_from` is '' for the null sender. `authenticated_email` is who proved by AUTH to be
    that member of staff; `trusted_peer` says that the peer is in MAIL_TRUSTED_PEERS.
    """

    peer: str
    helo: str
    envelope_from: str
    rcpt_tos: tuple[str, ...]
    data: bytes = field(repr=False)
    authenticated_email: str | None
    trusted_peer: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Door:
    """What the door asks of the service. Any exception but MailRefused becomes a 451.

    `takes(address)` says whether mail for it is ours; `keep(mail)` returns once it is committed,
    with a word for the reply; `verify(email, password)` says who that is, None for nobody.
    """

    takes: Callable[[str], Awaitable[bool]]
    keep: Callable[[ReceivedMail], Awaitable[str]]
    verify: Callable[[str, str], Awaitable[str | None]]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Limits:
    """Trusted peers are bound by `size`, `recipients` and `keeping` alone."""

    size: int = 40 * 1024 * 1024
    recipients: int = 100
    connections: int = 20
    mails_a_minute: int = 120
    failed_sign_ins_a_minute: int = 10
    idle: float = 300
    keeping: float = 60


@asynccontextmanager
async def serve(
    door: Door,
    *,
    host: str,
    port: int,
    hostname: str,
    limits: Limits = Limits(),
    trusted: Sequence[Network] = (),
    tls: ssl.SSLContext | None = None,
    sign_in_without_tls: bool = False,
) -> AsyncIterator[int]:
    """Runs the door on the calling loop; yields the port it listens on (`port` may be 0)."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it would log people's addresses
    peers = _Peers(limits, trusted)

    def connection() -> _Connection:
        return _Connection(
            _Hooks(door, limits, peers),
            data_size_limit=limits.size,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="ESMTP",
            tls_context=tls,
            timeout=limits.idle,
            auth_require_tls=not sign_in_without_tls,
            authenticator=_take_credentials,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(connection, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await peers.hang_up()


def _take_credentials(*given: Any) -> AuthResult:
    """aiosmtpd asks without awaiting; `_Connection._verified` asks the service."""
    return AuthResult(success=True, auth_data=given[-1])


class _Peers:
    """Who is connected and how often each peer did what within the last minute."""

    def __init__(self, limits: Limits, trusted: Sequence[Network]) -> None:
        self.limits = limits
        self.trusted = trusted
        self.connected: Counter[str] = Counter()
        self.connections: set[_Connection] = set()
        self.times: dict[tuple[str, str], deque[float]] = {}

    def trusts(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer)
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.trusted)

    def count(self, peer: str, what: str) -> int:
        """Counts one more, and returns how many that makes within a minute."""
        now = asyncio.get_running_loop().time()
        if len(self.times) > 10_000:
            self.times = {k: v for k, v in self.times.items() if v[-1] > now - _MINUTE}
        times = self.times.setdefault((peer, what), deque())
        while times and times[0] <= now - _MINUTE:
            times.popleft()
        times.append(now)
        return len(times)

    async def hang_up(self) -> None:
        """Ends what is under way: a mail that has no 250 yet will be sent again."""
        talks = [connection._handler_coroutine for connection in self.connections]
        for talk in talks:
            talk.cancel()
        for connection in list(self.connections):
            connection.transport.close()
        await asyncio.gather(*talks, return_exceptions=True)


class _Hooks:
    """aiosmtpd's hooks: one of these per connection."""

    def __init__(self, door: Door, limits: Limits, peers: _Peers) -> None:
        self.door = door
        self.limits = limits
        self.peers = peers

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not address.isprintable():
            return "553 5.1.7 The sender's address is not readable text"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= self.limits.recipients:
            return "452 4.5.3 Too many recipients in one transaction, send the rest in another"
        if not address.isprintable() or not await self.door.takes(address):
            return "550 5.7.1 Not an address of this firm; this server does not relay"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        peer = _host(session)
        trusted = self.peers.trusts(peer)
        if not trusted and self.peers.count(peer, "mail") > self.limits.mails_a_minute:
            return "451 4.7.1 Too many mails within a minute, try again later"
        assert isinstance(envelope.content, bytes)
        mail = ReceivedMail(
            peer=peer,
            helo=_reply_text(session.host_name or ""),
            envelope_from=(envelope.mail_from or "").strip("<>"),
            rcpt_tos=tuple(envelope.rcpt_tos),
            data=envelope.content,
            authenticated_email=session.auth_data if session.authenticated else None,
            trusted_peer=trusted,
            received_at=self.door.now(),
        )
        # If we die here nothing was promised: without a 250 the sending server keeps the mail.
        async with asyncio.timeout(self.limits.keeping):
            kept = await self.door.keep(mail)
        # If we die here the mail is committed and comes again; its identity makes it the same one.
        return f"250 2.0.0 Kept as {kept}"

    async def handle_VRFY(
        self, server: SMTP, session: Session, envelope: Envelope, address: str
    ) -> str:
        return "252 2.1.5 Not told; send the mail and see"

    async def handle_exception(self, error: Exception) -> str:
        if isinstance(error, MailRefused):
            return f"{error.code} {_reply_text(str(error))}"
        log.exception("a mail was not kept", exc_info=error)
        return "451 4.3.0 Not kept because of a fault here, try again later"


class _Connection(SMTP):
    """aiosmtpd's protocol with an end of DATA that cannot be smuggled, and sign-in that awaits."""

    line_length_limit = _CHUNK
    event_handler: _Hooks
    session: Session
    envelope: Envelope
    transport: asyncio.Transport
    _handler_coroutine: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        first = self not in self._peers.connections
        super().connection_made(transport)
        if first:
            self._peers.connections.add(self)
            self._peers.connected[_host(self.session)] += 1

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._peers.connections:
            self._peers.connections.discard(self)
            self._peers.connected[_host(self.session)] -= 1
            self._peers.connected += Counter()  # drops the zeros
        super().connection_lost(error)

    @property
    def _peers(self) -> _Peers:
        return self.event_handler.peers

    async def _handle_client(self) -> None:
        peer = _host(self.session)
        most = self.event_handler.limits.connections
        if self._peers.connected[peer] > most and not self._peers.trusts(peer):
            await self.push("421 4.7.0 Too many connections from your address")
            self.transport.close()
            return
        await super()._handle_client()

    async def smtp_DATA(self, arg: str | None) -> None:
        """RFC 5321 4.1.1.4; replaces aiosmtpd's, which reads by lines and refuses long ones."""
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 RCPT first")
        elif arg:
            await self.push("501 5.5.4 Syntax: DATA")
        else:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._answer_data(await self._read_data())

    async def _answer_data(self, data: bytes | str) -> None:
        if isinstance(data, bytes):
            self.envelope.content = data
            await self.push(await self._kept())
        elif data.startswith("521"):
            await self._hang_up(data)
        else:
            await self.push(data)
        self.envelope = self._create_envelope()

    async def _hang_up(self, reply: str) -> None:
        """The last word on this connection; nothing that already lies in its buffer is read."""
        await self.push(reply)
        self._handler_coroutine.cancel()
        self.transport.close()
        await asyncio.sleep(0)

    async def _kept(self) -> str:
        try:
            return await self.event_handler.handle_DATA(self, self.session, self.envelope)
        except Exception as error:  # noqa: BLE001 - whatever it was, the peer must hear a reply
            return await self.event_handler.handle_exception(error)

    async def _read_data(self) -> bytes | str:
        """The mail without its dots, or the reply that refuses it."""
        limit = self.event_handler.limits.size
        data = bytearray(b"\r\n")  # the line break of DATA itself: the first line may be the dot
        size = searched = 0
        while (dot := _LONE_DOT.search(data, searched)) is None:
            searched = max(0, len(data) - len(_END))
            chunk = await self._reader.read(_CHUNK)
            if not chunk:
                raise ConnectionResetError
            self._reset_timeout()
            size += len(chunk)
            data += chunk
            if size > limit + _CHUNK + len(_END):  # too large whatever was sent ahead of its turn
                del data[: -_CHUNK - len(_END)]
                searched = 0
        begin = dot.start() - 1
        if data[max(0, begin) : dot.end()] != _END:
            # Another server may have read an end here and taken the rest for commands: nothing
            # that follows on this connection can be believed (CVE-2023-51764 and its kin).
            return "521 5.5.2 A bare CR or LF stands around a final dot; send <CR><LF>.<CR><LF>"
        rest = bytes(data[dot.end() :])
        if rest and not self._reader.at_eof():
            self._reader.feed_data(rest)  # commands that were sent ahead, RFC 2920
        if size - len(rest) > limit + 3:
            return f"552 5.3.4 The mail is larger than {limit} octets"
        return bytes(data[: begin + 2]).replace(b"\r\n.", b"\r\n")[2:]

    async def auth_PLAIN(self, _: Any, args: list[str]) -> AuthResult:
        return await self._verified(await super().auth_PLAIN(_, args))

    async def auth_LOGIN(self, _: Any, args: list[str]) -> AuthResult:
        return await self._verified(await super().auth_LOGIN(_, args))

    async def _verified(self, claimed: AuthResult) -> AuthResult:
        if not claimed.success or not isinstance(claimed.auth_data, LoginPassword):
            return claimed
        email, password = (part.decode("utf-8", "replace") for part in claimed.auth_data)
        person = await self.event_handler.door.verify(email, password)
        if person is not None:
            return AuthResult(success=True, auth_data=person)
        failed = self._peers.count(_host(self.session), "sign-in")
        if failed > self.event_handler.limits.failed_sign_ins_a_minute:
            await self._hang_up("421 4.7.0 Too many failed sign-ins")
        return AuthResult(success=False, handled=False)


def _host(session: Session) -> str:
    return str(session.peer[0]) if session.peer else ""


def _reply_text(text: str) -> str:
    """One line of printable ASCII, as a reply has to be (RFC 5321 4.2)."""
    return re.sub(r"[^ -~]", "?", text)[:400]
