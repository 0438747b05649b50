"""Steps back in working days: when somebody is reminded of what is due at an instant. Pure."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from sla_monitor.calendar import WorkingCalendar

A_DAY = timedelta(days=1)
LOOKED_BACK = 400  # days; no calendar that a firm could keep is closed for as long


class Step(NamedTuple):
    """So many working days before, at the instant (UTC) when that day's work begins."""

    working_days: int
    at: datetime


def steps_back(calendar: WorkingCalendar, due_at: datetime, steps: Collection[int]) -> list[Step]:
    """The earliest first. The day on which it is due does not count, whatever the hour; holidays
    beyond the years that a calendar knows are days like others."""
    due_on = due_at.astimezone(calendar.zone).date()
    found: list[Step] = []
    counted = 0
    for day in (due_on - A_DAY * back for back in range(1, LOOKED_BACK)):
        opens = _opening(calendar, day)
        if opens is None:
            continue
        counted += 1
        if counted in steps:
            found.append(Step(counted, opens))
        if counted >= max(steps, default=0):
            break
    return found[::-1]


def _opening(calendar: WorkingCalendar, day: date) -> datetime | None:
    spans, _, _ = calendar.on(day)
    if not spans:
        return None
    hour, minute = divmod(spans[0].opens, 60)
    return datetime.combine(day, time(hour, minute), tzinfo=calendar.zone).astimezone(UTC)
