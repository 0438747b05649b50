"""Over real sockets: what the server said is what is recorded, and a broken line is never taken for
a refusal nor for an acceptance."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiosmtpd.smtp import SMTP as SmtpServer
from aiosmtpd.smtp import Envelope, Session

from messaging.email.rendering import Mail
from messaging.email.sender import Line, Outcome, Server

MAIL = Mail(
    message_id="<1@firm.test>",
    envelope_from="",
    recipient="clara@clients.test",
    data=b"From: office@firm.test\r\n\r\n.one dot\r\n",
)


class Mailboxes:
    """The outside world: keeps what it is given, and refuses as each test says."""

    def __init__(self) -> None:
        self.kept: list[Envelope] = []
        self.connections = 0
        self.on_rcpt = "250 OK"
        self.on_data = "250 OK"
        self.cut_after_data = False

    async def handle_RCPT(
        self, server: SmtpServer, session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if self.on_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.on_rcpt

    async def handle_DATA(self, server: SmtpServer, session: Session, envelope: Envelope) -> str:
        if self.on_data.startswith("250"):
            self.kept.append(envelope)
        if self.cut_after_data:
            assert server.transport is not None
            server.transport.abort()
        return self.on_data


@asynccontextmanager
async def smtp_server(boxes: Mailboxes, port: int = 0) -> AsyncIterator[Server]:
    def connection() -> SmtpServer:
        boxes.connections += 1
        return SmtpServer(boxes, enable_SMTPUTF8=True)

    async with listening(connection, port) as server:
        yield server


@asynccontextmanager
async def listening(
    factory: Callable[[], asyncio.BaseProtocol], port: int = 0
) -> AsyncIterator[Server]:
    listener = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", port)
    bound = listener.sockets[0].getsockname()[1]
    try:
        yield Server(
            host="127.0.0.1", port=bound, connect_within=1, step_within=0.5, data_within=0.5
        )
    finally:
        listener.close()
        listener.close_clients() if hasattr(listener, "close_clients") else None


@pytest.fixture
def boxes() -> Mailboxes:
    return Mailboxes()


async def test_an_accepted_mail_arrives_unchanged_with_the_null_sender(boxes: Mailboxes) -> None:
    async with smtp_server(boxes) as server:
        line = Line(server)
        result = await line.hand_over(MAIL)
        await line.close()
    assert (result.outcome, result.code) == (Outcome.ACCEPTED, 250)
    (envelope,) = boxes.kept
    assert envelope.mail_from == "<>"
    assert envelope.rcpt_tos == ["clara@clients.test"]
    assert envelope.content == MAIL.data


async def test_one_connection_carries_many_mails(boxes: Mailboxes) -> None:
    async with smtp_server(boxes) as server:
        line = Line(server)
        for _ in range(5):
            assert (await line.hand_over(MAIL)).outcome is Outcome.ACCEPTED
        await line.close()
    assert (boxes.connections, len(boxes.kept)) == (1, 5)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("550 No such mailbox", Outcome.REFUSED),
        ("552 Mailbox full", Outcome.REFUSED),
        ("450 Try later", Outcome.NOT_YET),
        ("421 Closing", Outcome.NOT_YET),
        ("530 Authentication required", Outcome.NOT_YET),
    ],
)
@pytest.mark.parametrize("step", ["on_rcpt", "on_data"])
async def test_a_reply_is_final_only_when_it_says_so(
    boxes: Mailboxes, step: str, reply: str, outcome: Outcome
) -> None:
    setattr(boxes, step, reply)
    async with smtp_server(boxes) as server:
        line = Line(server)
        result = await line.hand_over(MAIL)
        await line.close()
    assert (result.outcome, result.code) == (outcome, int(reply[:3]))


async def test_a_refused_mail_does_not_spoil_the_next(boxes: Mailboxes) -> None:
    async with smtp_server(boxes) as server:
        line = Line(server)
        boxes.on_rcpt = "550 No such mailbox"
        await line.hand_over(MAIL)
        boxes.on_rcpt = "250 OK"
        assert (await line.hand_over(MAIL)).outcome is Outcome.ACCEPTED
        await line.close()


async def test_a_line_lost_after_the_final_dot_is_unknown_though_the_mail_arrived(
    boxes: Mailboxes,
) -> None:
    boxes.cut_after_data = True
    async with smtp_server(boxes) as server:
        line = Line(server)
        result = await line.hand_over(MAIL)
        await line.close()
    assert result.outcome is Outcome.UNKNOWN
    assert len(boxes.kept) == 1


async def test_no_server_is_not_yet() -> None:
    async with smtp_server(Mailboxes()) as server:
        pass
    result = await Line(server).hand_over(MAIL)
    assert (result.outcome, result.code) == (Outcome.NOT_YET, None)


async def test_a_server_that_says_nothing_is_given_up_within_the_deadline() -> None:
    async with listening(asyncio.Protocol) as server:
        started = asyncio.get_running_loop().time()
        result = await Line(server).hand_over(MAIL)
        assert asyncio.get_running_loop().time() - started < 3
    assert result.outcome is Outcome.NOT_YET


class Mute(asyncio.Protocol):
    """Greets, takes every command and the whole mail, and then falls silent for ever."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 mute\r\n")

    def data_received(self, data: bytes) -> None:
        if data == b"DATA\r\n":
            self.transport.write(b"354 Go\r\n")
        elif data.split(b" ")[0].strip() in {b"EHLO", b"MAIL", b"RCPT"}:
            self.transport.write(b"250 OK\r\n")


async def test_a_server_that_falls_silent_after_the_final_dot_is_unknown() -> None:
    async with listening(Mute) as server:
        result = await Line(server).hand_over(MAIL)
    assert result.outcome is Outcome.UNKNOWN


class Unwilling(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"554 No service for you\r\n")


async def test_a_server_that_turns_us_away_at_the_door_has_not_refused_the_mail() -> None:
    async with listening(Unwilling) as server:
        result = await Line(server).hand_over(MAIL)
    assert result.outcome is Outcome.NOT_YET


async def test_a_kept_connection_that_died_is_replaced_within_the_same_attempt(
    boxes: Mailboxes,
) -> None:
    async with smtp_server(boxes) as server:
        line = Line(server)
        await line.hand_over(MAIL)
    async with smtp_server(boxes, server.port):
        assert (await line.hand_over(MAIL)).outcome is Outcome.ACCEPTED
        await line.close()
    assert len(boxes.kept) == 2


async def test_an_international_address_needs_a_server_that_takes_it(boxes: Mailboxes) -> None:
    mail = Mail(message_id="<1@firm.test>", envelope_from="", recipient="jü@clients.test", data=b"")
    async with smtp_server(boxes) as server:
        line = Line(server)
        assert (await line.hand_over(mail)).outcome is Outcome.ACCEPTED
        await line.close()
    assert boxes.kept[0].rcpt_tos == ["jü@clients.test"]
    async with listening(Mute) as server:
        assert (await Line(server).hand_over(mail)).outcome is Outcome.REFUSED
