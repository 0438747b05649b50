"""Whatever the platform sends arrives, unaltered, also mail that must not be answered."""

import imaplib
import smtplib

from privity.stack import Stack


def deliver(stack: Stack, sender: str, recipients: list[str], mail: bytes) -> None:
    host, _, port = stack.ports.address("smtp").rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=20) as smtp:
        assert smtp.sendmail(sender, recipients, mail) == {}


def raw_mails(stack: Stack, address: str) -> list[bytes]:
    host, _, port = stack.ports.address("imap").rpartition(":")
    with imaplib.IMAP4(host, int(port), timeout=20) as imap:
        imap.login(address, "any password")
        count = int(imap.select()[1][0] or 0)
        found = [imap.fetch(str(n + 1), "(BODY.PEEK[])")[1][0] for n in range(count)]
    return [piece[1] for piece in found if isinstance(piece, tuple)]


def test_mail_from_the_null_sender_is_delivered_byte_for_byte(mail_server: Stack) -> None:
    mail = "Subject: Auto: Grüße\r\n\r\n.a dot\r\n ünd  spaces \r\n".encode()
    deliver(mail_server, "", ["ann@clients.test"], mail)
    (raw,) = raw_mails(mail_server, "ann@clients.test")
    assert raw.startswith(b"Return-Path: <>\r\n")
    assert raw.endswith(mail)


def test_every_recipient_has_it_in_a_mailbox_of_their_own(mail_server: Stack) -> None:
    deliver(
        mail_server, "office@firm.test", ["Carl@Clients.test", "dora@clients.test"], b"Hello\r\n"
    )
    assert len(raw_mails(mail_server, "carl@clients.test")) == 1
    assert len(raw_mails(mail_server, "dora@clients.test")) == 1
