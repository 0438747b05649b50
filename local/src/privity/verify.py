"""Checks a log from outside, trusting nothing but the verifier key: signature, root, every leaf and
tile, every stream, and that the past is the one seen before. It shares no code with the server.

Formats: C2SP tlog-tiles, tlog-checkpoint and signed-note; RFC 6962 §2.1; the public entry of
services/audit/src/audit/entries.py, which is restated here on purpose.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TILE_WIDTH = 256
MAX_ENTRY = 4096
MAX_NOTE = 64 * 1024
MAX_TOLD = 20
HEX_64 = re.compile(r"[0-9a-f]{64}")
SERVICE = re.compile(r"[a-z][a-z0-9-]*")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
MEMBERS = {
    "v", "event_id", "service", "stream", "sequence", "recorded_at", "value_sha256", "meta",
}  # fmt: skip


@dataclass(frozen=True)
class Stream:
    """What the log holds of one stream: 1…`contiguous` whole, `head` the highest number seen."""

    service: str
    partition: int
    epoch: int
    contiguous: int
    head: int
    missing: int


@dataclass(frozen=True)
class Report:
    """`ok` only if nothing at all was doubtful. `proved` and `doubts` are sentences for people.

    `checkpoint` is the signed note, as the log served it.
    """

    target: str
    origin: str | None = None
    size: int = 0
    root: str | None = None
    checkpoint: str | None = None
    streams: tuple[Stream, ...] = ()
    proved: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.doubts and bool(self.proved)

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}


class Doubt(Exception):
    """What makes going on pointless, as a sentence."""


def verify(
    target: str,
    *,
    key: str | None = None,
    state: Path | None = None,
    http: httpx2.Client | None = None,
) -> Report:
    """Checks the log at `target`, such as http://127.0.0.1:8080/v1/record/log.

    `key` is the log's verifier key (`name+id+base64`), got from elsewhere than the log. In the
    directory `state` the last checkpoint seen of each origin is kept; a log that does not extend
    it is refused. Never raises for what the log does: whatever is wrong becomes a doubt.
    """
    try:
        if not re.match(r"https?://[^/]", target):
            raise Doubt(
                f"{target!r} is not the address of a log (http://… or https://…). "
                "Exported bundles cannot be checked by this version."
            )
        verifier = _parse_key(key)
        with nullcontext(http) if http else httpx2.Client(timeout=30) as client:
            return _verify_log(_Log(client, target.rstrip("/")), verifier, key or "", state)
    except Doubt as doubt:
        return Report(target, doubts=(str(doubt),))


def _verify_log(log: "_Log", verifier: "_Verifier", key: str, state: Path | None) -> Report:
    note = log.fetch("checkpoint", MAX_NOTE)
    head = _open_checkpoint(note, verifier)
    past = _remembered(state, head.origin, key, verifier)
    reading = _Reading(log, head.size, watch=past.size if past else None)
    reading.read()
    doubts = [*reading.doubts, *_root_doubts(reading, head, past), *reading.streams.doubts()]
    told = doubts[:MAX_TOLD] + [f"… and {len(doubts) - MAX_TOLD} more."] * (len(doubts) > MAX_TOLD)
    if not doubts and state:
        _remember(state, head.origin, key, note)
    return Report(
        target=log.address,
        origin=head.origin,
        size=head.size,
        root=base64.b64encode(head.root).decode(),
        checkpoint=note.decode(),
        streams=tuple(reading.streams.found()),
        proved=tuple(_proved(head, past, reading)) if not doubts else (),
        doubts=tuple(told),
    )


def _root_doubts(
    reading: "_Reading", head: "_Checkpoint", past: "_Checkpoint | None"
) -> Iterator[str]:
    if reading.tree.root() != head.root:
        yield f"The {head.size} entries do not hash to the signed root: they were altered."
    if past is None:
        return
    if past.size > head.size:
        yield f"The log shrank: it showed {past.size} entries before, now {head.size}."
    elif reading.watched != past.root:
        yield f"The past was rewritten: the first {past.size} entries are not those seen before."


def _proved(head: "_Checkpoint", past: "_Checkpoint | None", reading: "_Reading") -> Iterator[str]:
    streams = reading.streams.found()
    yield f"The checkpoint of {head.size} entries is signed by {head.origin}."
    yield f"All {head.size} entries, hashed again, give exactly the signed root."
    yield f"Every hash tile agrees with the entries ({reading.tiles} compared)."
    yield (
        f"All {len(streams)} streams of {len({stream.service for stream in streams})} services are "
        "whole: 1, 2, 3 … without a gap, a fork or a repetition."
    )
    if past:
        yield f"The {past.size} entries seen before are all still there, unchanged."
    else:
        yield "This log was not seen from here before; the next check is compared with this one."


# The checkpoint: c2sp.org/signed-note, c2sp.org/tlog-checkpoint.


@dataclass(frozen=True)
class _Verifier:
    name: str
    key_id: bytes
    key: Ed25519PublicKey


@dataclass(frozen=True)
class _Checkpoint:
    origin: str
    size: int
    root: bytes


def _parse_key(key: str | None) -> _Verifier:
    if not key:
        raise Doubt("No verifier key: give it with --key (`privity status` shows the local log's).")
    name, _, rest = key.partition("+")
    key_id, _, encoded = rest.partition("+")
    material = _unbase64(encoded)
    if not name or len(material) != 33 or material[0] != 1:
        raise Doubt("The verifier key is not an Ed25519 key of the signed-note format.")
    if sha256(name.encode() + b"\n" + material).digest()[:4].hex() != key_id:
        raise Doubt("The verifier key is damaged: its id is not that of its key.")
    return _Verifier(name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(material[1:]))


def _open_checkpoint(note: bytes, verifier: _Verifier) -> _Checkpoint:
    lines = _signed_text(note, verifier).split("\n")
    if len(lines) < 4 or not NUMBER.fullmatch(lines[1]):
        raise Doubt("The checkpoint is not of the form origin, size, root.")
    if lines[0] != verifier.name:
        raise Doubt(f"The checkpoint is of {lines[0]}, the key is of {verifier.name}.")
    root = _unbase64(lines[2])
    if len(root) != 32:
        raise Doubt("The root in the checkpoint is not a SHA-256 hash.")
    return _Checkpoint(lines[0], int(lines[1]), root)


def _signed_text(note: bytes, verifier: _Verifier) -> str:
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise Doubt("The checkpoint is not text.") from None
    cut = whole.rfind("\n\n")
    if cut < 0 or not whole.endswith("\n"):
        raise Doubt("The checkpoint is not a signed note.")
    text, signed = whole[: cut + 1], False
    for line in whole[cut + 2 : -1].split("\n"):
        name, raw = _signature(line)
        if name == verifier.name and raw[:4] == verifier.key_id:
            _check_signature(verifier, raw[4:], text)
            signed = True
    if not signed:
        raise Doubt(f"The checkpoint is not signed by the key of {verifier.name}.")
    return text


def _signature(line: str) -> tuple[str, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not parts[1]:
        raise Doubt("The checkpoint has a malformed signature line.")
    return parts[1], _unbase64(parts[2])


def _check_signature(verifier: _Verifier, signature: bytes, text: str) -> None:
    try:
        verifier.key.verify(signature, text.encode())
    except InvalidSignature:
        raise Doubt(f"The signature of {verifier.name} on the checkpoint is wrong.") from None


def _unbase64(encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise Doubt(f"{encoded[:60]!r} is not base64.") from None
    if base64.b64encode(raw).decode() != encoded:
        raise Doubt(f"{encoded[:60]!r} is not canonical base64.")
    return raw


# The tree: leaves are pushed on a stack of complete subtrees; equal heights merge.


class _Stack:
    """RFC 6962's Merkle Tree Hash of the leaves pushed so far."""

    def __init__(self) -> None:
        self.peaks: list[tuple[int, bytes]] = []

    def push(self, hashed: bytes) -> None:
        height = 0
        while self.peaks and self.peaks[-1][0] == height:
            hashed = sha256(b"\x01" + self.peaks.pop()[1] + hashed).digest()
            height += 1
        self.peaks.append((height, hashed))

    def root(self) -> bytes:
        if not self.peaks:
            return sha256(b"").digest()
        whole = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            whole = sha256(b"\x01" + left + whole).digest()
        return whole


class _Reading:
    """One pass over the log: entries in order, and beside them every hash tile they must give."""

    def __init__(self, log: "_Log", size: int, watch: int | None) -> None:
        self.log, self.size, self.watch = log, size, watch
        self.tree, self.streams = _Stack(), _Streams()
        self.watched: bytes | None = self.tree.root() if watch == 0 else None
        self.rows: list[list[bytes]] = []  # of each tile level, the hashes since the last full tile
        self.full: list[int] = []  # of each tile level, how many full tiles were passed
        self.tiles = 0
        self.doubts: list[str] = []
        self.last_instant = ""

    def read(self) -> None:
        for number in range(-(-self.size // TILE_WIDTH)):
            first = number * TILE_WIDTH
            for index, entry in enumerate(self._bundle(number), start=first):
                self._leaf(index, entry)
        for level, row in enumerate(self.rows):
            if row:
                self._check_tile(level, self.full[level], row)

    def _bundle(self, number: int) -> Iterator[bytes]:
        width = min(TILE_WIDTH, self.size - number * TILE_WIDTH)
        path = _tile_path("entries", number, width)
        raw, at = self.log.fetch(path, TILE_WIDTH * (2 + MAX_ENTRY)), 0
        for _ in range(width):
            length = int.from_bytes(raw[at : at + 2], "big")
            if at + 2 + length > len(raw):
                raise Doubt(f"{path} is cut short.")
            yield raw[at + 2 : at + 2 + length]
            at += 2 + length
        if at != len(raw):
            raise Doubt(f"{path} holds more than its {width} entries.")

    def _leaf(self, index: int, entry: bytes) -> None:
        hashed = sha256(b"\x00" + entry).digest()
        self.tree.push(hashed)
        self._hash(0, hashed)
        if index + 1 == self.watch:
            self.watched = self.tree.root()
        try:
            parsed = _parse_entry(entry)
        except (ValueError, RecursionError) as wrong:
            self.doubts.append(f"Entry {index} is not a public entry: {wrong}.")
            return
        if parsed.recorded_at < self.last_instant:
            self.doubts.append(f"Entry {index} was recorded before the entry in front of it.")
        self.last_instant = parsed.recorded_at
        self.streams.note(index, parsed)

    def _hash(self, level: int, hashed: bytes) -> None:
        if level == len(self.rows):
            self.rows.append([])
            self.full.append(0)
        row = self.rows[level]
        row.append(hashed)
        if len(row) == TILE_WIDTH:
            self._check_tile(level, self.full[level], row)
            subtree = _Stack()
            for below in row:
                subtree.push(below)
            self.rows[level], self.full[level] = [], self.full[level] + 1
            self._hash(level + 1, subtree.root())

    def _check_tile(self, level: int, number: int, row: list[bytes]) -> None:
        path = _tile_path(str(level), number, len(row))
        self.tiles += 1
        if self.log.fetch(path, TILE_WIDTH * 32) != b"".join(row):
            self.doubts.append(f"The hash tile {path} does not agree with the entries.")


def _tile_path(level: str, number: int, width: int) -> str:
    digits = f"{number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{path}" + (f".p/{width}" if width < TILE_WIDTH else "")


# The entries: what a public entry must look like, and that each stream counts 1, 2, 3 …


@dataclass(frozen=True)
class _Entry:
    event_id: str
    stream: tuple[str, int, int]
    sequence: int
    recorded_at: str


def _parse_entry(raw: bytes) -> _Entry:
    """Raises ValueError, saying what is wrong, for all but the one spelling of a sound entry."""
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
    return _Entry(
        event_id=entry["event_id"],
        stream=(entry["service"], _count(stream["partition"], 0), _count(stream["epoch"], 1)),
        sequence=_count(entry["sequence"], 1),
        recorded_at=entry["recorded_at"],
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


class _Streams:
    """Which sequence numbers were seen of each (service, partition, epoch)."""

    def __init__(self) -> None:
        self.contiguous: dict[tuple[str, int, int], int] = {}
        self.ahead: dict[tuple[str, int, int], set[int]] = {}
        self.events: set[int] = set()
        self.repeated: list[str] = []

    def note(self, index: int, entry: _Entry) -> None:
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


# The outside: HTTP, and what was seen before.


@dataclass(frozen=True)
class _Log:
    client: httpx2.Client
    address: str

    def fetch(self, path: str, limit: int) -> bytes:
        """The body of one resource; raises Doubt unless it is a 200 of at most `limit` bytes."""
        try:
            with self.client.stream("GET", f"{self.address}/{path}") as response:
                if response.status_code != 200:
                    raise Doubt(f"{path} could not be read: HTTP {response.status_code}.")
                body = b""
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > limit:
                        raise Doubt(f"{path} is larger than it can be.")
                return body
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Doubt(f"{self.address}/{path} could not be read: {error}.") from error


def _remembered(
    state: Path | None, origin: str, key: str, verifier: _Verifier
) -> _Checkpoint | None:
    """The last checkpoint seen of this origin. Another key under the same name is a doubt."""
    if state is None or not (file := _memory(state, origin)).exists():
        return None
    try:
        kept = json.loads(file.read_bytes())
        kept_key, note = kept["key"], kept["note"].encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Doubt(f"What was remembered of {origin} in {file} cannot be read.") from None
    if kept_key != key:
        raise Doubt(f"{origin} was seen with another key before, remembered in {file}.")
    return _open_checkpoint(note, verifier)


def _remember(state: Path, origin: str, key: str, note: bytes) -> None:
    """The whole note is kept: should the log ever contradict it, both signatures are evidence."""
    file = _memory(state, origin)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"key": key, "note": note.decode()}, ensure_ascii=False))
    fresh.replace(file)


def _memory(state: Path, origin: str) -> Path:
    return state / f"checkpoint-{sha256(origin.encode()).hexdigest()[:16]}.json"
