"""What a lawyer reads in their own mailbox: who waits, for what, until when, and how to answer from
there. The client's words are in it only where the firm's policy allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from messaging.email.rendering import Block, Quoted, Rows
from messaging.email.texts import Promise, moment, not_counted

Owed = Literal["answer", "acknowledgment"]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A client's message as staff need it; `matter` is None until it is filed to one, `promise`
    until a response clock is known, `acknowledge_by` where somebody or something did, and `covered`
    whose absence it is."""

    client: str
    client_address: str
    channel: str
    matter: str | None
    received_at: datetime
    promise: Promise | None
    acknowledge_by: datetime | None = None
    urgent: bool = False
    language: str = "en"
    covered: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReplyTo:
    """The three signed addresses; the first is the Reply-To of the notice."""

    answer: str
    question: str
    acknowledge: str


def subject_line(waiting: Waiting, zone: ZoneInfo, *, mark: str = "") -> str:
    """`Urgent: Clara Client waits for an answer, due Mon 13 Jul 16:30 (2026-0042 Title)`."""
    marks = [each for each in (mark, "Urgent" if waiting.urgent else "") if each]
    about = f" ({waiting.matter})" if waiting.matter else ""
    due = waiting.promise.target_at.astimezone(zone) if waiting.promise else None
    when = f", due {due:%a} {due.day} {due:%b %H:%M}" if due else ""
    return (
        "".join(f"{each}: " for each in marks)
        + f"{waiting.client} waits for an answer{when}{about}"
    )


def notice(
    *,
    waiting: Waiting,
    reply_to: ReplyTo,
    zone: ZoneInfo,
    body: str | None,
    attachments: Sequence[str] = (),
    for_information: str | None = None,
) -> tuple[Block, ...]:
    """The message's arrival. `for_information` names the point of contact when this copy goes to
    their supervisor; `body` is None when the policy keeps it out of mailboxes."""
    return (
        f"{waiting.client} has written to the firm by {waiting.channel}. {_whose(for_information)}",
        Rows(_facts(waiting, zone)),
        *_words(body, attachments),
        f"Reply to this email and your words go to {waiting.client}, on the record, and stop the "
        "response clock. Or write to the address that fits:",
        _ways(reply_to),
        "These addresses are yours alone, and only mail sent with your own sign-in is accepted.",
    )


def manual_acknowledgment(
    *, waiting: Waiting, reply_to: ReplyTo, zone: ZoneInfo, rule: str
) -> tuple[Block, ...]:
    """The task that takes the place of an automatic acknowledgment which was not allowed."""
    return (
        f"{waiting.client} has written and was not acknowledged automatically (rule: {rule}). "
        "Please do it yourself: a line that says you have the message and when you will answer.",
        Rows(_facts(waiting, zone)),
        "Write to the address that fits; a full answer acknowledges as well:",
        _ways(reply_to),
    )


def reminder(
    lead: str, *, waiting: Waiting, reply_to: ReplyTo, zone: ZoneInfo
) -> tuple[Block, ...]:
    """A warning, a breach or an escalation: what happened first, then the facts and the ways."""
    return (
        lead,
        Rows(_facts(waiting, zone)),
        f"Reply to this email and your words go to {waiting.client}. Or write to the address that "
        "fits:",
        _ways(reply_to),
    )


def prefers(client: str, way: str, subject: str) -> tuple[Block, ...]:
    """To the point of contact: the machine wrote, and the client wishes for another way."""
    how = {"letter": "by letter", "in_person": "in person", "meeting": "in a meeting"}
    return (
        f"{client} was just written to by mail (“{subject}”) and would rather hear such things "
        f"{how.get(way, 'by ' + way)}. Please do that as well, and enter it: a call or a letter is "
        "on the record only when somebody notes it.",
    )


def near(client: str, owed: Owed) -> str:
    return (
        f"{client} still waits for an {owed}, and the promised time is near. If it will take "
        "longer, say so now: why, and until when."
    )


def target_passed(client: str, owed: Owed, *, client_told: bool) -> str:
    told = f"{client} has been told" if client_told else f"Please tell {client}"
    return (
        f"The time by which the firm aimed to give {client} an {owed} has passed. {told} that it "
        "takes longer. The latest time still stands."
    )


def broken(client: str, owed: Owed, due_at: datetime, zone: ZoneInfo) -> str:
    return (
        f"The firm's promise to {client} was not kept: no {owed} by {moment(due_at, zone)}. This "
        "is on the record. Please write now."
    )


def raised(client: str, owed: Owed, contact: str, step: int) -> str:
    return (
        f"{client} still has no {owed} from {contact}, and it now comes to you (step {step} of the "
        "firm's ladder). Please answer, or see that it is done."
    )


def triage(
    lead: str, *, received_at: datetime, due_at: datetime, zone: ZoneInfo
) -> tuple[Block, ...]:
    """A message that no client could be found for. It says nothing of the sender: that waits,
    sealed, in the triage queue."""
    return (
        lead,
        Rows((("Arrived", moment(received_at, zone)), ("File it by", moment(due_at, zone)))),
        "Please file it to a client or a matter, with your reason. Nothing was said to its sender.",
    )


def undeliverable(what: str, address: str, reply: str) -> tuple[Block, ...]:
    """A mail of the firm that another server refused for good."""
    return (
        f"{what} could not be delivered. Please reach them another way, and correct the address.",
        Rows((("Address", address), ("What their server said", reply))),
    )


def _facts(waiting: Waiting, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    rows = [
        ("Client", f"{waiting.client} <{waiting.client_address}>"),
        ("Matter", waiting.matter or "not filed to one yet"),
        ("Arrived", moment(waiting.received_at, zone)),
    ]
    if waiting.language.partition("-")[0] != "en":
        rows.append(("Prefers to read", waiting.language))
    if waiting.covered:
        rows.append(("Point of contact", waiting.covered))
    if waiting.acknowledge_by:
        rows.append(("Acknowledge by", moment(waiting.acknowledge_by, zone)))
    if promise := waiting.promise:
        rows.append(("Answer due", moment(promise.target_at, zone)))
        rows.append(("At the latest", moment(promise.limit_at, zone)))
        if promise.skipped:
            rows.append(("Not counted", not_counted(promise.skipped)))
    return tuple(rows)


def _ways(reply_to: ReplyTo) -> Rows:
    return Rows(
        (
            ("Answer (meets the clock)", reply_to.answer),
            ("Ask something back (pauses the clock)", reply_to.question),
            ("Acknowledge only (the clock runs on)", reply_to.acknowledge),
        )
    )


def _whose(for_information: str | None) -> str:
    if for_information is None:
        return "You are the point of contact."
    return f"It is urgent: {for_information}, the point of contact, was told at the same time."


def _words(body: str | None, attachments: Sequence[str]) -> tuple[Block, ...]:
    if body is None:
        return ("The message itself stays in the platform, as the firm's policy says.",)
    files = (Rows(tuple(("Attached", name) for name in attachments)),) if attachments else ()
    return ("The message:", Quoted(body.strip()), *files)
