"""The record: how fast it grows, against a bare COPY of the same rows and against Tessera; how long
a proof takes and how many entries of a bundle the program inside it checks. LEAVES=10000000 in the
environment measures proofs up to there (minutes)."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg

from audit import entries, merkle
from audit.checkpoints import Checkpoint, signer_of
from audit.entries import Coordinates
from audit.exports import verify
from audit.log import Log
from audit.proofs import inclusion
from audit.rows import Arrival
from audit.settings import AuditSettings
from events import message_received
from ground import Ground, World, percentile, table
from shared.contracts import Envelope
from shared.db import Database
from shared.ids import new_id

POLL = 500
POLLS = 30
MOST_LEAVES = int(os.environ.get("LEAVES", "1000000"))
TREES = tuple(one for one in (10**4, 10**5, 10**6, 10**7) if one <= MOST_LEAVES)
BUNDLED = 20_000
BATCH = 1024


async def run(ground: Ground) -> None:
    with ground.world("record", "audit") as world:
        appended = await _appended(world)
        copied = await _copied(world)
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
    table("Inclusion proofs (goal: 2 ms at 10⁷)", proofs)
    rate = await asyncio.to_thread(_checked)
    print(f"  a bundle of {BUNDLED}: {rate:.0f} entries checked a CPU second (goal 40,000)")


def _arrivals(first: int) -> list[Arrival]:
    return [_arrival(number) for number in range(first, first + POLL)]


def _arrival(number: int) -> Arrival:
    event = message_received()
    value = event.model_dump_json().encode()
    envelope = Envelope(
        id=new_id(), service="messaging", partition=0, epoch=1, sequence=number,
        type=event.type_name(), subject=event.subject_of(), time=event.received_at,
        key=event.key_of(), value=value,
    )  # fmt: skip
    return Arrival(Coordinates(envelope.id, "messaging", 0, 1, number), envelope.headers(), value)


async def _appended(world: World) -> float:
    """Seconds for all polls: each one transaction with entries, tree, checkpoint, file."""
    settings = world.settings(AuditSettings)
    file = world.stack.home / "checkpoint-record-bench"
    log = Log(signer_of("bench.test/log", os.urandom(32)), file)
    db = Database(settings)
    await log.open(db)
    polls = [_arrivals(1 + number * POLL) for number in range(POLLS)]
    began = time.perf_counter()
    for poll in polls:
        async with db.transaction() as session:
            appended = await log.append(session, poll)
        await log.published(appended)
    took = time.perf_counter() - began
    await db.close()
    return took


async def _copied(world: World) -> float:
    """The same rows into a table of the same form, in as many commits."""
    watch = await world.connect("audit")
    await watch.execute("CREATE TABLE bare (LIKE entries INCLUDING INDEXES)")
    rows = [tuple(row) for row in await watch.fetch("SELECT * FROM entries ORDER BY index")]
    began = time.perf_counter()
    for first in range(0, len(rows), POLL):
        await watch.copy_records_to_table("bare", records=rows[first : first + POLL])
    took = time.perf_counter() - began
    size = await watch.fetchval(
        "SELECT sum(pg_total_relation_size(one)) FROM unnest(ARRAY"
        "['entries', 'nodes', 'readings', 'checkpoints']::regclass[]) AS one"
    )
    values = await watch.fetchval("SELECT sum(length(value)) FROM entries")
    await watch.close()
    print(
        f"  {size / len(rows):.0f} bytes an event on disk, {values / len(rows):.0f} of them value"
    )
    return took


async def _proofs(world: World) -> list[Sequence[str]]:
    """Over a tree whose stored hashes are made up: a proof reads as many whatever they say."""
    watch = await world.connect("audit")
    await _triggers(watch, "DISABLE")
    db = Database(world.settings(AuditSettings))
    rows: list[Sequence[str]] = [("leaves", "p50 ms", "p99 ms", "hashes")]
    had = 0
    for size in TREES:
        await watch.execute(
            "INSERT INTO nodes SELECT l, p, sha256(int8send(p)) FROM generate_series(0, 24) l,"
            " LATERAL generate_series(($1::bigint >> l), ($2::bigint >> l) - 1) p"
            " ON CONFLICT DO NOTHING",
            had, size, timeout=600,
        )  # fmt: skip
        await watch.execute("ANALYZE nodes")
        had = size
        took: list[float] = []
        for number in range(300):
            index = int.from_bytes(sha256(b"%d" % number).digest()[:7]) % size
            async with db.transaction() as session:
                began = time.perf_counter()
                steps = await inclusion(session, index, size)
                took.append((time.perf_counter() - began) * 1000)
        p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
        rows.append((f"{size:,}", f"{p50:.2f}", f"{p99:.2f}", f"{len(steps)}"))
    await db.close()
    await watch.close()
    return rows


async def _triggers(watch: asyncpg.Connection, state: str) -> None:
    await watch.execute(f"ALTER TABLE nodes {state} TRIGGER written_once")


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
            recorded_at=message_received().received_at,
            value=arrival.value,
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
