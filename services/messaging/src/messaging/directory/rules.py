"""How a client wants to hear: at which hours, by which way, in which form. No session, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from messaging.email.rendering import Reading

Purpose = Literal["updates", "billing"]

SPOKEN = {"call", "phone", "meeting", "in_person", "video"}

# What a client's words about accessibility ask of a mail; the rest of them is for people to read.
_PLAIN = ("plain text", "screen reader", "screenreader", "braille", "no html")
_LARGE = ("large print", "large type", "large text", "larger text", "big letters", "low vision")


@dataclass(frozen=True, kw_only=True)
class Manner:
    """A client's wishes; without any, by mail and at any hour. `zone` is the client's own."""

    zone: ZoneInfo
    wishes: Mapping[str, str] = field(default_factory=dict)
    quiet_hours: tuple[time, time] | None = None
    language: str = "en"
    reading: Reading = "usual"

    def quiet_until(self, at: datetime) -> datetime | None:
        """When the quiet hours around this instant end; None outside of them."""
        return end_of_quiet(at, self.zone, *self.quiet_hours) if self.quiet_hours else None

    def in_portal(self, purpose: Purpose) -> bool:
        return self.wishes.get(purpose) == "portal"

    def by_person(self, purpose: Purpose) -> str | None:
        """The way that they wish for and no machine can go: a conversation, or a letter."""
        wish = self.wishes.get(purpose)
        return wish if wish in SPOKEN or wish == "letter" else None


def end_of_quiet(at: datetime, zone: ZoneInfo, begins: time, ends: time) -> datetime | None:
    """Told by wall clocks, over midnight too. An end that the clocks skip comes when they go on;
    one that they show twice comes at whichever of the two is next."""

    def is_quiet(instant: datetime) -> bool:
        shown = instant.astimezone(zone).time()
        if begins < ends:
            return begins <= shown < ends
        return shown >= begins or shown < ends

    if not is_quiet(at):
        return None
    today = at.astimezone(zone).date()
    candidates = (
        datetime.combine(today + timedelta(days), ends, zone).replace(fold=fold).astimezone(UTC)
        for days in range(3)
        for fold in (0, 1)
    )
    return min(end for end in candidates if end > at and not is_quiet(end))


def reading_of(words: str) -> Reading:
    """The form of a mail that these words ask for. Plain text wins: a machine reads it aloud."""
    said = " ".join(words.casefold().replace("-", " ").split())
    if any(each in said for each in _PLAIN):
        return "plain"
    return "large" if any(each in said for each in _LARGE) else "usual"
