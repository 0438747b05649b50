"""The firm's working calendar as a value: what was asked for, checked, with its holidays frozen.

A calendar says of each date which spans of wall clock are worked and, when none is, why. How time
is counted in it is `counting`'s. Nothing here reads a clock, and what is published never changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import version
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import holidays as holidays_library
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.errors import Refusal

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
YEARS_BEHIND, YEARS_AHEAD = 5, 15  # of holidays frozen around the day of publishing

ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Spans = Annotated[list[tuple[ClockTime, ClockTime]], Field(max_length=24)]


class CalendarRefused(Refusal):
    """A calendar or a count that cannot be; `hint` says what to write instead."""

    status = 422

    def __init__(self, code: str, detail: str, hint: str) -> None:
        super().__init__(detail, hint=hint)
        self._code = code

    @property
    def code(self) -> str:
        return self._code


class HolidaysOf(BaseModel):
    """Holidays by law of a country (ISO 3166-1 alpha-2) and, where given, its subdivision."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    country: str
    subdivision: str | None = None


class Holiday(BaseModel):
    """A date that is not worked. Actual and observed dates are two holidays."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    date: date
    name: Name = "holiday"


class Override(BaseModel):
    """Spans of one date, whatever weekday or holiday it is; `[]` closes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    date: date
    spans: Spans


class CalendarDraft(BaseModel):
    """A calendar as it is asked for (interface: `POST /v1/calendars`)."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    time_zone: str
    weekly: dict[Weekday, Spans]
    holidays: HolidaysOf | Annotated[list[date | Holiday], Field(max_length=5000)] = []
    overrides: Annotated[list[Override], Field(max_length=5000)] = []


class HolidaySource(BaseModel):
    """Where frozen holidays came from, and the years for which they are known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    country: str
    subdivision: str | None = None
    library: str
    first_year: int
    last_year: int


class PublishedCalendar(BaseModel):
    """A checked draft with its holidays spelled out: the form that is stored and shown."""

    name: str
    time_zone: str
    weekly: dict[Weekday, Spans]
    holidays: list[Holiday]
    holidays_from: HolidaySource | None = None
    overrides: list[Override] = []


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of wall clock, in minutes after midnight; `closes` may be 1440 (24:00)."""

    opens: int
    closes: int


@dataclass(frozen=True)
class WorkingCalendar:
    """`weekly` starts on Monday. `known_years` bounds what holidays from a library cover."""

    time_zone: str
    weekly: tuple[tuple[Span, ...], ...]
    holidays: tuple[tuple[date, str], ...] = ()
    overrides: tuple[tuple[date, tuple[Span, ...]], ...] = ()
    known_years: tuple[int, int] | None = None

    def on(self, day: date) -> tuple[tuple[Span, ...], str, str | None]:
        """The day's spans; and when there are none, the reason and, of a holiday, its name."""
        if (spans := self._overrides.get(day)) is not None:
            return spans, "override", None
        if (name := self._holidays.get(day)) is not None:
            return (), "holiday", name
        return self.weekly[day.weekday()], "weekend", None

    def __hash__(self) -> int:
        return self._hash  # tables of working time are cached by calendar: hash its dates once

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def _hash(self) -> int:
        return hash((self.time_zone, self.weekly, self.holidays, self.overrides))

    @cached_property
    def _holidays(self) -> dict[date, str]:
        return dict(self.holidays)

    @cached_property
    def _overrides(self) -> dict[date, tuple[Span, ...]]:
        return dict(self.overrides)


def publish(draft: CalendarDraft, today: date) -> PublishedCalendar:
    """Checks a draft and freezes its holidays, observed days kept. Raises CalendarRefused."""
    if draft.time_zone not in available_timezones():
        raise CalendarRefused(
            "unknown-time-zone",
            f"There is no time zone {draft.time_zone!r}.",
            "Name one of the IANA database, such as America/New_York.",
        )
    holidays, source = _frozen(draft.holidays, today)
    published = PublishedCalendar(
        name=draft.name,
        time_zone=draft.time_zone,
        weekly=draft.weekly,
        holidays=holidays,
        holidays_from=source,
        overrides=sorted(draft.overrides, key=lambda override: override.date),
    )
    working_calendar(published)
    return published


def working_calendar(published: PublishedCalendar) -> WorkingCalendar:
    """The value that time is counted in. Raises CalendarRefused for what `publish` would refuse."""
    weekly = tuple(_spans(day, published.weekly.get(day, [])) for day in WEEKDAYS)
    if not any(weekly):
        raise CalendarRefused(
            "calendar-without-spans",
            "No weekday has a span, so no working time would ever pass.",
            'Give at least one, such as "weekly": {"mon": [["09:00", "17:00"]]}.',
        )
    for one, other in pairwise(published.overrides):
        if one.date == other.date:
            raise CalendarRefused(
                "duplicate-override",
                f"{one.date} is overridden twice.",
                "Put all spans of a date into one override.",
            )
    source = published.holidays_from
    return WorkingCalendar(
        time_zone=published.time_zone,
        weekly=weekly,
        holidays=tuple((holiday.date, holiday.name) for holiday in published.holidays),
        overrides=tuple((each.date, _spans(each.date, each.spans)) for each in published.overrides),
        known_years=(source.first_year, source.last_year) if source else None,
    )


def _spans(day: Weekday | date, spans: Iterable[tuple[str, str]]) -> tuple[Span, ...]:
    ordered = sorted(_span(day, opens, closes) for opens, closes in spans)
    for one, other in pairwise(ordered):
        if other.opens < one.closes:
            raise CalendarRefused(
                "overlapping-spans",
                f"Two spans of {day} overlap.",
                "Join them, or end the first where the second begins.",
            )
    return tuple(ordered)


def _span(day: Weekday | date, opens: str, closes: str) -> Span:
    span = Span(_minutes(opens), _minutes(closes))
    if span.opens < span.closes:
        return span
    if span.opens == span.closes:
        raise CalendarRefused(
            "empty-span",
            f"The span {opens}–{closes} of {day} is empty.",
            'Leave it out, or write ["00:00", "24:00"] for a whole day.',
        )
    until_midnight = f'["{opens}", "24:00"] on {day}'
    raise CalendarRefused(
        "span-over-midnight",
        f"The span {opens}–{closes} of {day} runs over midnight.",
        f"Write {until_midnight}."
        if span.closes == 0
        else f'Split it: {until_midnight} and ["00:00", "{closes}"] on the day after.',
    )


def _minutes(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return int(hours) * 60 + int(minutes)


def _frozen(
    asked: HolidaysOf | list[date | Holiday], today: date
) -> tuple[list[Holiday], HolidaySource | None]:
    if isinstance(asked, HolidaysOf):
        return _by_law(asked, today.year - YEARS_BEHIND, today.year + YEARS_AHEAD)
    named: dict[date, list[str]] = {}
    for each in asked:
        holiday = each if isinstance(each, Holiday) else Holiday(date=each)
        named.setdefault(holiday.date, []).append(holiday.name)
    return [Holiday(date=day, name="; ".join(named[day])) for day in sorted(named)], None


def _by_law(asked: HolidaysOf, first: int, last: int) -> tuple[list[Holiday], HolidaySource]:
    _check_supported(asked)
    # One year more: an observed New Year's Day may fall in the year before its own.
    found = holidays_library.country_holidays(
        asked.country, subdiv=asked.subdivision, years=range(first, last + 2)
    )
    dated = sorted((day, name) for day, name in found.items() if first <= day.year <= last)
    source = HolidaySource(
        country=asked.country,
        subdivision=asked.subdivision,
        library=f"holidays {version('holidays')}",
        first_year=first,
        last_year=last,
    )
    return [Holiday(date=day, name=name) for day, name in dated], source


def _check_supported(asked: HolidaysOf) -> None:
    countries = holidays_library.list_supported_countries()
    if asked.country not in countries:
        raise CalendarRefused(
            "unknown-country",
            f"No holidays are known for {asked.country!r}.",
            "Write the country's ISO 3166-1 alpha-2 code, or list the dates.",
        )
    if asked.subdivision is not None and asked.subdivision not in countries[asked.country]:
        raise CalendarRefused(
            "unknown-subdivision",
            f"{asked.country} has no subdivision {asked.subdivision!r}.",
            f"Known are: {', '.join(countries[asked.country]) or 'none'}.",
        )
