"""Proves the record again from its rows, page by page: every entry, hash, number and checkpoint.
Pure: it is given rows and says what is wrong with them."""

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from audit import entries, merkle
from audit.checkpoints import BadNote, Checkpoint, Signer, open_checkpoint
from audit.merkle import Node


@dataclass(frozen=True)
class Problem:
    """What is wrong, and with what: found again, it is the same finding."""

    kind: str
    subject: str
    words: str


@dataclass
class Proving:
    """What must be remembered between two pages: the right edge of the tree, and the numbers."""

    signer: Signer
    retired: Sequence[str] = ()
    checked: int = 0
    nodes: int = 0
    edge: dict[Node, bytes] = field(default_factory=dict)
    last_recorded: str = ""
    contiguous: dict[tuple[str, int, int], int] = field(default_factory=dict)
    ahead: dict[tuple[str, int, int], set[int]] = field(default_factory=dict)

    def page(
        self,
        rows: Sequence[Any],
        stored: Mapping[Node, bytes],
        checkpoints: Sequence[Any],
        width: int,
    ) -> Iterator[Problem]:
        """Rows of `entries` from `checked` on, which must be `width`; the stored hashes that these
        make complete; the checkpoints of these sizes."""
        if [row.index for row in rows] != [*range(self.checked, self.checked + width)]:
            words = f"Of the {width} entries from {self.checked} on only {len(rows)} are there."
            yield Problem("entries-missing", f"from {self.checked}", words)
        for row in rows:
            yield from self._entry(row)
        leaves = [merkle.leaf_hash(row.entry) for row in rows]
        made = merkle.extend(self.checked, self.edge, leaves)
        self.nodes += len(made)
        yield from _hashes(made, stored)
        hashes = self.edge | made
        for one in checkpoints:
            yield from self._checkpoint(one, hashes)
        self.checked += width
        wanted = merkle.covering((0, self.checked))
        self.edge = {node: hashes[node] for node in wanted if node in hashes}

    def gaps(self) -> Iterator[Problem]:
        """Numbers that never came, when all entries were read."""
        for (service, partition, epoch), numbers in sorted(self.ahead.items()):
            last = self.contiguous[service, partition, epoch]
            if numbers:
                words = f"Number {last + 1} never came, though {max(numbers)} did."
                yield Problem("gap", f"privity/{service}/{partition}?epoch={epoch}", words)

    def _entry(self, row: Any) -> Iterator[Problem]:
        """Whatever bytes somebody put there, the audit goes on."""
        try:
            yield from list(self._told(row))
        except (ValueError, KeyError, TypeError, RecursionError):
            yield _of(row, "entry-malformed", "is no public entry")

    def _told(self, row: Any) -> Iterator[Problem]:
        told = json.loads(row.entry)
        where = _where(told)
        if entries.canonical(told) != row.entry:
            yield _of(row, "entry-malformed", "is not canonical")
        if sha256(row.value).hexdigest() != told["value_sha256"]:
            yield _of(row, "value-altered", "has another value than it commits to")
        if hmac.digest(row.salt, row.metadata, "sha256").hex() != told["meta"]:
            yield _of(row, "metadata-altered", "has other metadata than it commits to")
        if told["recorded_at"] < self.last_recorded:
            yield _of(row, "time-went-back", "was recorded before the entry in front of it")
        self.last_recorded = max(told["recorded_at"], self.last_recorded)
        if where != (str(row.event_id), row.service, row.partition, row.epoch, row.sequence):
            yield _of(row, "row-altered", "stands in a row that says another place")
        if not self._count(where):
            yield _of(row, "number-twice", f"is a second number {where[4]} of its stream")

    def _count(self, where: tuple[str, str, int, int, int]) -> bool:
        _, service, partition, epoch, sequence = where
        stream = (service, partition, epoch)
        last = self.contiguous.setdefault(stream, 0)
        ahead = self.ahead.setdefault(stream, set())
        if sequence <= last or sequence in ahead:
            return False
        ahead.add(sequence)
        while last + 1 in ahead:
            last += 1
            ahead.discard(last)
        self.contiguous[stream] = last
        return True

    def _checkpoint(self, row: Any, hashes: Mapping[Node, bytes]) -> Iterator[Problem]:
        subject = f"checkpoint {row.size}"
        try:
            signed = self._opened(row.note)
        except BadNote as error:
            words = f"The note of size {row.size} cannot be believed: {error}."
            yield Problem("checkpoint-altered", subject, words)
            return
        try:
            root = merkle.root(row.size, hashes)
        except KeyError:
            root = b""
        if (signed.size, signed.root, row.root) != (row.size, root, root):
            words = f"The first {row.size} entries are not those that were signed for."
            yield Problem("checkpoint-wrong", subject, words)

    def _opened(self, note: str) -> Checkpoint:
        """Signed by a key that signs now, or by one that did then."""
        for verifier in self.retired:
            try:
                return open_checkpoint(note, verifier, self.signer.name)
            except BadNote:
                continue
        return self.signer.open(note)


def _of(row: Any, kind: str, words: str) -> Problem:
    return Problem(kind, f"entry {row.index}", f"Entry {row.index} {words}.")


def _where(told: Any) -> tuple[str, str, int, int, int]:
    stream = told["stream"]
    place = int(stream["partition"]), int(stream["epoch"]), int(told["sequence"])
    return told["event_id"], told["service"], *place


def _hashes(made: Mapping[Node, bytes], stored: Mapping[Node, bytes]) -> Iterator[Problem]:
    wrong = [node for node, hashed in made.items() if stored.get(node) != hashed]
    for level, position in wrong[:10]:
        words = f"The stored hash {position} of level {level} is not that of its entries."
        yield Problem("hash-altered", f"hash {level}/{position}", words)
