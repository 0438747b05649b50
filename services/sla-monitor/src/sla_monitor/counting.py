"""Counts working time: when an amount of it has passed, and how much passed between two instants.

Exact and pure. Spans are wall clock of the calendar's zone, what is counted is real elapsed time,
so a day of a clock change has 23 or 25 hours. Both cost O(log n) in a table built once a year.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from sla_monitor.calendar import CalendarRefused, Span, WorkingCalendar

DAY, TICK, ZERO = timedelta(days=1), timedelta(microseconds=1), timedelta(0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = timedelta(hours=87_600)
WHOLE_DAY = (Span(0, 24 * 60),)


class Mode(StrEnum):
    """What counts: every second; each working day whole; or the calendar's spans only."""

    ELAPSED = "elapsed"
    BUSINESS_DAY = "business_day"
    BUSINESS_HOURS = "business_hours"


class Line(NamedTuple):
    """A stretch that was counted, or skipped because of `reason`, which lies on `day` (local).

    Reasons: weekend (a weekday without spans), holiday (`name` says which), override (closed on
    this date), closed (outside the spans of a working day), pause (`name` is its id).
    """

    start: datetime
    end: datetime
    counted: bool
    reason: str | None = None
    name: str | None = None
    day: date | None = None


class Due(NamedTuple):
    due: datetime
    explanation: list[Line]


def due(calendar: WorkingCalendar, start: datetime, amount: timedelta, mode: Mode) -> Due:
    """`due_at`, with the counted and skipped stretches that lead there."""
    end = due_at(calendar, start, amount, mode)
    return Due(end, explanation(calendar, start, end, mode))


def due_at(calendar: WorkingCalendar, start: datetime, amount: timedelta, mode: Mode) -> datetime:
    """The first instant (UTC) by which `amount` has been counted since `start`.

    So a closing instant belongs to the day that closes. Raises CalendarRefused for what lies beyond
    the years that a calendar can know.
    """
    _check(calendar, start, amount)
    start = start.astimezone(UTC)
    if mode is Mode.ELAPSED or amount == ZERO:
        return start + amount
    table = _table(calendar, mode, _year(start))
    wanted = table.counted_until(_ticks(start)) + amount // TICK
    row = bisect_left(table.through, wanted)
    if row == len(table.through):
        raise _too_far(start)
    end = EPOCH + (table.ends[row] - (table.through[row] - wanted)) * TICK
    _check_known(calendar, end)
    return end


def counted(calendar: WorkingCalendar, start: datetime, end: datetime, mode: Mode) -> timedelta:
    """How much is counted from `start` to `end`, inverse to `due_at`; zero if `end` is first."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    _check(calendar, start, max(ZERO, end - start))
    if end <= start:
        return ZERO
    if mode is Mode.ELAPSED:
        return end - start
    _check_known(calendar, end)
    table = _table(calendar, mode, _year(start))
    return (table.counted_until(_ticks(end)) - table.counted_until(_ticks(start))) * TICK


def explanation(
    calendar: WorkingCalendar, start: datetime, end: datetime, mode: Mode
) -> list[Line]:
    """The stretches from `start` to `end`, counted and skipped, in order and without a gap."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if end <= start:
        return []
    if mode is Mode.ELAPSED:
        return [Line(start, end, True)]
    lines: list[Line] = []
    for opens, closes in _table(calendar, mode, _year(start)).between(start, end):
        lines += _skipped(calendar, start, opens)
        lines.append(Line(opens, closes, True))
        start = closes
    return lines + list(_skipped(calendar, start, end))


def skipped_days(lines: list[Line]) -> dict[date, tuple[str, str | None]]:
    """Dates that did not count at all, with reason and holiday's name. Nights are not days."""
    return {
        line.day: (line.reason, line.name)
        for line in lines
        if line.day and line.reason and line.reason != "closed"
    }


@dataclass(frozen=True)
class _Table:
    """Working intervals in ticks since the epoch, in order, and what was counted by each end."""

    starts: list[int]
    ends: list[int]
    through: list[int]

    def counted_until(self, instant: int) -> int:
        row = bisect_right(self.starts, instant) - 1
        return self.through[row] - max(0, self.ends[row] - instant) if row >= 0 else 0

    def between(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        first, last = _ticks(start), _ticks(end)
        row = bisect_right(self.ends, first)
        while row < len(self.starts) and self.starts[row] < last:
            opens, closes = max(first, self.starts[row]), min(last, self.ends[row])
            yield EPOCH + opens * TICK, EPOCH + closes * TICK
            row += 1


@lru_cache(maxsize=64)
def _table(calendar: WorkingCalendar, mode: Mode, year: int) -> _Table:
    """Covers eleven years, so that what starts in the first has ten before it."""
    table, total = _Table([], [], []), 0
    first, last = (datetime(each, 1, 1, tzinfo=UTC) for each in (year, year + 11))
    for opens, closes in _working(calendar, mode, first - DAY, last + DAY):
        start, end = _ticks(opens), _ticks(closes)
        total += end - start
        if table.ends and table.ends[-1] == start:
            table.ends[-1], table.through[-1] = end, total
        else:
            table.starts.append(start)
            table.ends.append(end)
            table.through.append(total)
    return table


def _working(
    calendar: WorkingCalendar, mode: Mode, first: datetime, last: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """An instant counts when its wall clock lies in a span; so it is asked offset by offset."""
    for start, end, offset in _offsets(calendar, first, last):
        begins, ends = (each.replace(tzinfo=None) + offset for each in (start, end))
        midnight = datetime.combine(begins.date(), time())
        while midnight < ends:
            spans = calendar.on(midnight.date())[0]
            for span in WHOLE_DAY if spans and mode is Mode.BUSINESS_DAY else spans:
                opens = max(begins, midnight + timedelta(minutes=span.opens))
                closes = min(ends, midnight + timedelta(minutes=span.closes))
                if opens < closes:
                    yield (
                        (opens - offset).replace(tzinfo=UTC),
                        (closes - offset).replace(tzinfo=UTC),
                    )
            midnight += DAY


def _offsets(
    calendar: WorkingCalendar, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The stretches of time in which the calendar's zone keeps one offset from UTC."""
    offset, day = _offset(calendar, start), start
    while day < end:
        if _offset(calendar, day + DAY) != offset:
            change = _change(calendar, day, offset)
            yield start, change, offset
            start, offset = change, _offset(calendar, day + DAY)
        day += DAY
    yield start, day, offset


def _change(calendar: WorkingCalendar, day: datetime, offset: timedelta) -> datetime:
    seconds = bisect_left(
        range(24 * 3600),
        True,
        key=lambda second: _offset(calendar, day + timedelta(seconds=second)) != offset,
    )
    return day + timedelta(seconds=seconds)


def _offset(calendar: WorkingCalendar, instant: datetime) -> timedelta:
    return instant.astimezone(calendar.zone).utcoffset() or ZERO


def _skipped(calendar: WorkingCalendar, start: datetime, end: datetime) -> Iterator[Line]:
    """The days of a stretch without working time, each with why it did not count."""
    while start < end:
        day = start.astimezone(calendar.zone).date()
        midnight = datetime.combine(day + DAY, time(), tzinfo=calendar.zone).astimezone(UTC)
        until = min(end, midnight) if midnight > start else end
        spans, reason, name = calendar.on(day)
        yield Line(start, until, False, "closed" if spans else reason, name, day)
        start = until


def _ticks(instant: datetime) -> int:
    return (instant - EPOCH) // TICK


def _year(start: datetime) -> int:
    return start.astimezone(UTC).year


def _check(calendar: WorkingCalendar, start: datetime, amount: timedelta) -> None:
    if not (1970 < start.year < 2200 and ZERO <= amount <= LONGEST):
        raise _too_far(start)
    _check_known(calendar, start)


def _check_known(calendar: WorkingCalendar, instant: datetime) -> None:
    first, last = calendar.known_years or (0, 9999)
    if not first <= instant.astimezone(calendar.zone).year <= last:
        raise CalendarRefused(
            "beyond-known-holidays",
            f"Holidays of this calendar are known from {first} to {last}, not at {instant}.",
            "Publish the calendar anew, or count within those years.",
        )


def _too_far(start: datetime) -> CalendarRefused:
    return CalendarRefused(
        "too-far",
        f"From {start} this amount cannot be counted.",
        "Start between 1971 and 2199, and count to within ten years.",
    )


def parse_duration(text: object) -> timedelta:
    """`PT24H`, `PT1H30M`, `PT2S` (ISO 8601). Raises ValueError.

    Days and longer are refused: a day has 23 to 25 hours, a working day as many as its spans.
    """
    found = re.fullmatch(r"PT(?=\d)(?:(\d{1,5})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?", str(text))
    if found is None:
        raise ValueError("write hours, minutes and seconds, such as PT24H, PT90M or PT2S (not P1D)")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    amount = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if amount > LONGEST:
        raise ValueError("at most PT87600H, ten years")
    return amount


def format_duration(amount: timedelta) -> str:
    """The shortest such text: `PT24H`, never `P1D`. Whole seconds; parts of one are cut off."""
    minutes, seconds = divmod(int(amount.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{n}{unit}" for n, unit in parts if n) or "0S")


Duration = Annotated[
    timedelta,
    BeforeValidator(lambda given: given if isinstance(given, timedelta) else parse_duration(given)),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": "^PT", "examples": ["PT24H", "PT1H30M", "PT2S"]}),
]
