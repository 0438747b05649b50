"""A published log of which any leaf, byte, order, tile or checkpoint was changed, dropped, added,
swapped or rolled back: `privity verify` and Tessera's verifier both doubt it, each time.

`make test` samples a few; TAMPERINGS=2000 and LEAVES=100000 in the environment ask for more.
"""

import json
import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from audit import entries, merkle
from audit.checkpoints import Checkpoint, Signer, signer_of
from audit.tiles import Tile, bundle, width_in
from privity.verify import verify
from support.stranger import built

TAMPERINGS = int(os.environ.get("TAMPERINGS", "200"))
LEAVES = int(os.environ.get("LEAVES", "2000"))
SEEN = LEAVES * 3 // 4
START = datetime(2026, 7, 10, 20, 30, tzinfo=UTC)
ADDRESS = "http://log.test/log"

Files = dict[str, bytes]
Leaves = list[bytes]


def entry(index: int, **changed: Any) -> bytes:
    service = ("matters", "messaging")[index % 2]
    own = entries.Coordinates(UUID(int=index + 1), service, index % 3, 1, index // 6 + 1)
    place = own._replace(**changed)
    return entries.public_entry(
        place,
        recorded_at=entries.timestamp(START + timedelta(seconds=index)),
        value_sha256=sha256(b"value %d" % index).digest(),
        meta=bytes(32),
    )


def tiles(leaves: Leaves) -> tuple[Files, bytes]:
    """Every tile and bundle of a log of these leaves, and its root."""
    hashes = merkle.extend(0, {}, [merkle.leaf_hash(leaf) for leaf in leaves])
    files: Files = {}
    for level in (None, 0, 1, 2):
        index = 0
        while width := width_in(Tile(level, index), len(leaves)):
            tile = Tile(level, index, width)
            places = range(tile.first, tile.first + tile.width)
            files[tile.path] = (
                bundle([leaves[place] for place in places])
                if level is None
                else b"".join(hashes[tile.tree_level, place] for place in places)
            )
            index += 1
    return files, merkle.root(len(leaves), hashes)


@dataclass
class Log:
    """A log as files, as a web server and a folder have them; what was seen of it before."""

    signer: Signer
    leaves: Leaves
    folder: Path
    files: Files = field(default_factory=dict)

    def publish(self, leaves: Leaves) -> None:
        files, root = tiles(leaves)
        note = self.signer.sign(Checkpoint(self.signer.name, len(leaves), root).text)
        self.show(files | {"checkpoint": note.encode()})

    def show(self, files: Files) -> None:
        """Only what differs is written."""
        for path in self.files.keys() - files.keys():
            (self.folder / path).unlink()
        for path, content in files.items():
            if self.files.get(path) != content:
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / path).write_bytes(content)
        self.files = dict(files)

    def by_privity(self, state: Path) -> bool:
        def answer(request: httpx2.Request) -> httpx2.Response:
            content = self.files.get(request.url.path.removeprefix("/log/"))
            return httpx2.Response(404 if content is None else 200, content=content or b"")

        with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
            return verify(ADDRESS, key=self.signer.verifier, state=state, http=http).ok


class Stranger:
    """The verifier that others wrote, kept running: it looks anew each time it is asked. What it
    dies of (a library that panics at what it reads) is not proved; it is started again."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self._running: subprocess.Popen[str] | None = None

    def is_proved(self) -> bool:
        running = self._running = self._running or subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert running.stdin
        assert running.stdout
        running.stdin.write("\n")
        answer = running.stdout.readline()
        if answer != "proved\n":
            assert answer in ("not proved\n", "")
        if not answer:
            self.end()
        return answer == "proved\n"

    def end(self) -> None:
        if self._running:
            self._running.kill()
            self._running.communicate()
            self._running = None


# By one without the key: the checkpoint stays, or is damaged, or is an older one.


def flipped(log: Log) -> None:
    path = random.choice(sorted(log.files))
    content = bytearray(log.files[path])
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    log.show({**log.files, path: bytes(content)})


def dropped(log: Log) -> None:
    path = random.choice(sorted(log.files))
    log.show({one: content for one, content in log.files.items() if one != path})


def swapped(log: Log) -> None:
    one, other = random.sample(sorted(log.files), 2)
    log.show({**log.files, one: log.files[other], other: log.files[one]})


def cut(log: Log) -> None:
    path = random.choice(sorted(log.files))
    log.show({**log.files, path: log.files[path][: -random.randrange(1, 40)]})


def lengthened(log: Log) -> None:
    path = random.choice([one for one in sorted(log.files) if one != "checkpoint"])
    log.show({**log.files, path: log.files[path] + random.randbytes(random.randrange(1, 40))})


def around(change: Callable[[Leaves], None]) -> Callable[[Log], None]:
    """All tiles are made anew around changed leaves; only the checkpoint cannot be."""

    def tamper(log: Log) -> None:
        leaves = list(log.leaves)
        change(leaves)
        files, _ = tiles(leaves)
        log.show(files | {"checkpoint": log.files["checkpoint"]})

    return tamper


def with_key(change: Callable[[Leaves], None]) -> Callable[[Log], None]:
    """By one who signs: what was seen before shows it."""

    def tamper(log: Log) -> None:
        leaves = list(log.leaves)
        change(leaves)
        log.publish(leaves)

    return tamper


def at(index: int) -> int:
    return random.randrange(min(index, SEEN))


def altered(leaves: Leaves) -> None:
    place = at(len(leaves))
    told = json.loads(leaves[place]) | {"value_sha256": random.randbytes(32).hex()}
    leaves[place] = entries.canonical(told)


def renumbered(leaves: Leaves) -> None:
    place = at(len(leaves))
    leaves[place] = entry(place, sequence=random.randrange(1, 10**6))


def moved_to_another_stream(leaves: Leaves) -> None:
    place = at(len(leaves))
    leaves[place] = entry(place, partition=random.randrange(3, 12))


def left_out(leaves: Leaves) -> None:
    del leaves[at(len(leaves))]


def put_in(leaves: Leaves) -> None:
    leaves.insert(at(len(leaves)), entry(10**6))


def exchanged(leaves: Leaves) -> None:
    one, other = random.sample(range(SEEN), 2)
    leaves[one], leaves[other] = leaves[other], leaves[one]


def rolled_back(leaves: Leaves) -> None:
    del leaves[random.randrange(1, SEEN) :]


CHANGES = (altered, renumbered, moved_to_another_stream, left_out, put_in, exchanged)
WAYS: list[Callable[[Log], None]] = [
    *(flipped, dropped, swapped, cut, lengthened),
    *(around(change) for change in (*CHANGES, rolled_back)),
    *(with_key(change) for change in (*CHANGES, rolled_back)),
]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(signer_of("firm.example/log", os.urandom(32)), [], tmp_path / "log")
    made.leaves = [entry(index) for index in range(LEAVES)]
    return made


def sampled(log: Log, is_proved: Callable[[], bool]) -> None:
    """Each way in turn; a tampering that happened to change nothing does not count."""
    whole = dict(log.files)
    assert is_proved()
    for number in range(TAMPERINGS):
        way = WAYS[number % len(WAYS)]
        way(log)
        if log.files != whole:
            assert not is_proved(), f"tampering {number}: {way.__qualname__}"
        log.show(whole)
    assert is_proved()


@pytest.mark.timeout(7200)
def test_every_sampled_tampering_is_doubted_by_privity_verify(log: Log, tmp_path: Path) -> None:
    log.publish(log.leaves[:SEEN])
    assert log.by_privity(tmp_path / "state")
    log.publish(log.leaves)
    sampled(log, lambda: log.by_privity(tmp_path / "state"))


@pytest.mark.timeout(7200)
def test_every_sampled_tampering_is_doubted_by_the_verifier_that_others_wrote(
    log: Log, tmp_path: Path
) -> None:
    program, seen = built(tmp_path), tmp_path / "seen"
    log.publish(log.leaves[:SEEN])
    seen.write_bytes(log.files["checkpoint"])
    log.publish(log.leaves)
    address, key = f"file://{log.folder}", log.signer.verifier
    stranger = Stranger(program, address, key, str(seen), "again")
    try:
        sampled(log, stranger.is_proved)
    finally:
        stranger.end()
