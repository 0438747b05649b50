"""The log: append → integrate → publish in one transaction, so that a size has one root, one note
and one set of entries for ever.

Every append first proves that the database still holds the log it last signed for: one that was put
back in time, or changed, is never built upon (`NotOurPast`).
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from audit import anchor, entries, merkle, readings, rows, streams
from audit.checkpoints import BadNote, Checkpoint, Signer
from audit.copies import Contradicted, Copies
from audit.merkle import Node
from audit.rows import Arrival, Head, Leaf, Number
from audit.streams import Progress, Stream
from shared.db import Database

log = structlog.get_logger()


class NotOurPast(Exception):
    """The database does not hold what this log signed for: nothing may be appended to it."""


@dataclass(frozen=True)
class Appended:
    """What one append added, and the checkpoint that its commit publishes."""

    leaves: Sequence[Leaf] = ()
    checkpoint: Checkpoint | None = None
    note: str = ""


class Log:
    """One process's hold on the log: its key, and the last checkpoint it knows to be signed."""

    def __init__(self, signer: Signer, checkpoint_file: Path, copies: Copies | None = None) -> None:
        self.signer = signer
        self._file = checkpoint_file
        self._copies = copies or Copies([])
        self._last: Checkpoint | None = None
        self._copied: int | None = None
        self._closed = False
        self._opening = asyncio.Lock()
        self.problem: str | None = "not yet compared with its last checkpoint"

    async def open(self, db: Database) -> None:
        """Compare with the checkpoint outside the database; raises NotOurPast. Safe to repeat."""
        async with self._opening:
            if self._closed:
                raise NotOurPast(self.problem)
            if self._last is None:
                copied = await self._copied_outside()
                async with db.transaction() as session:
                    last = await self._compare(session, copied)
                if self._closed:  # somebody outside contradicted it meanwhile
                    raise NotOurPast(self.problem)
                self._last, self.problem = last, None

    async def append(self, session: AsyncSession, arrivals: Sequence[Arrival]) -> Appended:
        """Make leaves of what is new, in this order; the caller's commit publishes them.

        Redeliveries are ignored; a number that another event has already is kept apart as a fork.
        Raises NotOurPast.
        """
        assert self._last is not None, "the log is opened before anything is appended"
        await rows.lock_head(session)
        head, edge = await self._verified_head(session, self._last)
        progress = await streams.progress(session, [one.where for one in arrivals])
        new = await _new_ones(session, arrivals, progress)
        if not new:
            return Appended()
        recorded_at = max(head.published_at, head.read_at)
        leaves = await rows.insert_entries(
            session, _leaves(head.checkpoint.size, new, recorded_at), recorded_at
        )
        await streams.advance(session, progress, [leaf.arrival.where for leaf in leaves])
        return await self._integrate(session, edge, leaves, recorded_at)

    async def published(self, appended: Appended) -> None:
        """Carry the checkpoint of a committed append out of the database.

        Dying before this leaves the file at an older size, which is still a prefix of the log. A
        file that cannot be written makes /readyz red; what is committed stays committed.
        """
        newest = appended.checkpoint
        if newest is None or (self._last is not None and newest.size <= self._last.size):
            return
        self._last = newest
        try:
            await asyncio.to_thread(anchor.write_checkpoint, self._file, appended.note)
            problem = None
        except OSError as error:
            problem = f"its checkpoint cannot be written outside the database: {error}"
            log.critical("no checkpoint outside", error=repr(error))
        if not self._closed:
            self.problem = problem

    async def copy(self, db: Database) -> None:
        """Keep the newest committed checkpoint in every store, if it is not there yet.

        Dying in between leaves some stores a size behind: still a prefix of the log.
        """
        async with db.transaction() as session:
            head = await rows.newest(session)
        if head is None or head.checkpoint.size == self._copied:
            return
        try:
            await self._copies.keep(head.checkpoint, head.note)
        except Contradicted as error:
            raise self.closed(str(error)) from error
        self._copied = head.checkpoint.size

    def closed(self, reason: str) -> NotOurPast:
        """For good, until a person acts: somebody outside holds another history."""
        self._last, self._closed = None, True
        return self._refusal(reason)

    async def _copied_outside(self) -> list[Checkpoint]:
        """The newest of each store of copies that is newer than the file."""
        in_file = self._in_file()
        try:
            return await self._copies.newest(self.signer, in_file.size if in_file else -1)
        except BadNote as error:
            raise self._refusal(f"a copy is not a checkpoint of this log: {error}") from error

    async def _compare(self, session: AsyncSession, copied: Sequence[Checkpoint]) -> Checkpoint:
        """With all that is known of the log outside its database."""
        await rows.lock_head(session)
        in_file = self._in_file()
        known = [*([in_file] if in_file else []), *copied]
        if await rows.newest(session) is None and all(one.size == 0 for one in known):
            return await self._begin(session)
        if in_file is None:
            raise self._refusal(f"its last checkpoint is not in {self._file}, but it was begun")
        for one in known:
            await self._verified_head(session, one)
        return max(known, key=lambda one: one.size)

    def _in_file(self) -> Checkpoint | None:
        try:
            return anchor.read_checkpoint(self._file, self.signer)
        except BadNote as error:
            raise self._refusal(f"{self._file} is not its last checkpoint: {error}") from error

    async def _begin(self, session: AsyncSession) -> Checkpoint:
        """A log without entries says so, outside first: from then on it can only grow."""
        empty = Checkpoint(self.signer.name, 0, merkle.EMPTY_ROOT)
        note = self.signer.sign(empty.text)
        await asyncio.to_thread(anchor.write_checkpoint, self._file, note)
        # Dying here leaves an empty log and a file that says so: the next start begins again.
        await rows.insert_checkpoint(session, empty, note, None)
        return empty

    async def _verified_head(
        self, session: AsyncSession, last: Checkpoint
    ) -> tuple[Head, dict[Node, bytes]]:
        """The newest checkpoint and the right edge of its tree, after proving from stored hashes
        that both it and the last one known have exactly their roots."""
        head = await rows.newest(session)
        if head is None or head.checkpoint.size < last.size:
            has = head.checkpoint.size if head else 0
            raise self._refusal(f"it has {has} entries and signed for {last.size}")
        self._check_note(head)
        spans = [(0, last.size), (0, head.checkpoint.size)]
        hashes = await rows.stored(session, merkle.nodes_of(spans))
        for known in (last, head.checkpoint):
            if not _gives(known, hashes):
                raise self._refusal(f"its first {known.size} entries are not those signed for")
        return head, hashes

    def _check_note(self, head: Head) -> None:
        try:
            signed = self.signer.open(head.note)
        except BadNote as error:
            raise self._refusal(f"its newest checkpoint is not signed by us: {error}") from error
        if signed != head.checkpoint:
            raise self._refusal("its newest checkpoint is not what its note says")

    def _refusal(self, reason: str) -> NotOurPast:
        self.problem = f"read-only: {reason}"
        log.critical("the log is read-only", reason=reason)
        return NotOurPast(f"the log is not what it was: {reason}")

    async def _integrate(
        self,
        session: AsyncSession,
        edge: dict[Node, bytes],
        leaves: Sequence[Leaf],
        recorded_at: datetime,
    ) -> Appended:
        """Grow the tree by the leaves and sign its new head, in the transaction that adds them."""
        size, grown = leaves[0].index, leaves[-1].index + 1
        levels = merkle.grow(size, edge, [leaf.hash for leaf in leaves])
        root = merkle.root(grown, edge | merkle.edge_of(grown, levels))
        checkpoint = Checkpoint(self.signer.name, grown, root)
        note = self.signer.sign(checkpoint.text)
        # The commit that follows is the only one: dying before it leaves the log as it was, and the
        # events come again; dying after it leaves all of entries, tree, note and offsets.
        await rows.insert_checkpoint(session, checkpoint, note, recorded_at)
        await rows.insert_subtrees(session, size, grown, levels)
        return Appended(leaves, checkpoint, note)


def _gives(checkpoint: Checkpoint, hashes: dict[Node, bytes]) -> bool:
    try:
        return merkle.root(checkpoint.size, hashes) == checkpoint.root
    except KeyError:
        return False


def _leaves(
    size: int, new: Sequence[tuple[Arrival, bytes]], recorded_at: datetime
) -> Iterator[Leaf]:
    """Of arrivals with the SHA-256 of their values: each event is parsed and hashed once."""
    salts = os.urandom(entries.SALT_BYTES * len(new))
    timestamp = entries.timestamp(recorded_at)
    for at, (arrival, digest) in enumerate(new):
        where, headers, value = arrival
        told = entries.parsed(value)
        metadata = entries.metadata(headers, entries.subjects_of(told))
        salt = salts[at * entries.SALT_BYTES : (at + 1) * entries.SALT_BYTES]
        meta = entries.commitment(salt, metadata)
        entry = entries.public_entry(where, recorded_at=timestamp, value_sha256=digest, meta=meta)
        reading = readings.read(headers, told, recorded_at)
        hashed = merkle.leaf_hash(entry)
        yield Leaf(size + at, arrival, entry, hashed, salt, metadata, reading)


async def _new_ones(
    session: AsyncSession, arrivals: Sequence[Arrival], progress: Mapping[Stream, Progress]
) -> list[tuple[Arrival, bytes]]:
    """Arrivals whose id and number are both free, with the SHA-256 of their values; what
    contradicts the log goes to `forks`. A number above all that were heard is free."""
    by_id = await rows.known_by_id(session, [one.where.event_id for one in arrivals])
    again = [
        where
        for where, _, _ in arrivals
        if (heard := progress.get(where[1:4])) and where.sequence <= heard.head
    ]
    numbers = await rows.taken(session, again) if again else set[Number]()
    new: list[tuple[Arrival, bytes]] = []
    forks: list[Arrival] = []
    for one in arrivals:
        where, digest = one.where, sha256(one.value).digest()
        number, known = where[1:], by_id.get(where.event_id)
        if known == (where, digest):
            continue
        if known is not None or number in numbers:
            forks.append(one)
            continue
        by_id[where.event_id] = (where, digest)
        numbers.add(number)
        new.append((one, digest))
    if forks:
        await rows.keep_forks(session, forks)
    return new
