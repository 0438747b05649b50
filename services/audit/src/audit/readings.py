"""What reading looks for in an event: kind, instant, client, matter and messages. Only an index:
the record itself is the entry, its metadata and its value."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from audit.entries import Headers, header, uuid_of

LONGEST_TYPE = 200
MOST_MESSAGES = 1000

# When a communication took place, which may be long before it was told (a mail filed later, a call
# entered the next day). Every other fact stands at the time it was told.
HAPPENED_AT = {
    "ClientMessageReceived": "received_at",
    "MessageQuarantined": "received_at",
    "MessageSent": "sent_at",
    "MessageAcknowledged": "acknowledged_at",
    "CallLogged": "held_at",
    "NoteWritten": "written_at",
}


class Reading(NamedTuple):
    """One row of the index; whatever is missing or malformed in the event is simply not there."""

    type: str
    fact_at: datetime
    client_id: UUID | None
    matter_id: UUID | None
    message_ids: tuple[UUID, ...]


def read(headers: Headers, value: object, recorded_at: datetime) -> Reading:
    """Never fails, whatever bytes came: an event that cannot be understood is still recorded."""
    members: Mapping[str, object] = value if isinstance(value, dict) else {}
    type_name = (header(headers, "ce_type") or "").replace("\x00", "\ufffd")[:LONGEST_TYPE]
    happened = _instant(members.get(HAPPENED_AT.get(kind_of(type_name), "")))
    return Reading(
        type=type_name,
        fact_at=happened or _instant(header(headers, "ce_time")) or recorded_at,
        client_id=_uuid(members.get("client_id")),
        matter_id=_uuid(members.get("matter_id")),
        message_ids=_messages(members),
    )


def kind_of(type_name: str) -> str:
    """`privity.messaging.MessageSent.v1` → `MessageSent`."""
    parts = type_name.split(".")
    return parts[2] if len(parts) == 4 else type_name


def _messages(members: Mapping[str, object]) -> tuple[UUID, ...]:
    """Every message that the event is about: its own, those of a clock, those acknowledged."""
    named: list[object] = [members.get("message_id"), members.get("acknowledgment_id")]
    for name in ("message_ids", "covers", "answers"):
        listed = members.get(name)
        if isinstance(listed, list):
            named += listed[:MOST_MESSAGES]
    return tuple(dict.fromkeys(found for one in named if one and (found := _uuid(one))))


def _uuid(found: object) -> UUID | None:
    return uuid_of(found) if isinstance(found, str) else None


def _instant(found: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(found) if isinstance(found, str) else None
        return instant.astimezone(UTC) if instant and instant.tzinfo else None
    except (ValueError, OverflowError):
        return None
