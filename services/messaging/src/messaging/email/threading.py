"""Whose mail it is and which conversation it joins, decided from looked-up facts alone.

The order of looking is facts.md §4; the decision is events.md "Whose mail it is". A subject alone
never joins, and no thread, number or token lets in a sender who does not belong to it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from messaging.email.parsing import ParsedMail

_PREFIX = re.compile(
    r"\s*(?:(?:re|fwd?|aw|wg|sv|vs|vb|antw|doorst|tr|ref|rif|odp|ynt|r|i|enc|rv|回复|转发)"
    r"(?:\[\d+\])?\s*[:：]|\[(?:ext|extern|external)\]|auto:)",
    re.IGNORECASE,
)


class Because(StrEnum):
    """Why a mail waits in triage: the reasons of MessageQuarantined."""

    UNKNOWN_SENDER = "unknown-sender"
    AMBIGUOUS_SENDER = "ambiguous-sender"
    STAFF_NOT_AUTHENTICATED = "staff-not-authenticated"
    REPLY_NOT_AUTHENTICATED = "reply-not-authenticated"


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation that a Message-ID or an address of ours leads to."""

    conversation_id: UUID
    client_id: UUID | None
    matter_id: UUID | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    matter_id: UUID
    clients: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the directory and the conversations know of a mail.

    `clients` are all who have the sender's address; `firms_own` says that it is a mailbox of staff
    or firm. `authenticated` says that the sender proved to be that member of staff, `reply_to` is
    the thread of the signed address it came to, if it was signed for them. `threads` are by
    Message-ID, `numbered` the matters whose number the subject may name, by that number.
    """

    clients: tuple[UUID, ...] = ()
    firms_own: bool = False
    authenticated: bool = False
    reply_to: Thread | None = None
    threads: Mapping[str, Thread] = field(default_factory=dict)
    numbered: Mapping[str, Matter] = field(default_factory=dict)
    open_matters: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """A known client's mail in a conversation of theirs."""

    client_id: UUID
    thread: Thread


@dataclass(frozen=True, slots=True)
class Begin:
    """A known client's mail that begins a conversation; without a matter it still runs clocks."""

    client_id: UUID
    matter_id: UUID | None


@dataclass(frozen=True, slots=True)
class StaffReply:
    """An authenticated answer, question or acknowledgment through a signed reply address."""

    thread: Thread


@dataclass(frozen=True, slots=True)
class Quarantine:
    reason: Because


def whose(mail: ParsedMail, facts: Facts) -> Join | Begin | StaffReply | Quarantine:
    if mail.sender is None:
        return Quarantine(Because.UNKNOWN_SENDER)
    if facts.firms_own:
        return _of_the_firm(facts)
    if len(facts.clients) != 1:
        return Quarantine(Because.AMBIGUOUS_SENDER if facts.clients else Because.UNKNOWN_SENDER)
    (client_id,) = facts.clients
    thread = _thread(mail, facts, client_id)
    if thread is not None:
        return Join(client_id, thread)
    return Begin(client_id, _matter(mail, facts, client_id))


def anchors(mail: ParsedMail) -> tuple[str, ...]:
    """The Message-IDs to look up, in the order in which they count, each once."""
    replied = (mail.in_reply_to,) if mail.in_reply_to else ()
    return tuple(dict.fromkeys(replied + mail.references[::-1]))


def numbers_in(subject: str) -> tuple[str, ...]:
    """What in a subject could be the number of a matter: words with a digit in them."""
    words = re.findall(r"\w[\w/.-]*\w", subject)[:50]
    spelt = [word for word in words if any(letter.isdigit() for letter in word)]
    return tuple(dict.fromkeys(form for word in spelt for form in (word, word.upper())))


def normal_subject(subject: str) -> str:
    """Without the marks that programs put before it when they answer or forward."""
    while prefix := _PREFIX.match(subject):
        subject = subject[prefix.end() :]
    return " ".join(subject.split()).casefold()


def _of_the_firm(facts: Facts) -> StaffReply | Quarantine:
    if not facts.authenticated:
        return Quarantine(Because.STAFF_NOT_AUTHENTICATED)
    if facts.reply_to is None:
        return Quarantine(Because.REPLY_NOT_AUTHENTICATED)
    return StaffReply(facts.reply_to)


def _thread(mail: ParsedMail, facts: Facts, client_id: UUID) -> Thread | None:
    """The first anchor that leads to a conversation of this client."""
    for anchor in anchors(mail):
        thread = facts.threads.get(anchor)
        if thread is None or thread.client_id != client_id:
            continue
        # People begin a new topic by answering an old mail; then only References tells of it.
        if anchor == mail.in_reply_to or _same_topic(mail, thread):
            return thread
    return None


def _same_topic(mail: ParsedMail, thread: Thread) -> bool:
    return normal_subject(mail.subject) == normal_subject(thread.subject)


def _matter(mail: ParsedMail, facts: Facts, client_id: UUID) -> UUID | None:
    for number, matter in facts.numbered.items():
        if client_id in matter.clients and _names(mail.subject, number):
            return matter.matter_id
    return facts.open_matters[0] if len(facts.open_matters) == 1 else None


def _names(subject: str, number: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(number)}(?![\w-])", subject, re.IGNORECASE))
