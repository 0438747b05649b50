"""An invitation as calendars read it (RFC 5545, RFC 5546). Pure. Nothing privileged is in it."""

from datetime import UTC, datetime
from uuid import UUID

from messaging.email.rendering import Calendar, one_line

_CRLF = "\r\n"
_LINE = 75  # octets (RFC 5545 3.1)


def invitation(
    *,
    consultation_id: UUID,
    sequence: int,
    cancelled: bool,
    told_at: datetime,
    starts_at: datetime,
    ends_at: datetime,
    place: str,
    firm: str,
    organizer: str,
    attendee: str,
) -> Calendar:
    """The same UID for ever; a higher SEQUENCE moves it, METHOD:CANCEL calls it off."""
    method = "CANCEL" if cancelled else "REQUEST"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Privity//EN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{consultation_id}@{organizer.rpartition('@')[2]}",
        f"SEQUENCE:{sequence}",
        f"DTSTAMP:{_utc(told_at)}",
        f"DTSTART:{_utc(starts_at)}",
        f"DTEND:{_utc(ends_at)}",
        f"SUMMARY:{_text(f'Consultation, {firm}')}",
        f"LOCATION:{_text(place)}",
        f"ORGANIZER:mailto:{organizer}",
        f"ATTENDEE;RSVP=TRUE:mailto:{attendee}",
        f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return Calendar(method, _CRLF.join(_folded(line) for line in lines) + _CRLF)


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    escaped = one_line(value).replace("\\", "\\\\")
    return escaped.replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> str:
    """At most 75 octets a line, no letter cut in two."""
    rows: list[str] = []
    row = ""
    for letter in line:
        if len((row + letter).encode()) > _LINE - bool(rows):
            rows.append(row)
            row = ""
        row += letter
    return f"{_CRLF} ".join([*rows, row])
