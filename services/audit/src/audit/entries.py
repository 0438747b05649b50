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

import hmac
import re
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from asyncpg.pgproto import pgproto

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


class Coordinates(NamedTuple):
    """Where an event stands: its id and its place in its owner's stream. A tuple, as are the other
    values of which a poll makes thousands: they are made several times as fast as a dataclass."""

    event_id: UUID
    service: str
    partition: int
    epoch: int
    sequence: int


def coordinates(headers: Headers) -> Coordinates | None:
    """The place an event claims by its headers; None when it claims none that can be counted."""
    source = _SOURCE.fullmatch(header(headers, "ce_source") or "")
    sequence = _SEQUENCE.fullmatch(header(headers, "ce_sequence") or "")
    event_id = _uuid(header(headers, "ce_id") or "")
    if source is None or sequence is None or event_id is None:
        return None
    service, partition, epoch = source.groups()
    return Coordinates(event_id, service, int(partition), int(epoch), int(sequence[0]))


def public_entry(
    where: Coordinates, *, recorded_at: str, value_sha256: bytes, meta: bytes
) -> bytes:
    """The bytes of the leaf, `recorded_at` as `timestamp` spells it.

    Put together by hand: it is what `canonical` gives of the same members (a test compares), as
    none of them can hold what JSON escapes, nor grow.
    """
    event_id, service, partition, epoch, sequence = where
    entry = (
        f'{{"event_id":"{event_id}","meta":"{meta.hex()}","recorded_at":"{recorded_at}",'
        f'"sequence":{sequence},"service":"{service}",'
        f'"stream":{{"epoch":{epoch},"partition":{partition}}},'
        f'"v":{VERSION},"value_sha256":"{value_sha256.hex()}"}}'
    ).encode()
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
            "headers": [(name, b2a_base64(raw, newline=False).decode()) for name, raw in headers],
            "subjects": subjects,
            "time": header(headers, "ce_time"),
            "type": header(headers, "ce_type"),
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
        if name[-3:] == "_id" and isinstance(found, str) and _SUBJECT.fullmatch(name)
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
    for key, raw in headers:
        if key == name:
            return raw.decode(errors="replace")
    return None


def _uuid(text: str) -> UUID | None:
    """Only the canonical spelling: one id, one spelling, or a copy would pass for another event."""
    found = uuid_of(text)
    return found if str(found) == text else None


def uuid_of(text: str) -> UUID | None:
    """The id that a text spells. By asyncpg's own class, which is a UUID to all that asks and read
    ten times as fast as the standard library's: a poll reads thousands."""
    try:
        found: UUID = pgproto.UUID(text)
    except ValueError:
        return None
    return found
