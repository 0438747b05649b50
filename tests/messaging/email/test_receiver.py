"""The SMTP door over real sockets: what it takes, what it refuses, and what it says."""

import asyncio
import base64
import ipaddress
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from messaging.email.certificate import self_made_context
from messaging.email.receiver import Door, Limits, MailRefused, ReceivedMail, serve

OFFICE = "office@firm.test"
NOW = datetime(2026, 7, 14, 9, 0, tzinfo=UTC)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass
class Firm:
    """What stands behind the door in these tests: it keeps mails in a list, or fails as told."""

    kept: list[ReceivedMail] = field(default_factory=list)
    failure: Exception | None = None
    committed: asyncio.Event = field(default_factory=asyncio.Event)

    async def takes(self, address: str) -> bool:
        return address.lower() == OFFICE

    async def keep(self, mail: ReceivedMail) -> str:
        if self.failure is not None:
            raise self.failure
        await self.committed.wait()
        self.kept.append(mail)
        return f"number {len(self.kept)}"

    async def verify(self, email: str, password: str) -> str | None:
        return email.lower() if password == "right" else None

    @asynccontextmanager
    async def door(self, **options: object) -> AsyncIterator[int]:
        self.committed.set()
        door = Door(self.takes, self.keep, self.verify, lambda: NOW)
        given = {"host": "127.0.0.1", "port": 0, "hostname": "mail.firm.test", **options}
        async with serve(door, **given) as port:  # type: ignore[arg-type]
            yield port


class Line:
    """A raw SMTP client: it says exactly these octets and hears the replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def hear(self) -> str:
        """The last line of the next reply, '' when the door has hung up."""
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), 10)).decode()
            if line[3:4] != "-":
                return line.rstrip()

    async def say(self, octets: bytes | str) -> str:
        self.writer.write(
            octets
            if isinstance(octets, bytes)
            else octets.encode("utf-8", "surrogateescape") + b"\r\n"
        )
        return await self.hear()

    async def to_data(self) -> None:
        for command in ("EHLO x", "MAIL FROM:<a@clients.test>", f"RCPT TO:<{OFFICE}>"):
            assert (await self.say(command)).startswith("250")
        assert (await self.say("DATA")).startswith("354")


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    line = Line(reader, writer)
    try:
        assert (await line.hear()).startswith("220 mail.firm.test")
        yield line
    finally:
        writer.close()


async def with_smtplib(port: int, talk: Callable[[smtplib.SMTP], object]) -> None:
    def conversation() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
            talk(smtp)

    await asyncio.to_thread(conversation)


async def test_a_mail_arrives_octet_for_octet() -> None:
    firm = Firm()
    data = "Subject: ü\r\n\r\n.dot\r\n..two\r\nbare\nLF and bare\rCR\x00".encode() + b"\xff"
    async with firm.door(trusted=LOOPBACK) as port, raw(port) as line:
        await line.to_data()
        stuffed = data.replace(b"\r\n.", b"\r\n..")
        assert await line.say(stuffed + b"\r\n.\r\n") == "250 2.0.0 Kept as number 1"
        assert (await line.say("QUIT")).startswith("221")
    assert firm.kept == [
        ReceivedMail(
            peer="127.0.0.1",
            helo="x",
            envelope_from="a@clients.test",
            rcpt_tos=(OFFICE,),
            data=data + b"\r\n",
            authenticated_email=None,
            trusted_peer=True,
            received_at=NOW,
        )
    ]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b".\r\n", b""),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..x\r\n.\r\n", b".x\r\n"),
    ],
)
async def test_dots_at_the_beginning_are_undone(sent: bytes, kept: bytes) -> None:
    firm = Firm()
    async with firm.door() as port, raw(port) as line:
        await line.to_data()
        assert (await line.say(sent)).startswith("250")
    assert [mail.data for mail in firm.kept] == [kept]


async def test_the_null_sender_is_empty_and_several_mails_go_over_one_connection() -> None:
    firm = Firm()
    async with firm.door() as port, raw(port) as line:
        await line.say("EHLO x")
        ahead = f"MAIL FROM:<>\r\nRCPT TO:<{OFFICE}>\r\nDATA\r\n".encode()
        for _ in range(2):
            line.writer.write(ahead)
            assert [(await line.hear())[:3] for _ in range(3)] == ["250", "250", "354"]
            assert (await line.say(b"x\r\n.\r\nNOOP\r\n")).startswith("250 2.0.0")
            assert (await line.hear()).startswith("250")
    assert [mail.envelope_from for mail in firm.kept] == ["", ""]


@pytest.mark.parametrize("step", range(1, 6))
async def test_the_end_is_found_wherever_the_network_cuts_it(step: int) -> None:
    firm = Firm()
    async with firm.door() as port, raw(port) as line:
        await line.to_data()
        for at in range(0, 20, step):
            line.writer.write(b"x\r\n..\r\ny.\r\nz..\r\n.\r\n"[at : at + step])
            await line.writer.drain()
            await asyncio.sleep(0.002)
        assert (await line.hear()).startswith("250")
    assert firm.kept[0].data == b"x\r\n.\r\ny.\r\nz..\r\n"


SMUGGLED = b"MAIL FROM:<ceo@firm.test>\r\nRCPT TO:<office@firm.test>\r\nDATA\r\nforged\r\n.\r\n"


@pytest.mark.parametrize("before", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("after", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("apart", [False, True])
async def test_an_end_of_data_with_bare_line_breaks_is_refused_and_nothing_is_smuggled(
    before: bytes, after: bytes, apart: bool
) -> None:
    if before == after == b"\r\n":
        return
    firm = Firm()
    async with firm.door() as port, raw(port) as line:
        await line.to_data()
        line.writer.write(b"Subject: x\r\n\r\nhello" + before + b"." + after)
        if apart:
            await asyncio.sleep(0.05)
        line.writer.write(SMUGGLED + b"\r\n.\r\n")
        reply = await line.hear()
        assert reply.startswith("521 5.5.2 A bare CR or LF")
        assert await line.hear() == ""
    assert firm.kept == []


async def test_a_bare_dot_line_at_the_very_beginning_is_refused() -> None:
    firm = Firm()
    async with firm.door() as port, raw(port) as line:
        await line.to_data()
        assert (await line.say(b".\nforged\r\n.\r\n")).startswith("521")
    assert firm.kept == []


async def test_only_the_firms_addresses_are_taken_and_nothing_is_relayed() -> None:
    firm = Firm()
    async with firm.door() as port, raw(port) as line:
        await line.say("EHLO x")
        await line.say("MAIL FROM:<a@b.test>")
        for address in (
            "a@elsewhere.test",
            "office@firm.test@elsewhere.test",
            "office%x@firm.test",
        ):
            assert (await line.say(f"RCPT TO:<{address}>"))[:1] == "5"
        assert (await line.say(f"RCPT TO:<{OFFICE}>")).startswith("250")
        assert (await line.say("VRFY office@firm.test")).startswith("252")
        assert (await line.say("EXPN office")).startswith("502")


async def test_a_failure_to_keep_is_a_451_and_never_a_250() -> None:
    firm = Firm(failure=RuntimeError("the commit failed: secret detail"))
    async with firm.door() as port, raw(port) as line:
        await line.to_data()
        reply = await line.say(b"x\r\n.\r\n")
        assert reply == "451 4.3.0 Not kept because of a fault here, try again later"
        firm.failure = None
        await line.say("RSET")
        await line.to_data()
        assert (await line.say(b"x\r\n.\r\n")).startswith("250")
    assert len(firm.kept) == 1


async def test_what_takes_too_long_to_keep_is_a_451() -> None:
    firm = Firm()
    async with firm.door(limits=Limits(keeping=0.05)) as port, raw(port) as line:
        firm.committed.clear()
        await line.to_data()
        assert (await line.say(b"x\r\n.\r\n")).startswith("451")
    assert firm.kept == []


async def test_a_refusal_says_why_in_one_line() -> None:
    firm = Firm(failure=MailRefused(554, "No\r\n250 such thing"))
    async with firm.door() as port, raw(port) as line:
        await line.to_data()
        assert await line.say(b"x\r\n.\r\n") == "554 No??250 such thing"


async def test_the_250_comes_after_the_commit() -> None:
    firm = Firm()
    async with firm.door() as port, raw(port) as line:
        firm.committed.clear()
        await line.to_data()
        line.writer.write(b"x\r\n.\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.reader.readline(), 0.1)
        firm.committed.set()
        assert (await line.hear()).startswith("250")


async def test_size_is_announced_and_kept_to() -> None:
    firm = Firm()
    async with firm.door(limits=Limits(size=100_000)) as port, raw(port) as line:
        await line.say("EHLO x")
        assert (await line.say("MAIL FROM:<a@b.test> SIZE=100001")).startswith("552")
        await line.to_data()
        line.writer.write(b"x" * 99_998 + b"\r\n.\r\n")
        assert (await line.hear()).startswith("250")
        await line.to_data()
        line.writer.write(b"x" * 99_999 + b"\r\n.\r\n")
        assert (await line.hear()).startswith("552 5.3.4")
        await line.to_data()
        line.writer.write(b"xy\r\n" * 1_000_000 + b".\r\n")
        assert (await line.hear()).startswith("552 5.3.4")
        await line.to_data()
        assert (await line.say(b"small\r\n.\r\n")).startswith("250")
    assert [len(mail.data) for mail in firm.kept] == [100_000, 7]


async def test_40_mib_with_long_lines_are_taken_whole() -> None:
    firm = Firm()
    data = (b"x" * 9_998 + b"\r\n") * 4_000
    async with firm.door() as port:
        await with_smtplib(port, lambda smtp: smtp.sendmail("a@b.test", OFFICE, data))
    assert firm.kept[0].data == data


async def test_starttls_is_offered_and_the_state_before_it_forgotten() -> None:
    firm = Firm()
    trust = ssl._create_unverified_context()

    def talk(smtp: smtplib.SMTP) -> None:
        smtp.ehlo("before")
        assert not smtp.has_extn("auth")
        assert smtp.docmd("AUTH", "PLAIN x")[0] == 538
        smtp.starttls(context=trust)
        smtp.ehlo("after")
        smtp.login("Ann@firm.test", "right")
        smtp.sendmail("ann@firm.test", OFFICE, b"x")

    async with firm.door(tls=self_made_context("mail.firm.test")) as port:
        await with_smtplib(port, talk)
        async with raw(port) as line:
            await line.say("EHLO x")
            await line.say(b"STARTTLS\r\nMAIL FROM:<injected@evil.test>\r\n")
    assert [(mail.helo, mail.authenticated_email) for mail in firm.kept] == [
        ("after", "ann@firm.test")
    ]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_staff_sign_in_with_a_personal_token(mechanism: str) -> None:
    firm = Firm()

    def talk(smtp: smtplib.SMTP) -> None:
        smtp.ehlo()
        smtp.user, smtp.password = "ann@firm.test", "wrong"
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.auth(mechanism, getattr(smtp, f"auth_{mechanism.lower()}"))
        smtp.password = "right"
        assert smtp.auth(mechanism, getattr(smtp, f"auth_{mechanism.lower()}"))[0] == 235
        smtp.sendmail("ann@firm.test", OFFICE, b"x")

    async with firm.door(sign_in_without_tls=True) as port:
        await with_smtplib(port, talk)
    assert firm.kept[0].authenticated_email == "ann@firm.test"


@pytest.mark.parametrize(
    "given", ["", "=", "AGEAYg", "AAAA", "*", base64.b64encode(b"\0\xff\0x").decode()]
)
async def test_a_malformed_sign_in_authenticates_nobody(given: str) -> None:
    firm = Firm()
    async with firm.door(sign_in_without_tls=True) as port, raw(port) as line:
        await line.say("EHLO x")
        reply = await line.say(f"AUTH PLAIN {given}")
        if reply.startswith("334"):
            reply = await line.say("*")
        assert reply[:2] in ("50", "53")
        await line.to_data()
        await line.say(b"x\r\n.\r\n")
    assert firm.kept[0].authenticated_email is None


async def test_an_untrusted_peer_is_limited() -> None:
    firm = Firm()
    limits = Limits(connections=2, mails_a_minute=1, failed_sign_ins_a_minute=1)
    door = firm.door(limits=limits, sign_in_without_tls=True)
    async with door as port, raw(port) as line, raw(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await reader.read()).startswith(b"421 4.7.0 Too many connections")
        writer.close()
        await line.to_data()
        assert (await line.say(b"x\r\n.\r\n")).startswith("250")
        await line.to_data()
        assert (await line.say(b"x\r\n.\r\n")).startswith("451 4.7.1 Too many mails")
        wrong = base64.b64encode(b"\0a\0wrong").decode()
        assert (await line.say(f"AUTH PLAIN {wrong}")).startswith("535")
        assert (await line.say(f"AUTH PLAIN {wrong}")).startswith("421")
        assert await line.hear() == ""


async def test_a_trusted_peer_is_not_limited() -> None:
    firm = Firm()
    async with (
        firm.door(limits=Limits(connections=1, mails_a_minute=1), trusted=LOOPBACK) as port,
        raw(port),
        raw(port) as line,
    ):
        for _ in range(3):
            await line.to_data()
            assert (await line.say(b"x\r\n.\r\n")).startswith("250")
    assert len(firm.kept) == 3


async def test_too_many_recipients_are_told_to_come_again() -> None:
    firm = Firm()
    async with firm.door(limits=Limits(recipients=1)) as port, raw(port) as line:
        await line.say("EHLO x")
        await line.say("MAIL FROM:<a@b.test>")
        assert (await line.say(f"RCPT TO:<{OFFICE}>")).startswith("250")
        assert (await line.say(f"RCPT TO:<{OFFICE}>")).startswith("452")


async def test_a_connection_lost_in_data_keeps_nothing() -> None:
    firm = Firm()
    async with firm.door() as port:
        async with raw(port) as line:
            await line.to_data()
            line.writer.write(b"half a mail")
        await asyncio.sleep(0.05)
    assert firm.kept == []


@pytest.mark.parametrize(
    "command",
    [
        *("MAIL FROM:<", "MAIL FROM:<a@b>>", "MAIL FROM:<\udcff@b.test>", "MAIL FROM:" + "(" * 400),
        *("RCPT TO:<x@y>", "DATA", "x" * 70000, "AUTH", "AUTH X-\x00", "HELO", "\x00", "BDAT 5"),
    ],
)
async def test_a_malformed_command_is_refused_and_the_door_stays_open(command: str) -> None:
    firm = Firm()
    async with firm.door() as port, raw(port) as line:
        await line.say("EHLO x")
        assert (await line.say(command))[:1] in "45"
        await line.to_data()
        assert (await line.say(b"x\r\n.\r\n")).startswith("250")
