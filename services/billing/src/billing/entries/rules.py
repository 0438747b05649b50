"""What may be billed, when work began, and which narratives a reader would question. Pure."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

TERMS_NOT_DISCLOSED = "terms-not-disclosed"
TERMS_NOT_ACCEPTED = "terms-not-accepted"
BEFORE_ACCEPTANCE = "worked-before-acceptance"
START_NEEDED = "start-time-needed"
EXPENSE_NOT_CHARGED = "expenses-are-the-firms"
NO_RATE = "no-rate-agreed"

EXPLAINED = {
    TERMS_NOT_DISCLOSED: "No fee terms were explained to the client yet.",
    TERMS_NOT_ACCEPTED: "The client has not accepted the fee terms yet.",
    BEFORE_ACCEPTANCE: "It was worked before the client accepted the fee terms: the client may"
    " accept exactly this entry, or a partner record an emergency.",
    START_NEEDED: "Terms were accepted on that very day: say when the work began.",
    EXPENSE_NOT_CHARGED: "By the terms in force the firm bears expenses.",
    NO_RATE: "The terms in force have no rate for this member of staff on that day.",
}
"""What a draft says that is missing, by its code."""

VAGUE = re.compile(
    r"(attention to|work(ed|ing)? on|handle[ds]?|various|miscellaneous|misc|follow[- ]?up"
    r"|file review"
    r"|review(ed)? (of )?(the )?file|case management|legal services|professional services|other)"
    r"( (the |this |that )?(file|matter|case|issues?|tasks?|things?))?[.!]*",
    re.IGNORECASE,
)
VERBS = re.compile(
    r"\b(draft|revis|review|research|call|telephon|confer|meet|attend|prepar|correspond|email|e-mail"
    r"|analy[sz]|negotiat|appear|argu|depos|fil|travel|edit|discuss)(?:e[ds]?|ing|ed|s|ie[ds])?\b",
    re.IGNORECASE,
)
FEWEST_WORDS = 3
BLOCK_MINUTES = 60


class Slice(NamedTuple):
    """A part of a stretch of work that lies in one day of the firm."""

    day: date
    started_at: datetime
    minutes: int


def began(day: date, started_at: datetime | None, zone: ZoneInfo) -> datetime:
    """The instant from which terms must have been accepted: without a time, the day's first."""
    return started_at or datetime.combine(day, time.min, zone)


def days_of(started_at: datetime, stopped_at: datetime, zone: ZoneInfo) -> Iterator[Slice]:
    """A stretch cut at the firm's midnights, so that each part has the rate of its own day. Minutes
    are elapsed ones, rounded up over the whole stretch and given to its parts in order."""
    left = -(-(stopped_at - started_at) // timedelta(minutes=1))
    at = started_at
    while at < stopped_at:
        day = at.astimezone(zone).date()
        midnight = datetime.combine(day + timedelta(days=1), time.min, zone)
        end = min(midnight, stopped_at, key=lambda instant: instant.timestamp())
        last = end == stopped_at
        minutes = (
            left if last else min(left, (end.astimezone(at.tzinfo) - at) // timedelta(minutes=1))
        )
        if minutes:
            yield Slice(day, at, minutes)
        left, at = left - minutes, end.astimezone(started_at.tzinfo)


def questionable(narrative: str, minutes: int | None, *, told_before: bool) -> tuple[str, ...]:
    """`vague`, `block-billed`, `duplicate`: flagged for whoever approves, never refused."""
    words = re.findall(r"\w+", narrative)
    found = []
    if len(words) < FEWEST_WORDS or VAGUE.fullmatch(narrative.strip()):
        found.append("vague")
    if minutes is not None and minutes > BLOCK_MINUTES and _tasks_in(narrative) > 1:
        found.append("block-billed")
    if told_before:
        found.append("duplicate")
    return tuple(found)


def same_words(narrative: str) -> bytes:
    """What two narratives are compared by: neither case nor spaces nor punctuation make a
    difference."""
    return " ".join(re.findall(r"\w+", narrative.casefold())).encode()


def _tasks_in(narrative: str) -> int:
    """Pieces of a sentence that each have a verb of work in them."""
    pieces = re.split(r"[;,.\n]|\band\b|\bthen\b", narrative, flags=re.IGNORECASE)
    return sum(1 for piece in pieces if VERBS.search(piece))
