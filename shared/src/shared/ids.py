"""Identifiers: UUIDv7 (RFC 9562), so that ids sort by the time of their making."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def earliest_id_at(instant: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond: what was made before it compares as less."""
    milliseconds = int(instant.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0x2 << 62))
