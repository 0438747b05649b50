"""Pages of matters over ten thousand matters of which clients heard a million times, against the
same door without a question to the database; and everything that somebody has, five hundred
matters, changing hands."""

import asyncio
import time
from typing import Any

import httpx2

from ground import Ground, World, table
from privity.keys import signing_key
from privity.tokens import mint

MATTERS, HANDED_OVER, READS = 10_000, 500, 300
# Two matters a client, twenty lawyers and a thousand clients each of them; each matter has twenty
# milestones, a hundred answers to its client, and one clock that runs.
FIRM = """
    INSERT INTO staff (staff_id, revision, name, email, role, managing_partner, active,
                       registered_at)
    SELECT md5('s' || n)::uuid, 1, 'Lawyer ' || n, 'lawyer' || n || '@firm.test', 'attorney', false,
           true, now() FROM generate_series(1, 21) n;
    INSERT INTO clients (client_id, revision, name, email, time_zone, preferences, registered_at)
    SELECT md5('c' || n)::uuid, 1, 'Client ' || n, 'c' || n || '@clients.test', 'UTC', '{}', now()
    FROM generate_series(1, :clients) n;
    INSERT INTO matters (matter_id, client_id, number, title, practice_area, opened_at)
    SELECT md5('m' || n)::uuid, md5('c' || (1 + n % :clients))::uuid, 'B-' || n, 'Matter ' || n,
           'family', now() FROM generate_series(1, :matters) n;
    INSERT INTO points_of_contact (assignment_id, client_id, staff_id, from_at, assigned_by)
    SELECT gen_random_uuid(), client_id, md5('s1')::uuid, registered_at, client_id FROM clients;
    INSERT INTO points_of_contact (assignment_id, client_id, matter_id, staff_id, from_at,
                                   assigned_by)
    SELECT gen_random_uuid(), client_id, matter_id,
           md5('s' || (2 + substr(number, 3)::int % 20))::uuid, opened_at, client_id FROM matters;
    INSERT INTO happenings (happening_id, client_id, matter_id, kind, revision, plan, plan_version,
                            slug, at, significant, marked_by, marked_at, tells_at,
                            told_revision, told_at)
    SELECT gen_random_uuid(), client_id, matter_id, 'milestone', 1, 'family', 1, 'step-' || n,
           now(), true, md5('s1')::uuid, now(), now(), 1, now()
    FROM matters, generate_series(1, 20) n;
    INSERT INTO owed (clock_id, client_id, matter_id, subject_id, kind, state, revision, opened_at,
                      target_at, limit_at)
    SELECT gen_random_uuid(), client_id, matter_id, matter_id, 'update', 'running', 1, now(),
           now() + interval '21 days', now() + interval '28 days' FROM matters;
    INSERT INTO tellings (telling_id, client_id, matter_id, kind, channel, told_at, staff_id,
                          counts)
    SELECT gen_random_uuid(), client_id, matter_id, 'answer', 'email',
           now() - n * interval '1 hour', md5('s1')::uuid, true
    FROM matters, generate_series(1, 100) n;
    ANALYZE
"""


async def run(ground: Ground) -> None:
    with ground.world("pages", "matters", MATTERS_UNDO="1") as world:
        port = await asyncio.to_thread(world.start, "matters")
        await _fill(world)
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
        ) as http:
            rows = await _pages(world, http)
            took = await _handover(world, http)
    table(f"Pages over {MATTERS} matters", [("", "p50 ms", "p99 ms", "p50 ratio"), *rows])
    table("Everything that somebody has", [("", "s"), (f"{HANDED_OVER} matters", f"{took:.1f}")])


async def _fill(world: World) -> None:
    connection = await world.connect("matters")
    counted = FIRM.replace(":clients", str(MATTERS // 2)).replace(":matters", str(MATTERS))
    await connection.execute(counted)
    await connection.close()


async def _pages(world: World, http: httpx2.AsyncClient) -> list[tuple[str, ...]]:
    connection = await world.connect("matters")
    picked = await connection.fetch(
        "SELECT m.matter_id, m.client_id, s.email FROM matters m"
        " JOIN points_of_contact p USING (matter_id) JOIN staff s USING (staff_id)"
        f" ORDER BY random() LIMIT {READS}"
    )
    await connection.close()
    bare = await measured(http, [("/healthz", {}) for _ in picked])
    rows: list[tuple[str, ...]] = [row("a door without a question", bare, bare)]
    for name, path in (
        ("client", "/v1/clients/{client_id}"),
        ("matter", "/v1/matters/{matter_id}"),
        ("how it stands", "/v1/matters/{matter_id}/standing"),
        ("its first fifty matters", "/v1/matters"),
    ):
        asked = [(path.format(**one), by(world, one["email"])) for one in picked]
        rows.append(row(f"{name}, by a lawyer of its team", await measured(http, asked), bare))
    return rows


async def measured(
    http: httpx2.AsyncClient, asked: list[tuple[str, dict[str, str]]]
) -> list[float]:
    took = []
    for path, headers in asked:
        began = time.perf_counter()
        answer = await http.get(path, headers=headers)
        took.append(1000 * (time.perf_counter() - began))
        answer.raise_for_status()
    return sorted(took[len(took) // 10 :])  # the first ones warm it up


async def _handover(world: World, http: httpx2.AsyncClient) -> float:
    connection = await world.connect("matters")
    numbered = await connection.fetch("SELECT md5('s' || n)::uuid AS id FROM unnest(ARRAY[2, 1]) n")
    staff = [row["id"] for row in numbered]
    await connection.close()
    partner = by(world, "partner@firm.test", "partner")
    began = time.perf_counter()
    body = {"to_staff_id": str(staff[1])}
    begun = await http.post(f"/v1/staff/{staff[0]}/handovers", json=body, headers=partner)
    handover: dict[str, Any] = begun.raise_for_status().json()
    assert handover["total"] == HANDED_OVER
    while handover["ended_at"] is None:
        await asyncio.sleep(0.05)
        shown = await http.get(f"/v1/handovers/{handover['id']}", headers=partner)
        handover = shown.raise_for_status().json()
    assert handover["done"] == HANDED_OVER
    return time.perf_counter() - began


def by(world: World, email: str | None = None, role: str = "attorney", **of: str) -> dict[str, str]:
    stack = world.stack
    token = mint(signing_key(stack.key("issuer")), stack.issuer, role, email=email, **of)
    return {"Authorization": f"Bearer {token}"}


def row(name: str, took: list[float], bare: list[float]) -> tuple[str, ...]:
    def at(values: list[float], part: float) -> float:
        return values[min(int(len(values) * part), len(values) - 1)]

    ratio = at(took, 0.5) / at(bare, 0.5)
    return name, f"{at(took, 0.5):.1f}", f"{at(took, 0.99):.1f}", f"{ratio:.1f}"
