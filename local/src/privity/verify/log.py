"""A log over plain HTTP (c2sp.org/tlog-tiles): every entry hashed again, every tile compared,
every stream counted, and all of it compared with what was seen before."""

import base64
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx2

from privity.verify import memory
from privity.verify.entries import MAX_ENTRY, Streams, parse_entry
from privity.verify.notes import Checkpoint, Verifier, cosigned_at, open_checkpoint
from privity.verify.report import Doubt, Report
from privity.verify.tree import Stack

TILE_WIDTH = 256
MAX_NOTE = 64 * 1024
MAX_TOLD = 20


@dataclass(frozen=True)
class Log:
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


class Reading:
    """One pass over the log: entries in order, and beside them every hash tile they must give."""

    def __init__(self, log: Log, size: int, watch: Collection[int]) -> None:
        self.log, self.size, self.watch = log, size, watch
        self.tree, self.streams = Stack(), Streams()
        self.watched = {0: self.tree.root()}  # the roots of the sizes to watch
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
        if index + 1 in self.watch:
            self.watched[index + 1] = self.tree.root()
        try:
            parsed = parse_entry(entry)
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
            subtree = Stack()
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


def verify_log(
    log: Log, verifier: Verifier, key: str, state: Path | None, witnesses: Sequence[Verifier] = ()
) -> Report:
    # First, so that what was cosigned is no larger than the log that is read.
    seen, cosigned = _cosigned(log, verifier, witnesses) if witnesses else (None, [])
    note = log.fetch("checkpoint", MAX_NOTE)
    head = open_checkpoint(note, verifier)
    past = memory.remembered(state, head.origin, key, verifier, note)
    reading = Reading(log, head.size, {one.size for one in (past, seen) if one})
    reading.read()
    doubts = [*reading.doubts, *_root_doubts(reading, head, past), *reading.streams.doubts()]
    if seen and reading.watched.get(seen.size) != seen.root:
        doubts.append(f"The {seen.size} entries that were cosigned are not those of this log.")
    told = doubts[:MAX_TOLD] + [f"… and {len(doubts) - MAX_TOLD} more."] * (len(doubts) > MAX_TOLD)
    if not doubts and state:
        memory.remember(state, head.origin, key, note)
    return Report(
        target=log.address,
        origin=head.origin,
        size=head.size,
        root=base64.b64encode(head.root).decode(),
        checkpoint=note.decode(),
        streams=tuple(reading.streams.found()),
        proved=(*_proved(head, past, reading), *cosigned) if not doubts else (),
        doubts=tuple(told),
    )


def _cosigned(
    log: Log, verifier: Verifier, witnesses: Sequence[Verifier]
) -> tuple[Checkpoint, list[str]]:
    """The newest checkpoint that was cosigned: the very newest is not yet, while a log grows."""
    note = log.fetch("witnessed", MAX_NOTE)
    seen, told = open_checkpoint(note, verifier), list[str]()
    for one in witnesses:
        at = cosigned_at(note, one)
        if at is None:
            raise Doubt(f"{one.name} did not cosign the checkpoint of {seen.size} entries.")
        told.append(f"{one.name} cosigned its first {seen.size} entries on {at}.")
    return seen, told


def _root_doubts(reading: Reading, head: Checkpoint, past: Checkpoint | None) -> Iterator[str]:
    if reading.tree.root() != head.root:
        yield f"The {head.size} entries do not hash to the signed root: they were altered."
    if past is None:
        return
    if past.size > head.size:
        yield f"The log shrank: it showed {past.size} entries before, now {head.size}."
    elif reading.watched.get(past.size) != past.root:
        yield f"The past was rewritten: the first {past.size} entries are not those seen before."


def _proved(head: Checkpoint, past: Checkpoint | None, reading: Reading) -> Iterator[str]:
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
