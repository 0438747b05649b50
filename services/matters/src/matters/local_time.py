"""Days and wall clocks of a zone as instants."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


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
