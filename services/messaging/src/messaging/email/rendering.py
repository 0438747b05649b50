"""From words to the octets of a mail (RFC 5322, 2045, 2047, 6532). The same mail gives the same
octets every time, and nothing in a name, an id or a subject can become a header of its own."""

import base64
import email.header
import hashlib
import html
import quopri
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal

import idna

LINE_LIMIT = 998  # RFC 5322 2.1.1, without CRLF
_CRLF = "\r\n"


class UnusableAddress(ValueError):
    """An address that no mail can be sent to, or that would break the envelope."""


@dataclass(frozen=True)
class Rows:
    """Facts of a letter, as label and value; an HTML reader sees a description list."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Quoted:
    """Somebody else's words, kept apart from ours."""

    text: str


Block = str | Rows | Quoted

Reading = Literal["usual", "plain", "large"]
"""In which form its reader wants a mail: `plain` has no HTML, `large` has it in large print."""


@dataclass(frozen=True)
class Calendar:
    """An event for the reader's calendar; `method` is the object's own METHOD (RFC 6047 2.4)."""

    method: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Enclosed:
    """A file that goes with a letter. The name is ours and plain."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """A display name and an address; either may come from outside, so both are cleaned."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Mail:
    """What goes to the mail server, fixed for ever once composed. An empty `envelope_from` is the
    null reverse-path `<>`."""

    message_id: str
    envelope_from: str
    recipient: str
    data: bytes


def render(
    *,
    message_id: str,
    date: datetime,
    sender: Mailbox,
    to: Mailbox,
    reply_to: Mailbox | None,
    subject: str,
    thread: Sequence[str],
    automatic: str | None,
    envelope_from: str,
    blocks: Sequence[Block],
    with_html: bool,
    reading: Reading = "usual",
    enclosed: Sequence[Enclosed] = (),
    calendar: Calendar | None = None,
) -> Mail:
    """One mail as octets. `thread` are the Message-IDs of what it answers, oldest first;
    `automatic` is the Auto-Submitted keyword (RFC 3834 5, RFC 5436), None for a person's words."""
    fields = [
        ("From", _mailbox(sender)),
        ("To", _mailbox(to)),
        *([("Reply-To", _mailbox(reply_to))] if reply_to else []),
        ("Subject", _subject(subject)),
        ("Date", format_datetime(date.astimezone(UTC))),
        ("Message-ID", message_id),
        *_threading(thread),
        *_automatic(automatic, sender.address),
        ("MIME-Version", "1.0"),
        ("Content-Language", "en"),
    ]
    head = _CRLF.join(f"{name}: {value}" for name, value in fields) + _CRLF
    with_html = reading == "large" or (with_html and reading != "plain")
    body = _body(blocks, message_id, subject, with_html, reading, calendar)
    if enclosed:
        body = _joined("mixed", "files" + message_id, [body, *(_file(one) for one in enclosed)])
    return Mail(
        message_id=message_id,
        envelope_from=envelope_from,
        recipient=usable_address(to.address),
        data=head.encode() + body,
    )


def usable_address(address: str) -> str:
    """The address with its domain as A-labels (IDNA 2008); the local part is left as it is, so a
    non-ASCII one needs SMTPUTF8. Raises UnusableAddress."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or len(local.encode()) > 64:
        raise UnusableAddress(f"not an address to send to: {address!r}")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as error:
        raise UnusableAddress(f"not a domain to send to: {address!r}") from error


_LOCAL_PART = re.compile(r"[^\s<>\"(),:;@\[\]\\\x00-\x20\x7f-\x9f]+")  # dot-atom, RFC 6532 included


def plain_text(blocks: Iterable[Block]) -> str:
    """The letter for a reader without HTML: paragraphs apart, each fact on a line of its own."""
    return "\n\n".join(_plain(block) for block in blocks) + "\n"


def html_text(blocks: Iterable[Block], title: str, reading: Reading = "usual") -> str:
    """The same letter as HTML without images, scripts, styles from outside or tracking."""
    inner = "\n".join(_html(block) for block in blocks)
    size = "1.6rem" if reading == "large" else "1rem"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n</head>\n"
        f'<body style="font-family: sans-serif; font-size: {size}; line-height: 1.5; '
        'max-width: 40rem">\n'
        f"{inner}\n</body>\n</html>\n"
    )


def one_line(text: str) -> str:
    """Text for a header or a table: no line ends, control characters or bidirectional overrides."""
    cleaned = "".join(" " if _is_unfit(c) else c for c in text)
    return " ".join(cleaned.split())


def _is_unfit(character: str) -> bool:
    category = unicodedata.category(character)
    return category in {"Cc", "Cs", "Zl", "Zp"} or character in _BIDI_OVERRIDES


_BIDI_OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _plain(block: Block) -> str:
    match block:
        case Rows(rows):
            return "\n".join(f"  {one_line(label)}: {one_line(value)}" for label, value in rows)
        case Quoted(text):
            return "\n".join(f"> {line}".rstrip() for line in _lines(text))
    return block


def _html(block: Block) -> str:
    match block:
        case Rows(rows):
            pairs = (
                f"<dt><strong>{html.escape(one_line(label))}</strong></dt>\n"
                f"<dd>{_linked(one_line(value))}</dd>"
                for label, value in rows
            )
            return "<dl>\n" + "\n".join(pairs) + "\n</dl>"
        case Quoted(text):
            quoted = "<br>\n".join(html.escape(line) for line in _lines(text))
            return f"<blockquote>\n{quoted}\n</blockquote>"
    return "<p>" + "<br>\n".join(_linked(line) for line in _lines(block)) + "</p>"


def _linked(text: str) -> str:
    """Escaped text in which addresses of mail and pages can be clicked; answering is then one tap
    on a phone."""
    return re.sub(
        r"(https?://[\w.:/~-]+)|[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        lambda m: f'<a href="{"" if m[1] else "mailto:"}{m[0]}">{m[0]}</a>',
        html.escape(text),
    )


def _body(
    blocks: Sequence[Block],
    message_id: str,
    title: str,
    with_html: bool,
    reading: Reading,
    calendar: Calendar | None,
) -> bytes:
    parts = [_part(plain_text(blocks), "plain")]
    if with_html:
        parts.append(_part(html_text(blocks, one_line(title), reading), "html"))
    if calendar:
        parts.append(_part(calendar.text, "calendar", f"; method={calendar.method}"))
    return _joined("alternative", message_id, parts) if len(parts) > 1 else parts[0]


def _joined(subtype: str, seed: str, parts: Sequence[bytes]) -> bytes:
    # Derived, not drawn: composing again must give the same octets.
    boundary = "=_" + hashlib.sha256(seed.encode()).hexdigest()[:40]
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"{_CRLF}{_CRLF}'
    joined = b"".join(f"--{boundary}{_CRLF}".encode() + part + _CRLF.encode() for part in parts)
    return head.encode() + joined + f"--{boundary}--{_CRLF}".encode()


def _file(enclosed: Enclosed) -> bytes:
    head = (
        f"Content-Type: {enclosed.media_type}{_CRLF}"
        f'Content-Disposition: attachment; filename="{enclosed.name}"{_CRLF}'
        f"Content-Transfer-Encoding: base64{_CRLF}{_CRLF}"
    )
    return head.encode() + base64.encodebytes(enclosed.content).replace(b"\n", b"\r\n")


def _part(text: str, subtype: str, more: str = "") -> bytes:
    lines = _lines(text)
    content = "\n".join(lines).encode("utf-8", "replace")
    is_plain = all(c in b"\t\n" or 32 <= c < 127 for c in content)
    if is_plain and all(len(line) <= LINE_LIMIT for line in lines):
        encoding, charset = "7bit", "us-ascii"
    else:
        encoding, charset = "quoted-printable", "utf-8"
        content = quopri.encodestring(content)
    head = (
        f"Content-Type: text/{subtype}; charset={charset}{more}{_CRLF}"
        f"Content-Transfer-Encoding: {encoding}{_CRLF}{_CRLF}"
    )
    return head.encode() + content.replace(b"\n", b"\r\n")


def _lines(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)


def _subject(value: str) -> str:
    """An unstructured field body, as encoded words where it must be (RFC 2047)."""
    cleaned = _shortened(value, 250)
    charset = "us-ascii" if _is_plain_word(cleaned) else "utf-8"
    return _folded(cleaned, charset, "Subject")


def _mailbox(mailbox: Mailbox) -> str:
    address = usable_address(mailbox.address)
    name = _shortened(mailbox.name, 120)
    if not name:
        return address
    if _is_plain_word(name):
        escaped = re.sub(r'(["\\])', r"\\\1", name)
        gap = " " if len(name) + len(address) < 60 else f"{_CRLF} "
        return f'"{escaped}"{gap}<{address}>'
    return f"{_folded(name, 'utf-8', 'Reply-To')}{_CRLF} <{address}>"


def _folded(text: str, charset: str, field: str) -> str:
    # One less than the 76 of a line: the library does not count the space that begins it, and an
    # encoded word may have 75 octets (RFC 2047 2).
    header = email.header.Header(text, charset, maxlinelen=75, header_name=field)
    return header.encode(linesep=_CRLF)


def _is_plain_word(text: str) -> bool:
    return text.isascii() and "=?" not in text  # what looks like an encoded word is encoded itself


def _shortened(text: str, limit: int) -> str:
    cleaned = one_line(text)
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def _threading(thread: Sequence[str]) -> list[tuple[str, str]]:
    known = [each for each in thread if _MESSAGE_ID.fullmatch(each)]
    ids = list(reversed(dict.fromkeys(reversed(known))))
    if not ids:
        return []
    return [("In-Reply-To", ids[-1]), ("References", f"{_CRLF} ".join(_trimmed(ids)))]


_MESSAGE_ID = re.compile(
    r"<[!-;=?-~]{1,200}>"
)  # visible ASCII; longer ones cannot be trusted to fold


def _trimmed(ids: list[str]) -> list[str]:
    """The first id and as many of the last as keep the whole field within one line's limit."""
    room = LINE_LIMIT - len("References: ") - len(ids[0])
    kept: list[str] = []
    for known in reversed(ids[1:]):
        room -= len(known) + 3
        if room < 0:
            break
        kept.insert(0, known)
    return [ids[0], *kept]


def _automatic(keyword: str | None, own_address: str) -> list[tuple[str, str]]:
    """What keeps other machines silent. No Precedence: RFC 3834 5 knows better, and filters file
    `bulk` away from the person who waits for it."""
    if keyword is None:
        return []
    return [
        ("Auto-Submitted", keyword),
        ("X-Auto-Response-Suppress", "All"),
        ("X-Loop", usable_address(own_address)),
    ]
