"""The public entry: the leaf that the tree commits to and that tiles show to anyone.

It says nothing about people. This format is for ever: a change is a new `v`.

    {"event_id":"0197…","meta":"<hex>","recorded_at":"2026-07-10T20:30:00.000000Z","sequence":7,
     "service":"messaging","stream":{"epoch":1,"partition":3},"v":1,"value_sha256":"<hex>"}

- Bytes: canonical JSON (RFC 8785): members sorted, no white space, UTF-8; here always ASCII.
- `event_id`: the CloudEvents id, a UUID in lower case. `service`, `stream`, `sequence`: from
  `ce_source` (`privity/messaging/3?epoch=1`) and `ce_sequence`; sequences count 1, 2, 3 … without
  a gap within (service, partition, epoch).
- `recorded_at`: when audit appended it, RFC 3339 in UTC with exactly six decimals; it never goes
  back from one leaf to the next.
- `value_sha256`: SHA-256 of the record's value as it stood in Kafka, 64 lower-case hex digits.
- `meta`: HMAC-SHA256 keyed with the entry's salt (32 random bytes) over `metadata(...)`, hex. Who
  is given salt, metadata and value can check them against the leaf; the leaf alone gives nothing.
"""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import orjson

VERSION = 1
MAX_BYTES = 4096
SALT_BYTES = 32

Headers = Sequence[tuple[str, bytes]]
"""Kafka record headers exactly as they arrived: order, repetitions and all."""

_SOURCE = re.compile(
    r"privity/(?P<service>[a-z][a-z0-9-]{0,62})/(?P<partition>0|[1-9][0-9]{0,8})"
    r"\?epoch=(?P<epoch>[1-9][0-9]{0,8})"
)
_SEQUENCE = re.compile(r"[1-9][0-9]{0,15}")
_SUBJECT = re.compile(r"[a-z0-9_]{0,60}_id")


@dataclass(frozen=True)
class Coordinates:
    """Where an event stands: its id and its place in its owner's stream."""

    event_id: UUID
    service: str
    partition: int
    epoch: int
    sequence: int


def coordinates(headers: Headers) -> Coordinates | None:
    """The place an event claims by its headers; None when it claims none that can be counted."""
    source = _SOURCE.fullmatch(header(headers, "ce_source") or "")
    sequence = _SEQUENCE.fullmatch(header(headers, "ce_sequence") or "")
    event_id = _uuid(header(headers, "ce_id"))
    if source is None or sequence is None or event_id is None:
        return None
    return Coordinates(
        event_id=event_id,
        service=source["service"],
        partition=int(source["partition"]),
        epoch=int(source["epoch"]),
        sequence=int(sequence[0]),
    )


def public_entry(where: Coordinates, *, recorded_at: datetime, value: bytes, meta: bytes) -> bytes:
    """The bytes of the leaf; at most 4 KiB whatever the event holds."""
    entry = canonical(
        {
            "v": VERSION,
            "event_id": str(where.event_id),
            "service": where.service,
            "stream": {"partition": where.partition, "epoch": where.epoch},
            "sequence": where.sequence,
            "recorded_at": timestamp(recorded_at),
            "value_sha256": sha256(value).hexdigest(),
            "meta": meta.hex(),
        }
    )
    assert len(entry) <= MAX_BYTES, "a public entry has no member that can grow"
    return entry


def metadata(headers: Headers, subjects: Mapping[str, str]) -> bytes:
    """What `meta` commits to, as canonical JSON (RFC 8785).

        {"headers":[["ce_id","<base64>"],…],"subjects":{"client_id":"…"},"time":"…","type":"…"}

    `headers` are all of them in the order of the record; `type` and `time` repeat `ce_type` and
    `ce_time` as text, null where there is none; `subjects` as `subjects_of` finds them.
    """
    return canonical(
        {
            "type": header(headers, "ce_type"),
            "time": header(headers, "ce_time"),
            "subjects": dict(subjects),
            "headers": [[name, base64.b64encode(raw).decode()] for name, raw in headers],
        }
    )


def subjects_of(value: object) -> dict[str, str]:
    """Whom and what an event is about: the members of its value whose name ends in `_id` and whose
    value is text, as found; none when the value is not a JSON object."""
    if not isinstance(value, dict):
        return {}
    return {
        name: found
        for name, found in value.items()
        if isinstance(found, str) and _SUBJECT.fullmatch(name)
    }


def parsed(value: bytes) -> object:
    """The value as JSON, None when it is none: the record keeps bytes, whatever they say."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def commitment(salt: bytes, canonical_metadata: bytes) -> bytes:
    """`meta`: HMAC-SHA256 under the entry's own salt."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt is {SALT_BYTES} bytes")
    return hmac.digest(salt, canonical_metadata, "sha256")


def canonical(value: object) -> bytes:
    """RFC 8785 for text, integers, null, lists and objects with ASCII names: all that is used."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def timestamp(instant: datetime) -> str:
    """RFC 3339 in UTC with six decimals: `2026-07-10T20:30:00.000000Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def header(headers: Headers, name: str) -> str | None:
    """The first header of that name as text; bytes that are not UTF-8 become U+FFFD."""
    return next((raw.decode(errors="replace") for key, raw in headers if key == name), None)


def _uuid(text: str | None) -> UUID | None:
    """Only the canonical spelling: one id, one spelling, or a copy would pass for another event."""
    try:
        found = UUID(text or "")
    except ValueError:
        return None
    return found if str(found) == text else None
