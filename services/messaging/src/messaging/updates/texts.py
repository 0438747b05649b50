"""The words about what is owed in a matter: to members of staff, and to clients whose point of
contact changes or whose decision is waited for."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from messaging.email.rendering import Block, Rows
from messaging.email.texts import moment
from shared.contracts.matters import Jointly

HANDOVER_SUBJECT = "Your point of contact"
OF_NO_MATTER = "About us and you"
DECISION_SUBJECT = "Your decision is needed"
ANSWER_SUBJECT = "Your question"
OUTCOMES: dict[Jointly | None, str] = {
    None: "Decided",
    "waiting": "One of the clients answered",
    "agreed": "All clients decided alike",
    "divided": "The clients' answers differ",
}


def silent(client: str, matter: str, due_at: datetime, zone: ZoneInfo) -> tuple[Block, ...]:
    """Time is passing: the client is to hear, though there be no news."""
    return (
        f"{client} is to hear how the matter stands. No news is an update too: say what is waited "
        "for, and when they hear next.",
        Rows((("Matter", matter), ("At the latest", moment(due_at, zone)))),
        "A draft is a click away in the matter; a call counts when its note is entered.",
    )


def broken(client: str, matter: str, due_at: datetime, zone: ZoneInfo) -> tuple[Block, ...]:
    return (
        f"The firm's promise to {client} was not kept: nobody told them of their matter in time. "
        "This is on the record. Please call or write now.",
        Rows((("Matter", matter), ("Was due", moment(due_at, zone)))),
    )


def undecided(client: str, matter: str, due_at: datetime, zone: ZoneInfo) -> tuple[Block, ...]:
    return (
        f"{client} has not decided what they were asked, and the time to reply is over. Please "
        "speak to them before anything is done or left undone.",
        Rows((("Matter", matter), ("Reply was asked by", moment(due_at, zone)))),
    )


def question(client: str, matter: str, about: str, words: str | None) -> tuple[Block, ...]:
    """To who must answer what the client asked in the portal."""
    return (
        f"{client} asks about {about}, and is owed an answer.",
        Rows((("Matter", matter),)),
        *((words,) if words else ()),
        "Answer in the matter, among its questions: the client gets your words by mail at once.",
    )


def answer(client: str, words: str) -> str:
    return f"Dear {client},\n\nyou asked us something about your matter.\n\n{words}"


def decided(client: str, matter: str, option: str, jointly: Jointly | None) -> tuple[Block, ...]:
    """To who put the decision."""
    what = {
        None: "The decision stands in the matter with their own words, if they added any.",
        "waiting": "Nothing is decided before the other clients of the matter have answered too.",
        "agreed": "All clients of the matter have answered alike: that is their decision.",
        "divided": (
            "The answers of the clients of this matter differ, so nothing is decided. Speak with"
            " all of them before anything is done; if they cannot agree, ask yourself whether you"
            " may go on for each of them (Model Rule 1.7, comments 29 to 33)."
        ),
    }
    said = f"{client} has answered: {option}."
    return (said, Rows((("Matter", matter),)), what[jointly])


def asked_how_it_stands(client: str, matter: str) -> tuple[Block, ...]:
    return (
        f"{client} asks how their matter stands. No news is an update too.",
        Rows((("Matter", matter),)),
        "A draft is a click away in the matter; a call counts when its note is entered.",
    )


def unanswered(client: str, matter: str, due_at: datetime, zone: ZoneInfo) -> tuple[Block, ...]:
    """Time is passing, or has passed, and the client's question has no answer."""
    return (
        f"{client} asked about a decision or the strategy of their matter, and is owed an answer.",
        Rows((("Matter", matter), ("Answer by", moment(due_at, zone)))),
        "Answer in the matter, among its questions: the client gets your words by mail at once.",
    )


def deadline_subject(days: int, matter: str) -> str:
    return f"{_days(days)} to a deadline in {matter}"


def deadline(
    title: str, client: str, matter: str, due_at: datetime, days: int, zone: ZoneInfo
) -> tuple[Block, ...]:
    """To who must act: a step before what is to be done or will take place."""
    return (
        f"{_days(days).capitalize()} before it is due: {title}.",
        Rows((("Client", client), ("Matter", matter), ("Due", moment(due_at, zone)))),
        "If it was moved or called off, say so in the matter: then nobody is reminded of it again.",
    )


def _days(count: int) -> str:
    return "one working day" if count == 1 else f"{count} working days"


def handover(
    client: str, before: str, after: str, matter: str | None, from_at: datetime, zone: ZoneInfo
) -> tuple[Block, ...]:
    """To the client: who answers them from when on. Nothing that they have to do."""
    what = f"in “{matter}”" if matter else "at our firm"
    return (
        f"Dear {client},",
        f"from {moment(from_at, zone)} on, {after} is your point of contact {what}, in place of "
        f"{before}. {after} has your file and everything that was said so far.",
        "There is nothing you have to do: write and call as before, and your messages reach "
        f"{after}.",
    )


def decision(
    client: str,
    question: str,
    options: Sequence[tuple[str, str, str]],
    recommendation: str,
    reply_by: str,
    in_writing: bool,
) -> str:
    """The question as it is put to the client: each choice with its key and what it would mean."""
    choices = [
        f"{key}: {text}\nWhat it would mean: {consequences}" for key, text, consequences in options
    ]
    how = (
        "This decision has to be in writing: answer in the portal, or reply to this message with "
        "the word of your choice."
        if in_writing
        else "Answer in the portal, reply to this message, or call me."
    )
    parts = [
        f"Dear {client},",
        f"I need a decision from you by {reply_by}.",
        question,
        *choices,
        f"What I recommend: {recommendation}",
        f"{how} The decision is yours alone. If anything is unclear, ask before you decide.",
    ]
    return "\n\n".join(parts)


def decide_by(client: str, matter: str, due_at: datetime, zone: ZoneInfo) -> tuple[Block, ...]:
    """To the client: a reminder, without the question, which stays where it was put to them."""
    return (
        f"Dear {client},",
        f"we still need a decision from you in “{matter}”, by {moment(due_at, zone)}. You find the "
        "question, the choices and what each means in our earlier message and in the portal.",
        "If you are not sure, call us: talking it over is part of our work.",
    )
