"""The words of a draft, from facts alone. A person reads, changes and approves them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Self
from zoneinfo import ZoneInfo

from matters.updates.models import Format
from shared.contracts.matters import UpdateAbout

Changed = Literal["moved", "called_off", "mistaken"]
CHANGES: dict[Changed, tuple[str, str]] = {
    "moved": ("This date has moved", "It takes the place of the date that we told you before."),
    "called_off": ("This date was called off", "Please strike it from your calendar."),
    "mistaken": (
        "We told you of this by mistake",
        "It has not happened in your matter. We are sorry for the confusion.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Named:
    """Something with a name that the client understands, what it means for them, and when."""

    name: str
    meaning: str = ""
    at: datetime | None = None
    to_the_minute: bool = False

    def but(self, changed: Changed) -> Self:
        """What became of it since the client was told of it."""
        lead, meaning = CHANGES[changed]
        return replace(self, name=f"{lead}: {self.name}", meaning=meaning)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known when a draft is written. `news` is what it is about, `upcoming` deadlines."""

    client: str
    contact: str
    matter: str
    zone: ZoneInfo
    news: Sequence[Named] = ()
    note: str = ""
    coming: Named | None = None
    upcoming: Sequence[Named] = ()
    last_told: datetime | None = None


@dataclass(frozen=True)
class Draft:
    subject: str
    body: str


# Wishes are named as formats and as channels, and mean the same.
SPOKEN: dict[str | None, Format] = {
    "call": "call",
    "phone": "call",
    "meeting": "meeting",
    "in_person": "meeting",
    "video": "meeting",
}
SUBJECTS: dict[UpdateAbout, str] = {
    "milestone": "News in your matter",
    "development": "News in your matter",
    "deadline": "A date in your matter",
    "request": "How your matter stands",
    "no_news": "How your matter stands",
    "report": "Report on your matter",
}


def wished_format(wish: str | None) -> Format:
    return SPOKEN.get(wish, "written")


def draft(about: UpdateAbout, facts: Facts) -> Draft:
    """A letter in plain paragraphs: what happened, what it means, what comes next, whom to ask."""
    paragraphs = [f"Dear {facts.client},", *_news(about, facts)]
    paragraphs += [facts.note] if facts.note else []
    paragraphs += _ahead(facts)
    paragraphs += [
        "If anything is unclear or worries you, answer this message or call me.",
        f"{facts.contact}",
    ]
    subject = f"{SUBJECTS[about]}: {facts.matter}"
    if about == "milestone" and facts.news:
        subject = f"{facts.news[0].name}: {facts.matter}"
    return Draft(subject, "\n\n".join(paragraphs))


def day(instant: datetime, zone: ZoneInfo) -> str:
    """`Monday, 9 March 2026`."""
    local = instant.astimezone(zone)
    return f"{local:%A}, {local.day} {local:%B %Y}"


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """`Monday, 9 March 2026 at 17:00, New York time`: whoever is to be there needs the hour."""
    city = zone.key.rpartition("/")[2].replace("_", " ")
    return f"{day(instant, zone)} at {instant.astimezone(zone):%H:%M}, {city} time"


def enumerated(names: Sequence[str]) -> str:
    """`Ada, Ben and Cleo`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _news(about: UpdateAbout, facts: Facts) -> list[str]:
    if not facts.news:
        since = f" since {day(facts.last_told, facts.zone)}" if facts.last_told else ""
        return [
            f"there is nothing new in “{facts.matter}”{since}. That is usual at this stage and no"
            " sign of anything; you hear from us all the same, so that you know where you stand."
        ]
    lead = f"this is how “{facts.matter}” stands:" if about in ("report", "request") else ""
    return ([lead] if lead else []) + [_told(one, facts.zone) for one in facts.news]


def _told(one: Named, zone: ZoneInfo) -> str:
    shown = moment if one.to_the_minute else day
    when = f" ({shown(one.at, zone)})" if one.at else ""
    end = "" if one.name.endswith((".", "!", "?")) else "."
    return f"{one.name}{when}{end}" + (f"\n{one.meaning}" if one.meaning else "")


def _ahead(facts: Facts) -> list[str]:
    ahead = []
    if facts.coming:
        ahead.append(f"What usually comes next: {_told(facts.coming, facts.zone)}")
    if facts.upcoming:
        lines = [f"– {_told(one, facts.zone)}" for one in facts.upcoming]
        ahead.append("Dates that lie ahead:\n" + "\n".join(lines))
    return ahead
