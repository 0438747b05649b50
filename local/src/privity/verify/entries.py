"""What a public entry must look like, and that each stream counts 1, 2, 3 … The format is that of
services/audit/src/audit/entries.py, restated here on purpose."""

import json
import re
from dataclasses import dataclass

from privity.verify.report import Stream

MAX_ENTRY = 4096
HEX_64 = re.compile(r"[0-9a-f]{64}")
SERVICE = re.compile(r"[a-z][a-z0-9-]*")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MEMBERS = {
    "v", "event_id", "service", "stream", "sequence", "recorded_at", "value_sha256", "meta",
}  # fmt: skip


SOUND = re.compile(
    r'\{"event_id":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})","meta":"([0-9a-f]{64})",'
    r'"recorded_at":"([0-9]{4}(?:-[0-9]{2}){2}T(?:[0-9]{2}:){2}[0-9]{2}\.[0-9]{6}Z)",'
    r'"sequence":([1-9][0-9]{0,15}),"service":"([a-z][a-z0-9-]{0,99})","stream":'
    r'\{"epoch":([1-9][0-9]{0,15}),"partition":(0|[1-9][0-9]{0,15})\},'
    r'"v":1,"value_sha256":"([0-9a-f]{64})"\}'
)
"""The one spelling of nearly every entry, at once; what differs is looked at member by member."""


@dataclass(frozen=True, slots=True)
class Entry:
    event_id: str
    stream: tuple[str, int, int]
    sequence: int
    recorded_at: str
    meta: str
    value_sha256: str


def parse_entry(raw: bytes) -> Entry:
    """Raises ValueError, saying what is wrong, for all but the one spelling of a sound entry."""
    if (found := SOUND.fullmatch(raw.decode())) is None:
        return _parse_members(raw)
    event_id, meta, recorded_at, sequence, service, epoch, partition, digest = found.groups()
    stream = (service, int(partition), int(epoch))
    return Entry(event_id, stream, int(sequence), recorded_at, meta, digest)


def _parse_members(raw: bytes) -> Entry:
    entry = json.loads(raw)
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if len(raw) > MAX_ENTRY or canonical.encode() != raw:
        raise ValueError("not canonical JSON of at most 4 KiB")
    if not isinstance(entry, dict) or set(entry) != MEMBERS or _count(entry["v"], 1) != 1:
        raise ValueError("not the members of version 1")
    stream = entry["stream"]
    if not isinstance(stream, dict) or set(stream) != {"partition", "epoch"}:
        raise ValueError("no stream")
    _require(HEX_64, entry, "value_sha256", "meta")
    _require(INSTANT, entry, "recorded_at")
    _require(SERVICE, entry, "service")
    _require(EVENT_ID, entry, "event_id")
    return Entry(
        event_id=entry["event_id"],
        stream=(entry["service"], _count(stream["partition"], 0), _count(stream["epoch"], 1)),
        sequence=_count(entry["sequence"], 1),
        recorded_at=entry["recorded_at"],
        meta=entry["meta"],
        value_sha256=entry["value_sha256"],
    )


def _require(pattern: re.Pattern[str], entry: dict[str, object], *names: str) -> None:
    for name in names:
        found = entry[name]
        if not isinstance(found, str) or not pattern.fullmatch(found):
            raise ValueError(f"{name} is malformed")


def _count(found: object, least: int) -> int:
    if type(found) is not int or found < least:
        raise ValueError("a number is malformed")
    return found


class Streams:
    """Which sequence numbers were seen of each (service, partition, epoch)."""

    def __init__(self) -> None:
        self.contiguous: dict[tuple[str, int, int], int] = {}
        self.ahead: dict[tuple[str, int, int], set[int]] = {}
        self.events: set[int] = set()
        self.repeated: list[str] = []

    def note(self, index: int, entry: Entry) -> None:
        event = int(entry.event_id.replace("-", ""), 16)
        if event in self.events:
            self.repeated.append(f"Entry {index} repeats the event {entry.event_id}.")
        self.events.add(event)
        last = self.contiguous.setdefault(entry.stream, 0)
        ahead = self.ahead.setdefault(entry.stream, set())
        if entry.sequence <= last or entry.sequence in ahead:
            self.repeated.append(
                f"{_name(entry.stream)} forks: entry {index} is a second number {entry.sequence}."
            )
        ahead.add(entry.sequence)
        while last + 1 in ahead:  # a gap that was healed is filled by a later entry
            last += 1
            ahead.discard(last)
        self.contiguous[entry.stream] = last

    def found(self) -> list[Stream]:
        return [self._stream(key) for key in sorted(self.contiguous)]

    def _stream(self, key: tuple[str, int, int]) -> Stream:
        last = self.contiguous[key]
        ahead = {number for number in self.ahead[key] if number > last}
        head = max(ahead, default=last)
        return Stream(*key, contiguous=last, head=head, missing=head - last - len(ahead))

    def doubts(self) -> list[str]:
        gaps = [
            f"{_name((stream.service, stream.partition, stream.epoch))} has a gap: "
            f"{stream.missing} of its first {stream.head} events are missing, the first is "
            f"number {stream.contiguous + 1}."
            for stream in self.found()
            if stream.missing
        ]
        return self.repeated + gaps


def _name(stream: tuple[str, int, int]) -> str:
    service, partition, epoch = stream
    return f"The stream {service}/{partition} of epoch {epoch}"
