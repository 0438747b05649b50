"""Over real sockets: what the server said is what is recorded, and a broken line is never taken for
a refusal nor for an acceptance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from messaging.email.rendering import Mail
from messaging.email.sender import Line, Outcome, Server
from support.mailboxes import Mailboxes, listening, mail_server

MAIL = Mail(
    message_id="<1@firm.test>",
    envelope_from="",
    recipient="clara@clients.test",
    data=b"From: office@firm.test\r\n\r\n.one dot\r\n",
)


def server_at(port: int) -> Server:
    return Server(host="127.0.0.1", port=port, connect_within=1, step_within=0.5, data_within=0.5)


@asynccontextmanager
async def smtp_server(boxes: Mailboxes, port: int = 0) -> AsyncIterator[Server]:
    async with mail_server(boxes, port) as bound:
        yield server_at(bound)


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


class Silent(asyncio.Protocol):
    """Takes the connection and never greets."""


async def test_a_server_that_says_nothing_is_given_up_within_the_deadline() -> None:
    async with listening(Silent) as port:
        result = await Line(server_at(port)).hand_over(MAIL)
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
    async with listening(Mute) as port:
        result = await Line(server_at(port)).hand_over(MAIL)
    assert result.outcome is Outcome.UNKNOWN


class Unwilling(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"554 No service for you\r\n")


async def test_a_server_that_turns_us_away_at_the_door_has_not_refused_the_mail() -> None:
    async with listening(Unwilling) as port:
        result = await Line(server_at(port)).hand_over(MAIL)
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
    async with listening(Mute) as port:
        assert (await Line(server_at(port)).hand_over(mail)).outcome is Outcome.REFUSED
