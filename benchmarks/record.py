"""The record: how fast it grows, against a bare COPY of the same rows and against Tessera; how long
a proof takes and how many entries of a bundle the program inside it checks. LEAVES=10000000 in the
environment measures proofs up to there (minutes); PICTURE=docs/proofs.svg draws them."""

import asyncio
import base64
import json
import math
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg

from audit import entries, handlers, merkle
from audit.checkpoints import Checkpoint, signer_of
from audit.entries import Coordinates
from audit.exports import verify
from audit.log import Log
from audit.proofs import inclusion
from audit.rows import Arrival
from audit.settings import AuditSettings
from events import message_received
from ground import Ground, World, percentile, table
from shared import sealing
from shared.contracts import FIRM_ID, Envelope
from shared.contracts.messaging import Attachment
from shared.db import Database
from shared.ids import new_id
from shared.sealing import DataKey

POLL = handlers.POLL_RECORDS
POLLS = 10
PICTURE = Path(os.environ["PICTURE"]) if "PICTURE" in os.environ else None
ATTACHED = 1024 * 1024
KEY = DataKey(FIRM_ID, 1, bytes(32))
MOST_LEAVES = int(os.environ.get("LEAVES", "1000000"))
TREES = tuple(one for one in (10**4, 10**5, 10**6, 10**7) if one <= MOST_LEAVES)
BUNDLED = 20_000
BATCH = 1024


async def run(ground: Ground) -> None:
    with ground.world("record", "audit") as world:
        appended, copied = await _grown(world)
        proofs = await _proofs(world)
    events = POLL * POLLS
    rows = [("", "entries", "1/s", "ratio")]
    rows += [("bare COPY of the same rows", f"{events}", f"{events / copied:.0f}", "1.00")]
    ratio = f"{copied / appended:.2f}"
    rows += [("appended, everything included", f"{events}", f"{events / appended:.0f}", ratio)]
    if (tessera := await asyncio.to_thread(_tessera)) is not None:
        rows += [(f"Tessera, POSIX, batch {BATCH}", "", f"{tessera:.0f}",
                  f"{tessera * copied / events:.2f}")]  # fmt: skip
    table("The record grows (goals: 0.5 of COPY, twice Tessera)", rows)
    told = [(f"{one.leaves:,}", f"{one.p50:.2f}", f"{one.p99:.2f}", f"{one.hashes}")
            for one in proofs]  # fmt: skip
    table("Inclusion proofs (goal: 2 ms at 10⁷)", [("leaves", "p50 ms", "p99 ms", "hashes"), *told])
    if PICTURE:
        PICTURE.write_text(plot(proofs))
    rate = await asyncio.to_thread(_checked)
    print(f"  a bundle of {BUNDLED}: {rate:.0f} entries checked a CPU second (goal 40,000)")


def _arrivals(first: int, *, attached: bool = False) -> list[Arrival]:
    return [_arrival(number, attached=attached) for number in range(first, first + POLL)]


def _arrival(number: int, *, attached: bool = False) -> Arrival:
    """A message with a body of some 500 octets, sealed, as no compression takes them."""
    body = sealing.seal(KEY, FIRM_ID, "message", "body", os.urandom(500))
    event = message_received().model_copy(
        update={"body": body, "attachments": (_attachment(),) if attached else ()}
    )
    value = event.model_dump_json().encode()
    envelope = Envelope(
        id=new_id(), service="messaging", partition=0, epoch=1, sequence=number,
        type=event.type_name(), subject=event.subject_of(), time=event.received_at,
        key=event.key_of(), value=value,
    )  # fmt: skip
    where = entries.coordinates(envelope.headers())
    assert where is not None
    return Arrival(where, envelope.headers(), value)


async def _grown(world: World) -> tuple[float, float]:
    """Seconds of all polls: each one transaction with entries, tree, checkpoint, file; and of the
    same rows copied into a table of the same form, in as many commits. They take turns, so that
    what else the machine does falls on both."""
    settings = world.settings(AuditSettings)
    file = world.stack.home / "checkpoint-record-bench"
    log = Log(signer_of("bench.test/log", os.urandom(32)), file)
    db, watch = Database(settings), await world.connect("audit")
    await watch.execute("CREATE TABLE bare (LIKE entries INCLUDING ALL)")
    await log.open(db)
    appended = copied = 0.0
    for first in range(0, POLLS * POLL, POLL):
        poll = _arrivals(1 + first)
        began = time.perf_counter()
        async with db.transaction() as session:
            made = await log.append(session, poll)
        await log.published(made)
        appended += time.perf_counter() - began
        statement = "SELECT * FROM entries WHERE index >= $1 ORDER BY index"
        rows = [tuple(row) for row in await watch.fetch(statement, first)]
        began = time.perf_counter()
        await watch.copy_records_to_table("bare", records=rows)
        copied += time.perf_counter() - began
    await _told_stored(log, db, watch)
    await watch.close()
    await db.close()
    return appended, copied


def _attachment() -> Attachment:
    name = sealing.seal(KEY, FIRM_ID, "attachment", "file_name", b"Deed of assignment.pdf")
    commitment = sealing.commitment(os.urandom(32), b"deed")
    return Attachment(attachment_id=new_id(), file_name=name, media_type="application/pdf",
                      size=ATTACHED, commitment=commitment)  # fmt: skip


async def _told_stored(log: Log, db: Database, watch: asyncpg.Connection) -> None:
    """Bytes on disk an event, indexes and tree in it; and what a file of 1 MiB adds to one, here
    and sealed in messaging."""
    before, count = await _on_disk(watch), POLL * POLLS
    values = await watch.fetchval("SELECT avg(length(value)) FROM entries")
    async with db.transaction() as session:
        await log.append(session, _arrivals(count + 1, attached=True))
    more = (await _on_disk(watch) - before) / POLL - before / count
    _, boxes = sealing.seal_chunks(KEY, FIRM_ID, "original", bytes(ATTACHED))
    print(
        f"  {before / count:.0f} bytes an event on disk, its value {values:.0f};"
        f" with a file of {ATTACHED} octets {more:.0f} more, and"
        f" {sum(map(len, boxes))} sealed in messaging"
    )


async def _on_disk(watch: asyncpg.Connection) -> int:
    size: int = await watch.fetchval(
        "SELECT sum(pg_total_relation_size(one)) FROM unnest(ARRAY"
        "['entries', 'subtrees', 'readings', 'checkpoints']::regclass[]) AS one"
    )
    return size


@dataclass(frozen=True)
class Proofs:
    """What inclusion proofs took in a tree of so many leaves, in milliseconds."""

    leaves: int
    p50: float
    p99: float
    hashes: int


async def _proofs(world: World) -> list[Proofs]:
    """Over a tree whose stored hashes are made up: a proof reads as many whatever they say. Each
    row holds what a poll of 1,000 made complete."""
    watch = await world.connect("audit")
    await watch.execute("ALTER TABLE subtrees DISABLE TRIGGER USER; TRUNCATE subtrees")
    await watch.execute(
        "ALTER TABLE subtrees DROP CONSTRAINT subtrees_first_fkey,"
        " DROP CONSTRAINT subtrees_size_fkey"
    )
    db = Database(world.settings(AuditSettings))
    found: list[Proofs] = []
    had = 0
    for size in TREES:
        await watch.execute(
            "INSERT INTO subtrees SELECT f, f + 1000, (SELECT string_agg(sha256(int8send(f + n)),"
            " '') FROM generate_series(1, complete_subtrees(f + 1000) - complete_subtrees(f)) n)"
            " FROM generate_series($1::bigint, $2::bigint - 1000, 1000) f",
            had, size, timeout=600,
        )  # fmt: skip
        await watch.execute("ANALYZE subtrees")
        had = size
        took: list[float] = []
        for number in range(300):
            index = int.from_bytes(sha256(b"%d" % number).digest()[:7]) % size
            async with db.transaction() as session:
                began = time.perf_counter()
                steps = await inclusion(session, index, size)
                took.append((time.perf_counter() - began) * 1000)
        found.append(Proofs(size, percentile(took, 0.5), percentile(took, 0.99), len(steps)))
    await db.close()
    await watch.close()
    return found


def plot(proofs: Sequence[Proofs]) -> str:
    """An SVG: p50 and p99 over the number of leaves, which is drawn by its logarithm."""
    width, height, left, below = 640, 360, 60, 40
    highest = max(2.5, *(one.p99 for one in proofs))

    def x(leaves: int) -> float:
        return left + (math.log10(leaves) - 4) / 3 * (width - left - 30)

    def y(ms: float) -> float:
        return (height - below) * (1 - ms / highest) + 10

    def line(name: str, colour: str, points: list[tuple[int, float]]) -> str:
        places = " ".join(f"{x(leaves):.0f},{y(ms):.0f}" for leaves, ms in points)
        leaves, ms = points[-1]
        return (
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{x(leaves) - 20:.0f}" y="{y(ms) - 8:.0f}" fill="{colour}">{name}</text>'
        )

    goal = f'<line x1="{left}" x2="{width}" y1="{y(2):.0f}" y2="{y(2):.0f}" stroke="#999"/>'
    across = "".join(
        f'<text x="{x(one.leaves):.0f}" y="{height - 5}" text-anchor="middle">{one.leaves:,}'
        f" ({one.hashes} hashes)</text>"
        for one in proofs
    )
    up = "".join(f'<text x="5" y="{y(ms):.0f}">{ms} ms</text>' for ms in (0, 1, 2))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 70} {height + 10}"'
        f' font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f"{goal}{across}{up}"
        + line("p50", "#1f5fa8", [(one.leaves, one.p50) for one in proofs])
        + line("p99", "#c2571a", [(one.leaves, one.p99) for one in proofs])
        + "</svg>\n"
    )


def _checked() -> float:
    """Entries a CPU second, by the program inside a bundle."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _bundle(folder)
        began = time.process_time()
        verify.check(str(folder))
        return BUNDLED / (time.process_time() - began)


def _bundle(folder: Path) -> None:
    """Every tenth entry of a log, with one proof."""
    signer = signer_of("bench.test/log", os.urandom(32))
    size = BUNDLED * 10
    leaves, lines = [sha256(b"%d" % index).digest() for index in range(size)], []
    for index in range(0, size, 10):
        arrival, salt = _arrival(index + 1), os.urandom(32)
        metadata = entries.metadata(arrival.headers, {})
        entry = entries.public_entry(
            Coordinates(UUID(int=index), "messaging", 0, 1, index + 1),
            recorded_at=entries.timestamp(message_received().received_at),
            value_sha256=sha256(arrival.value).digest(),
            meta=entries.commitment(salt, metadata),
        )
        leaves[index] = merkle.leaf_hash(entry)
        lines.append(json.dumps({
            "index": index, "entry": entry.decode(), "salt": _base64(salt),
            "metadata": metadata.decode(), "value": _base64(arrival.value), "opened": [],
        }))  # fmt: skip
    hashes = merkle.extend(0, {}, leaves)
    spans = merkle.gaps_between(range(0, size, 10), size)
    proof = [[*span, _base64(merkle.span_hash(span, hashes))] for span in spans]
    head = Checkpoint(signer.name, size, merkle.root(size, hashes))
    files = {
        "entries.jsonl": "\n".join(lines) + "\n",
        "proof.json": json.dumps(proof),
        "checkpoint": signer.sign(head.text),
        "keys.txt": signer.verifier + "\n",
    }
    sums = "".join(
        f"{sha256(content.encode()).hexdigest()}  {path}\n" for path, content in files.items()
    )
    said = (
        f"{signer.name}/export",
        "bench",
        BUNDLED,
        size,
        _base64(sha256(sums.encode()).digest()),
    )
    note = signer.sign("".join(f"{line}\n" for line in said))
    for path, content in (files | {"SHA256SUMS": sums, "SHA256SUMS.note": note}).items():
        (folder / path).write_text(content)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _tessera() -> float | None:
    """Entries a second of Tessera's POSIX log on this machine; None, and said, without Go."""
    if shutil.which("go") is None:
        print("  Tessera was not measured: there is no Go here (16,000 to 23,000/s on two cores)")
        return None
    with tempfile.TemporaryDirectory() as name:
        source = Path(__file__).parent / "tessera"
        made = subprocess.run(
            ["go", "run", ".", name, str(BATCH)], cwd=source, capture_output=True, text=True
        )
    if made.returncode:
        print(f"  Tessera was not measured: {made.stderr[-200:]}")
        return None
    return float(made.stdout)
