"""When somebody is reminded. Pure."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

QUIET_FROM, QUIET_UNTIL = time(20), time(8)


def next_reminder(dues: Iterable[datetime], now: datetime, every: timedelta) -> datetime:
    """After a while, and not later than something else falls due."""
    return min([now + every, *(due for due in dues if due > now)])


def after_quiet_hours(instant: datetime, zone: str) -> datetime:
    """The instant itself, or the next morning where it would wake somebody."""
    local = instant.astimezone(ZoneInfo(zone))
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return instant
    day = local.date() + timedelta(days=local.time() >= QUIET_FROM)
    return datetime.combine(day, QUIET_UNTIL, ZoneInfo(zone)).astimezone(instant.tzinfo)
