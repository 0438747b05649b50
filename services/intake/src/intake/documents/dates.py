"""Instants as a reader of the firm's documents reads them. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo


def day(instant: datetime, zone: str) -> str:
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y}"


def minute(instant: datetime, zone: str) -> str:
    """For people: to the minute, in the firm's zone by its name."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M} ({zone.rpartition('/')[2].replace('_', ' ')} time)"


def moment(instant: datetime, zone: str) -> str:
    """To the second, in the firm's zone and in UTC."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M:%S} ({zone}; {instant:%Y-%m-%dT%H:%M:%S}Z)"
