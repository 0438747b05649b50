"""Which mail carries which headers: what a machine says is marked so (RFC 3834) and leaves with a
null envelope sender; what a person says is not. A purpose is composed once, and what that gives is
kept and sent unchanged however often sending fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from messaging.email import texts
from messaging.email.rendering import (
    Block,
    Calendar,
    Enclosed,
    Mail,
    Mailbox,
    Reading,
    one_line,
    render,
)

NULL_SENDER = ""  # nothing automatic may be answered by a bounce (RFC 3834 3.3)


@dataclass(frozen=True, kw_only=True)
class Heading:
    """Its own Message-ID and fixed time, the firm's mailbox that it comes from, its reader, and
    the Message-IDs of what it answers, oldest first; and in which form they want to read it."""

    message_id: str
    date: datetime
    firm: Mailbox
    to: Mailbox
    thread: Sequence[str] = ()
    reading: Reading = "usual"


def acknowledgment(heading: Heading, blocks: Sequence[Block]) -> Mail:
    """The automatic answer to a client; the incoming subject is never repeated."""
    return _automatic(heading, "auto-replied", texts.CONSTANT_SUBJECT, blocks)


def constant_acknowledgment(heading: Heading) -> Mail:
    """For a sender of whom nothing is known: no names, no times, not even theirs."""
    nameless = Mailbox(name="", address=heading.firm.address)
    reader = Mailbox(name="", address=heading.to.address)
    bare = Heading(
        message_id=heading.message_id,
        date=heading.date,
        firm=nameless,
        to=reader,
        thread=heading.thread,
        reading=heading.reading,
    )
    return _automatic(bare, "auto-replied", texts.CONSTANT_SUBJECT, texts.CONSTANT)


def client_notice(heading: Heading, subject: str, blocks: Sequence[Block]) -> Mail:
    """What the firm's machine tells a client of itself, such as a delay."""
    return _automatic(heading, "auto-generated", f"Auto: {subject}", blocks)


def letter(
    heading: Heading, subject: str, blocks: Sequence[Block], *, calendar: Calendar | None = None
) -> Mail:
    """What the firm has its machine deliver: a link, a code, an invitation."""
    return _automatic(heading, "auto-generated", subject, blocks, calendar=calendar)


def staff_notice(
    heading: Heading, subject: str, blocks: Sequence[Block], *, reply_to: str | None, about: str
) -> Mail:
    """To a member of staff. A mail program's Reply goes to `reply_to`, shown as `about`."""
    answer = Mailbox(name=f"Answer to {about}", address=reply_to) if reply_to else None
    return _automatic(heading, "auto-generated", subject, blocks, reply_to=answer)


def person_to_client(
    heading: Heading,
    *,
    author: str,
    subject: str,
    text: str,
    envelope_from: str,
    enclosed: Sequence[Enclosed] = (),
) -> Mail:
    """A person's own words: no marks of a machine, no quoted history, and an envelope sender to
    which a bounce can come back. It comes from the firm's mailbox, so that the reply does too."""
    named = Mailbox(name=f"{author}, {heading.firm.name}", address=heading.firm.address)
    return render(
        message_id=heading.message_id,
        date=heading.date,
        sender=named,
        to=heading.to,
        reply_to=None,
        subject=answering(subject) if heading.thread else one_line(subject),
        thread=heading.thread,
        automatic=None,
        envelope_from=envelope_from,
        blocks=(text.strip(),),
        with_html=False,
        reading=heading.reading,
        enclosed=enclosed,
    )


def answering(subject: str) -> str:
    """The subject with one `Re: ` before it (RFC 5322 3.6.5)."""
    cleaned = one_line(subject)
    if cleaned[:3].lower() == "re:":
        cleaned = cleaned[3:].strip()
    return f"Re: {cleaned or 'your message'}"


def _automatic(
    heading: Heading,
    keyword: str,
    subject: str,
    blocks: Sequence[Block],
    *,
    reply_to: Mailbox | None = None,
    calendar: Calendar | None = None,
) -> Mail:
    return render(
        message_id=heading.message_id,
        date=heading.date,
        sender=heading.firm,
        to=heading.to,
        reply_to=reply_to,
        subject=subject,
        thread=heading.thread,
        automatic=keyword,
        envelope_from=NULL_SENDER,
        blocks=blocks,
        with_html=True,
        reading=heading.reading,
        calendar=calendar,
    )
