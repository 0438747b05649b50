"""Every word that the firm's machine says, in one place: short, plain, and true at the moment of
sending. Nothing here repeats what a client wrote; a firm that wants other words edits this page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from messaging.email.rendering import Block, Rows
from shared.contracts.matters import EmergencyContact
from shared.contracts.sla_monitor import SkippedDay


@dataclass(frozen=True, kw_only=True)
class Promise:
    """The response clock's own words, from its event: aimed for, at the latest, not counted."""

    target_at: datetime
    limit_at: datetime
    skipped: tuple[SkippedDay, ...] = ()


CONSTANT_SUBJECT = "Auto: We received your message"
CONSTANT: tuple[Block, ...] = (
    "Hello,",
    "Your message has reached us, and a person will read it and answer you.",
    "If it cannot wait, please call our office.",
    "This confirmation was sent automatically.",
)


ANNOUNCED_SUBJECT = "A message for you in our portal"
ANNOUNCED: tuple[Block, ...] = (
    "Hello,",
    "You asked us to write to you in our portal, and a new message is there for you.",
    "Nothing of it stands in this mail. Please sign in to the portal to read it and to answer.",
)


def acknowledgment(
    *,
    client: str,
    firm: str,
    contact: str,
    received: Sequence[datetime],
    promise: Promise,
    now: datetime,
    zone: ZoneInfo,
    emergency: EmergencyContact,
    urgent: bool,
    supervisor_told: bool,
) -> tuple[Block, ...]:
    """Says what arrived, who has it, by when they answer, and what to do if it cannot wait. A time
    that is past at `now` is not promised any more."""
    return (
        f"Dear {client},",
        f"Thank you for writing to us. {_arrived(received, zone)} "
        f"{_passed_on(contact, firm, urgent, supervisor_told)}",
        Rows(_promised(contact, promise, now, zone)),
        f"What happens next: {contact} reads {_it(received)} and answers you personally, by email. "
        f"{_if_longer(promise, now)} You do not need to do anything in the meantime; if something "
        "changes, just reply to this email.",
        *_if_it_cannot_wait(emergency),
        f"With kind regards,\n{firm}",
        "This confirmation was sent automatically, so that you know at once that your words have "
        "reached us.",
    )


def delay(
    *,
    client: str,
    firm: str,
    contact: str,
    promise: Promise,
    zone: ZoneInfo,
    emergency: EmergencyContact,
) -> tuple[Block, ...]:
    """To the client when the target has passed and the limit has not: longer, why, until when."""
    return (
        f"Dear {client},",
        f"We had aimed to answer you by {moment(promise.target_at, zone)}. {contact} has not been "
        "able to send the answer yet, and we are sorry for the wait. You are not forgotten.",
        Rows(
            (
                ("Your answer comes from", contact),
                ("At the latest by", moment(promise.limit_at, zone)),
            )
        ),
        f"What happens next: {contact} has been reminded of the new time. If anything has changed "
        "for you in the meantime, just reply to this email.",
        *_if_it_cannot_wait(emergency),
        f"With kind regards,\n{firm}",
    )


def moment(at: datetime, zone: ZoneInfo) -> str:
    """`Monday, 13 July 2026 at 16:30 (New York time)`: day first by name, 24 hours, zone named."""
    return f"{day_and_time(at, zone)} ({zone_name(at, zone)})"


def day_and_time(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{day_of(local.date(), year=True)} at {local:%H:%M}"


def day_of(day: date, *, year: bool = False) -> str:
    return f"{day:%A}, {day.day} {day:%B}" + (f" {day.year}" if year else "")


def not_counted(skipped: Sequence[SkippedDay]) -> str:
    """`Friday, 3 July (Independence Day); Saturday, 4 July and Sunday, 5 July (weekend)`."""
    groups = groupby(skipped, key=lambda each: each.reason)
    return "; ".join(f"{_and_then([e.day for e in days])} ({reason})" for reason, days in groups)


def _and_then(days: Sequence[date]) -> str:
    *head, last = (day_of(day) for day in days)
    return f"{', '.join(head)} and {last}" if head else last


def zone_name(at: datetime, zone: ZoneInfo) -> str:
    """`New York time` for America/New_York; UTC and the like keep their own name."""
    area, _, city = zone.key.rpartition("/")
    return (
        f"{city.replace('_', ' ')} time" if area and area != "Etc" else f"{at.astimezone(zone):%Z}"
    )


def _arrived(received: Sequence[datetime], zone: ZoneInfo) -> str:
    first, last = min(received), max(received)
    if len(received) == 1:
        return f"Your message arrived on {moment(first, zone)}."
    same_day = first.astimezone(zone).date() == last.astimezone(zone).date()
    until = f"{last.astimezone(zone):%H:%M}" if same_day else day_and_time(last, zone)
    return (
        f"Your {len(received)} messages arrived between {day_and_time(first, zone)} and {until} "
        f"({zone_name(last, zone)})."
    )


def _passed_on(contact: str, firm: str, urgent: bool, supervisor_told: bool) -> str:
    person = f"{contact}, your point of contact at {firm},"
    if not urgent:
        return f"{person} has been told of it."
    told = "and their supervisor have" if supervisor_told else "has"
    return f"We treat it as urgent: {person} {told} been told at once."


def _promised(
    contact: str, promise: Promise, now: datetime, zone: ZoneInfo
) -> tuple[tuple[str, str], ...]:
    rows = [("Your answer comes from", contact)]
    if now < promise.target_at < promise.limit_at:
        rows.append(("We aim to answer by", moment(promise.target_at, zone)))
    rows.append(("At the latest by", moment(promise.limit_at, zone)))
    if promise.skipped:
        rows.append(("Not counted", not_counted(promise.skipped)))
    return tuple(rows)


def _if_longer(promise: Promise, now: datetime) -> str:
    if not now < promise.target_at < promise.limit_at:
        return ""
    return (
        "If it takes longer than we aim for, we tell you so before the latest time, with the "
        "reason and a new time."
    )


def _it(received: Sequence[datetime]) -> str:
    return "it" if len(received) == 1 else "them"


def _if_it_cannot_wait(emergency: EmergencyContact) -> tuple[Block, ...]:
    ways = [f"call {emergency.phone}"] if emergency.phone else []
    ways += [f"write to {emergency.email}"] if emergency.email else []
    if not ways and not emergency.text:
        return ()
    head = f"If it cannot wait: {' or '.join(ways)}." if ways else "If it cannot wait:"
    return (f"{head} {emergency.text}".strip(),)
