"""A client's mail program in miniature: send to the firm over SMTP, read a mailbox over IMAP."""

import imaplib
import mimetypes
import shlex
import smtplib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

from privity.errors import Trouble
from privity.stack import MAILBOX_PASSWORD, Stack


@dataclass(frozen=True)
class Letter:
    """What `privity mail` is asked to send."""

    sender: str
    to: str
    subject: str
    text: str
    urgent: bool = False
    in_reply_to: str | None = None
    files: Sequence[Path] = ()


@dataclass(frozen=True)
class Mail:
    """A mail as it lies in a mailbox; `text` is its plain part."""

    sender: str
    to: str
    subject: str
    date: str
    message_id: str
    in_reply_to: str | None
    references: str | None
    reply_to: str | None
    auto_submitted: str | None
    text: str
    attachments: list[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def compose(letter: Letter) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = letter.sender, letter.to, letter.subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=letter.sender.rpartition("@")[2].rstrip(">"))
    if letter.in_reply_to:
        message["In-Reply-To"] = message["References"] = letter.in_reply_to
    if letter.urgent:
        message["Importance"] = "high"
    message.set_content(letter.text + "\n")
    for path in letter.files:
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        message.add_attachment(path.read_bytes(), main, sub, filename=path.name)
    return message


def send(stack: Stack, message: EmailMessage, sign_in: tuple[str, str] | None = None) -> str:
    """Hand it to smtp_in; the server's last word. Raises Trouble with what it refused.

    `sign_in`, a user and a password, is what a member of staff's mail program would give (AUTH).
    """
    host, _, port = stack.ports.address("smtp_in").rpartition(":")
    try:
        with smtplib.SMTP(host, int(port), timeout=60) as smtp:
            smtp.ehlo_or_helo_if_needed()
            if sign_in:
                smtp.login(*sign_in)
            _expect(smtp.mail(_address(message["From"])), 250)
            _expect(smtp.rcpt(_address(message["To"])), 250)
            return _expect(smtp.data(message.as_bytes()), 250)
    except (smtplib.SMTPException, OSError) as error:
        raise Trouble(
            f"{host}:{port} did not take the mail: {error}",
            "See `privity status` and `privity logs messaging`.",
        ) from error


def _expect(reply: tuple[int, bytes], code: int) -> str:
    if reply[0] != code:
        raise smtplib.SMTPResponseException(reply[0], reply[1])
    return f"{reply[0]} {reply[1].decode(errors='replace')}"


def _address(header: Any) -> str:
    return str(header.addresses[0].addr_spec)


def curl(stack: Stack, letter: Letter, message: EmailMessage) -> str:
    """A shell line that sends the like of it: a mail of its own, with its own id and date."""
    words = ["curl", "-sS", f"smtp://{stack.ports.address('smtp_in')}"]
    words += ["--mail-from", _address(message["From"]), "--mail-rcpt", _address(message["To"])]
    kept = ("From", "To", "Subject", "In-Reply-To", "References", "Importance")
    words += [w for name in kept if name in message for w in ("-H", f"{name}: {message[name]}")]
    quoted = letter.text.replace("\\", "\\\\").replace('"', '\\"')
    words += ["-F", f'="{quoted}";type=text/plain;charset=utf-8']
    words += [w for path in letter.files for w in ("-F", f"=@{path};encoder=base64")]
    domain = _address(message["From"]).rpartition("@")[2]
    fresh = f'-H "Date: $(date -R)" -H "Message-ID: <$(date +%s.%N)@{domain}>"'
    return f"{shlex.join(words)} {fresh}"


def inbox(stack: Stack, address: str) -> list[Mail]:
    """Newest first. Raises Trouble when the mail server does not answer."""
    host, _, port = stack.ports.address("imap").rpartition(":")
    try:
        with imaplib.IMAP4(host, int(port), timeout=30) as imap:
            imap.login(address.lower(), MAILBOX_PASSWORD)
            imap.select(readonly=True)
            return [_mail(raw) for raw in _raw_mails(imap)][::-1]
    except (imaplib.IMAP4.error, OSError) as error:
        raise Trouble(
            f"{host}:{port} did not show the mailbox of {address}: {error}",
            "See `privity status`; the local mail server starts with `make run`.",
        ) from error


def _raw_mails(imap: imaplib.IMAP4) -> Iterator[bytes]:
    found = imap.search(None, "ALL")[1][0].split()
    for number in found:
        for piece in imap.fetch(number, "(BODY.PEEK[])")[1]:
            if isinstance(piece, tuple):
                yield piece[1]


def _mail(raw: bytes) -> Mail:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain", "html"))
    return Mail(
        sender=str(message["From"]),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        date=str(message["Date"]),
        message_id=str(message["Message-ID"]),
        in_reply_to=_said(message, "In-Reply-To"),
        references=_said(message, "References"),
        reply_to=_said(message, "Reply-To"),
        auto_submitted=_said(message, "Auto-Submitted"),
        text=body.get_content().replace("\r\n", "\n").strip() if body else "",
        attachments=[part.get_filename() or "unnamed" for part in message.iter_attachments()],
    )


def _said(message: EmailMessage, name: str) -> str | None:
    return str(message[name]) if name in message else None
