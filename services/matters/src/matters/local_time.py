"""Days and wall clocks of a zone as instants."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime


def _countable(instant: datetime) -> datetime:
    if not 1900 <= instant.year < 2200:
        raise ValueError("not an instant of these times: its year lies between 1900 and 2200")
    return instant


PointInTime = Annotated[AwareDatetime, AfterValidator(_countable)]
"""An instant with its offset, far enough from the ends of the calendar to be counted with."""


def beginning_of(day: date, zone: ZoneInfo) -> datetime:
    """The day's first instant there, in UTC: not every day has a midnight, some have two."""
    midnight = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    while midnight.astimezone(zone).date() < day:
        midnight += timedelta(minutes=15)  # no zone ever moved by less
    return midnight


def instant_at(wall_clock: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which clocks there show this; the earlier one where they show it twice.
    ValueError where they never do."""
    instant = wall_clock.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != wall_clock:
        raise ValueError(
            f"clocks in {zone.key} skip {wall_clock:%H:%M} on that day: choose another time"
        )
    return instant
