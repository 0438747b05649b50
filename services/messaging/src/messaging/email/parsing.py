"""A mail's bytes as facts. Any bytes can be read; what was wrong with them is listed, never raised.

The original stays the evidence. What stands here is a reading of it, the same for the same bytes.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from messaging.email.html import sanitised, text_in
from messaging.email.mime import Defects, Part, decoded, split, text_of, values
from messaging.email.quoting import reply_of

BODY_LIMIT = 256 * 1024
SUBJECT_LIMIT = 998
MAX_ADDRESSES = 500
MAX_REFERENCES = 100

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,996}>")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ADDRESS = re.compile(r"[^\s<>@,;:()\[\]\"]+@[^\s<>@,;:()\[\]\"]+")
_QUOTED_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)')

# Whether a machine sent it or may answer it (RFC 3834), and how urgent its sender calls it.
_KEPT_HEADER = re.compile(
    r"auto-submitted|precedence|x-auto-response-suppress|x-auto(?:reply|respond|responder|reply-from)"
    r"|x-loop|return-path|list-[a-z-]+|content-type|x-spam-(?:flag|status)|authentication-results"
    r"|importance|priority|x-priority|x-msmail-priority|sender"
)


@dataclass(frozen=True, slots=True)
class Address:
    """`address` in lower case: no mailbox that we meet tells cases apart."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A view into the original; `octets_of(raw, index)` gives its `size` octets."""

    index: int
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """`sender` is None where From names nobody or several: such a mail is a stranger's.

    `text` is the whole readable body, `reply` the same without quoted history, `html` a harmless
    copy ('' if there is none). `headers` are those of RFC 3834, in order, names in lower case.
    `date` is what the sender claims, in UTC; `urgent` is the sender's word too.
    """

    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    sender: Address | None
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    date: datetime | None
    text: str
    reply: str
    html: str
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]
    calendar_method: str | None
    urgent: bool
    defects: tuple[str, ...]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


def parse(raw: bytes) -> ParsedMail:
    """Reads a mail; never raises. Parts are described in messaging.email.mime."""
    defects = Defects()
    root = split(raw, defects)
    text, html = _body(raw, root, defects)
    headers = _kept_headers(root.headers)
    return ParsedMail(
        message_id=_message_id(root.headers, defects),
        in_reply_to=next(iter(_ids(root.headers, "in-reply-to")), None),
        references=_ids(root.headers, "references")[-MAX_REFERENCES:],
        sender=_sender(root.headers, defects),
        reply_to=_addresses(root.headers, "reply-to", defects),
        to=_addresses(root.headers, "to", defects),
        cc=_addresses(root.headers, "cc", defects),
        subject=_decoded_words(_first(root.headers, "subject"), defects)[:SUBJECT_LIMIT],
        date=_date(root.headers, defects),
        text=text,
        reply=reply_of(text),
        html=html,
        attachments=tuple(_attachments(raw, root, defects)),
        headers=headers,
        calendar_method=_calendar_method(root),
        urgent=_is_urgent(headers),
        defects=tuple(defects),
    )


def octets_of(raw: bytes, index: int) -> bytes:
    """The attachment with this index, decoded. KeyError if the mail has no such part."""
    return dict(parts_of(raw, {index}))[index]


def parts_of(raw: bytes, indexes: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """(index, decoded octets) of these parts, one after the other."""
    defects = Defects()
    for part in split(raw, defects).leaves():
        if part.index in indexes:
            yield part.index, decoded(raw, part, defects)


def normal_address(address: str) -> str:
    return address.strip().lower()


def _first(headers: Message, name: str) -> str:
    return next(iter(values(headers, name)), "")


def _one_line(text: str) -> str:
    """No decoded word can break a line: nothing read from a header can become another header."""
    return _CONTROLS.sub(" ", text).strip()


def _decoded_words(value: str, defects: Defects) -> str:
    """RFC 2047 words decoded, controls removed; as it stands where it cannot be decoded."""
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        defects.note("damaged-encoded-word")
        return _one_line(value)
    texts = [
        text_of(piece, charset or "utf-8", defects) if isinstance(piece, bytes) else piece
        for piece, charset in pieces
    ]
    return _one_line("".join(texts))


def _message_id(headers: Message, defects: Defects) -> str | None:
    found = [found for value in values(headers, "message-id") for found in _id_list(value)]
    if len(found) != 1:
        defects.note("several-message-ids" if found else "no-message-id")
    return found[0] if found else None


def _ids(headers: Message, name: str) -> tuple[str, ...]:
    return tuple(_id_list(" ".join(values(headers, name))))


def _id_list(value: str) -> list[str]:
    return _MESSAGE_ID.findall(_CONTROLS.sub(" ", value))


def _sender(headers: Message, defects: Defects) -> Address | None:
    """The one author. Anything that two readers could read differently is nobody."""
    lines = values(headers, "from")
    if not lines:
        defects.note("no-from")
        return None
    plain = _QUOTED_OR_COMMENT.sub(" ", lines[0])
    claimed = {normal_address(found) for found in _ADDRESS.findall(plain)}
    read = _address_list(lines[:1], defects)
    if len(lines) > 1 or len(read) != 1 or claimed != {read[0].address}:
        defects.note("ambiguous-from")
        return None
    return read[0]


def _addresses(headers: Message, name: str, defects: Defects) -> tuple[Address, ...]:
    return tuple(_address_list(values(headers, name), defects))


def _address_list(lines: Iterable[str], defects: Defects) -> list[Address]:
    try:
        pairs = getaddresses([line[:65536] for line in lines])
    except (RecursionError, ValueError, IndexError):
        defects.note("unreadable-address")
        return []
    return [
        Address(normal_address(_one_line(address)), _decoded_words(name, defects)[:200])
        for name, address in pairs[:MAX_ADDRESSES]
        if _ADDRESS.fullmatch(_one_line(address))
    ]


def _date(headers: Message, defects: Defects) -> datetime | None:
    value = _first(headers, "date")[:200]
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        defects.note("no-date" if not value else "unreadable-date")
        return None


def _kept_headers(headers: Message) -> tuple[tuple[str, str], ...]:
    return tuple(
        (key.lower(), _one_line(value)[:998])
        for key in dict.fromkeys(key.lower() for key in headers)
        if _KEPT_HEADER.fullmatch(key)
        for value in values(headers, key)[:20]
    )


def _is_urgent(headers: tuple[tuple[str, str], ...]) -> bool:
    said = {key: value.lower() for key, value in reversed(headers)}
    return (
        said.get("importance") == "high"
        or said.get("priority") == "urgent"
        or said.get("x-msmail-priority") == "high"
        or said.get("x-priority", "")[:1] in ("1", "2")
    )


def _calendar_method(root: Part) -> str | None:
    for part in root.leaves():
        if part.media_type == "text/calendar":
            return (part.parameter("method") or "PUBLISH").upper()[:40]
    return None


def _is_text(part: Part) -> bool:
    return (
        part.media_type in ("text/plain", "text/html")
        and part.disposition != "attachment"
        and _file_name(part) is None
    )


def _file_name(part: Part) -> str | None:
    return part.parameter("filename", "content-disposition") or part.parameter("name")


def _attachments(raw: bytes, root: Part, defects: Defects) -> Iterable[Attachment]:
    for part in root.leaves():
        if not _is_text(part):
            named = _decoded_words(_file_name(part) or "", defects)
            name = re.sub(r"[/\\]", "_", named)[:200] or f"attachment-{part.index}"
            size = len(decoded(raw, part, defects))
            yield Attachment(part.index, name, part.media_type, size)


def _body(raw: bytes, root: Part, defects: Defects) -> tuple[str, str]:
    text, html = _readable(raw, root, defects)
    clean = sanitised(html) if html else ""
    if clean is None:
        defects.note("html-not-shown")
    if len(text) > BODY_LIMIT:
        defects.note("text-cut-short")
    return text[:BODY_LIMIT], clean or ""


def _readable(raw: bytes, part: Part, defects: Defects) -> tuple[str, str]:
    """(text, html) of a part: in an alternative the plain text first, elsewhere all in order."""
    if not part.parts:
        return _readable_leaf(raw, part, defects)
    read = [_readable(raw, child, defects) for child in part.parts]
    texts = [text for text, _ in read if text.strip()]
    html = next((html for _, html in reversed(read) if html), "")
    if part.media_type == "multipart/alternative":
        plain = [text for text, html in read if text.strip() and not html]
        return (plain or texts or [""])[0], html
    return "\n".join(texts), "\n".join(html for _, html in read if html)


def _readable_leaf(raw: bytes, part: Part, defects: Defects) -> tuple[str, str]:
    if not _is_text(part):
        return "", ""
    octets = decoded(raw, part, defects)[: 4 * BODY_LIMIT]
    text = text_of(octets, part.parameter("charset") or "us-ascii", defects)
    if part.media_type == "text/html":
        return text_in(text), text
    return text.replace("\r\n", "\n"), ""
