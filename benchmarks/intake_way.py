"""The way to an engagement: a conflict check among 100,000 names, an agreement on paper, a gigabyte
uploaded, and two hundred strangers a second at the form while a partner works."""

import asyncio
import os
import time
from collections import Counter
from datetime import UTC, datetime

import asyncpg
import httpx2
import psutil

from ground import Ground, World, percentile, table, until
from intake.documents.press import print_pdf
from intake.files.rules import PART
from intake.names import queries, rules
from intake.settings import IntakeSettings
from privity.keys import signing_key
from privity.tokens import mint
from shared.db import Database
from shared.ids import new_id
from support.names import many

NAMES = 100_000
ASKED = 500
GIGABYTE = 1024**3
STRANGERS_A_SECOND = 200
SECONDS = 10
TAKEN_IN, TURNED_AWAY, AN_HOUR = 50, 500, 400
ASKING = {"name": "Ann Example", "email": "ann@clients.test", "practice_area": "family"}


async def run(ground: Ground) -> None:
    with ground.world("intake", "matters", "intake") as world:
        await _names(world)
        await _checked(world)
        _printed()
        # An intake that thinks it is the local one, so that it makes its seal.
        await asyncio.to_thread(world.start, "intake", INTAKE_REQUESTS_AN_HOUR=str(AN_HOUR))
        await _uploaded(world)
        await _flooded(world)


async def _names(world: World) -> None:
    connection = await world.connect("intake")
    rows = []
    for written in many(NAMES):
        folded = rules.fold(written)
        subject = new_id()
        kept = (written, folded.form, folded.sound, folded.initials)
        rows.append((new_id(), subject, "client", "person", *kept))
    columns = ["name_id", "subject_id", "role", "kind", "written", "form", "sound", "initials"]
    await connection.copy_records_to_table("names", records=rows, columns=columns)
    await connection.execute("ANALYZE names")
    await connection.close()


async def _checked(world: World) -> None:
    """Against a bare look-up of one row by its key."""
    settings = world.settings(IntakeSettings)
    db = Database(settings)
    connection = await world.connect("intake")
    took, bare = [], []
    async with db.transaction() as session:
        for written in many(ASKED, seed=11):
            began = time.perf_counter()
            await queries.near(session, written)
            took.append(time.perf_counter() - began)
            began = time.perf_counter()
            await connection.fetchrow("SELECT * FROM names WHERE name_id = $1", new_id())
            bare.append(time.perf_counter() - began)
    scans = [one for one in await _plans(connection) if "Seq Scan" in one]
    assert not scans, scans
    await connection.close()
    await db.close()
    rows = [("", "p50 ms", "p95 ms", "ratio")]
    rows += [_row("one row by its key", bare, bare), _row("one name among all", took, bare)]
    table(f"Conflict checks over {NAMES} names, without a scan of the table", rows)


def _row(what: str, took: list[float], bare: list[float]) -> tuple[str, str, str, str]:
    p50, p95 = percentile(took, 0.5) * 1000, percentile(took, 0.95) * 1000
    return what, f"{p50:.1f}", f"{p95:.1f}", f"{p50 / (percentile(bare, 0.5) * 1000):.0f}"


async def _plans(connection: asyncpg.Connection) -> list[str]:
    await connection.execute("SET pg_trgm.similarity_threshold = 0.3")
    plans = []
    for condition in ("form % 'john smith'", "sound % 'an smt'", "initials = 'ibm'"):
        statement = f"EXPLAIN SELECT name_id FROM names WHERE {condition} AND initials <> 'x'"
        plans.append("\n".join(row[0] for row in await connection.fetch(statement)))
    return plans


def _printed() -> None:
    """Different words each time: typst keeps what it has set before."""
    print_pdf("agreement", _agreement(0, 12), datetime.now(UTC))
    rows = [("", "p50 ms", "p95 ms")]
    for pages, sections, times in (("4 pages", 12, 30), ("about 200 pages", 800, 3)):
        took = []
        for number in range(times):
            data = _agreement(number + 1, sections)
            began = time.perf_counter()
            print_pdf("agreement", data, datetime.now(UTC))
            took.append((time.perf_counter() - began) * 1000)
        rows.append((pages, f"{percentile(took, 0.5):.0f}", f"{percentile(took, 0.95):.0f}"))
    table("An agreement on paper", rows)


def _agreement(number: int, sections: int) -> dict[str, object]:
    body = "We do what we promised, and say so when we cannot. " * 25
    return {
        "firm": "Harbour & Vale LLP",
        "title": f"Engagement {number}",
        "engagement_id": str(new_id()),
        "version": 1,
        "date": "25 November 2026",
        "fee_terms": {"by_hand": True},
        "sections": [
            {"heading": f"Point {at} of {number}", "body": f"{number}.{at} {body}"}
            for at in range(sections)
        ],
        "signers": [{"name": "Ann Example", "capacity": None}],
    }


async def _uploaded(world: World) -> None:
    process = psutil.Process(world.running["intake"].pid)
    headers = {"Authorization": f"Bearer {_token(world)}"}
    url = world.stack.ports.url("intake")
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=120) as http:
        phone = ASKING | {"source": "phone"}
        asked = (await http.post("/v1/consultations", json=phone)).json()["id"]
        place = f"/v1/consultations/{asked}/files"
        begun = (await http.post(place, json={"name": "a", "size": GIGABYTE})).json()
        part = os.urandom(PART)
        before = peak = process.memory_info().rss
        began = time.perf_counter()
        for number in range(begun["parts"]):
            sent = await http.put(f"/v1/files/{begun['id']}/parts/{number}", content=part)
            assert sent.status_code == 204, sent.text
            peak = max(peak, process.memory_info().rss)
        completing = asyncio.create_task(http.post(f"/v1/files/{begun['id']}/complete"))
        while not completing.done():
            await asyncio.sleep(0.05)
            peak = max(peak, process.memory_info().rss)
        assert completing.result().status_code == 200, completing.result().text
        took = time.perf_counter() - began
    rows = [("", "MiB/s", "MiB more"), ("1 GiB, sealed in parts", f"{1024 / took:.0f}", "")]
    rows[1] = (*rows[1][:2], f"{(peak - before) / 1024**2:.0f}")
    table("An upload", rows)


async def _flooded(world: World) -> None:
    """Strangers ask at a fixed rate, whatever comes back, while a partner reads on: at the service
    itself past its own limit, and through the gateway, which limits each peer."""
    headers = {"Authorization": f"Bearer {_token(world)}"}
    url = world.stack.ports.url
    async with _client(url("intake")) as http:
        quiet = await _reads(http, headers, 50)
        rows = [("", "ms", "CPU ms"), await _cost(world, http, "taken in", 201, TAKEN_IN)]
        await _flood(http, headers, quiet, "The form of one process in a fresh hour")
        while await _ask(http) == 201:
            pass
        rows += [await _cost(world, http, "turned away", 429, TURNED_AWAY)]
        table("A stranger at the form, one after the other", rows)
        await _flood(http, headers, quiet, "… past its limit")
    # The gateway is ready when all its services are: here one stands for all.
    others = ("MATTERS_URL", "SLA_MONITOR_URL", "MESSAGING_URL", "BILLING_URL", "AUDIT_URL")
    told = dict.fromkeys(others, url("intake"))
    await asyncio.to_thread(world.start, "gateway", **told)
    async with _client(url("gateway")) as http:
        await until(lambda: _answers(http, headers), 20)
        quiet = await _reads(http, headers, 50)
        await _flood(http, headers, quiet, "… through the gateway, all of one peer")


def _client(url: str) -> httpx2.AsyncClient:
    # Shorter than uvicorn keeps a connection open, so that none is used while it is being closed.
    limits = httpx2.Limits(max_connections=200, keepalive_expiry=2.0)
    return httpx2.AsyncClient(base_url=url, timeout=30, limits=limits, trust_env=False)


async def _cost(
    world: World, http: httpx2.AsyncClient, what: str, status: int, times: int
) -> tuple[str, str, str]:
    used, began = world.cpu_seconds("intake"), time.perf_counter()
    for _ in range(times):
        assert await _ask(http) == status
    used, took = world.cpu_seconds("intake") - used, time.perf_counter() - began
    return what, f"{took / times * 1000:.1f}", f"{used / times * 1000:.2f}"


async def _ask(http: httpx2.AsyncClient) -> int:
    answer = await http.post("/v1/consultation-requests", json=ASKING | {"understood": True})
    return answer.status_code


async def _answers(http: httpx2.AsyncClient, headers: dict[str, str]) -> bool:
    return (await http.get("/v1/consultations?limit=1", headers=headers)).status_code == 200


async def _flood(
    http: httpx2.AsyncClient,
    headers: dict[str, str],
    quiet: list[float],
    title: str,
) -> None:
    answers: Counter[int] = Counter()

    async def ask() -> None:
        answers[await _ask(http)] += 1

    async def flood() -> float:
        began = time.perf_counter()
        running = []
        for number in range(STRANGERS_A_SECOND * SECONDS):
            due = began + number / STRANGERS_A_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            running.append(asyncio.create_task(ask()))
        await asyncio.gather(*running)
        return answers.total() / (time.perf_counter() - began)

    flooding = asyncio.create_task(flood())
    busy = await _reads(http, headers, 100)
    rate = await flooding
    rows = [("", "p50 ms", "p95 ms", "ratio"), _row("a partner reads, alone", quiet, quiet)]
    rows += [_row("… among strangers", busy, quiet)]
    told = ", ".join(f"{count} × {status}" for status, count in sorted(answers.items()))
    table(f"{title}: {rate:.0f} requests/s ({told})", rows)


async def _reads(http: httpx2.AsyncClient, headers: dict[str, str], times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        answer = await http.get("/v1/consultations?limit=10", headers=headers)
        took.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
        await asyncio.sleep(0.05)
    return took


def _token(world: World) -> str:
    return mint(signing_key(world.stack.key("issuer")), world.stack.issuer, "partner")
