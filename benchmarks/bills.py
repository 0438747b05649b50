"""The month's end of a large firm, and an invoice of a thousand lines as PDF and LEDES; each
against its goal, and the drafts against bare INSERTs of the same rows."""

import asyncio
import time
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from billing.app import create_app
from billing.directory import queries as directory
from billing.entries import actions as entries
from billing.entries.gate import Work
from billing.invoices import actions as invoices
from billing.invoices import ledes, paper, preflight
from billing.invoices import queries as bills
from billing.runs import actions as runs
from billing.settings import BillingSettings
from billing.terms import actions as terms
from billing.terms import queries as agreed
from billing.terms.rules import Terms
from ground import Ground, World, table
from shared import clock
from shared.contracts import FIRM_ID
from shared.ids import new_id
from shared.runtime import Runtime

MATTERS = 2_000
ENTRIES = 3
LINES = 1_000
DAY = date(2026, 3, 2)
UNTIL = date(2026, 3, 31)
TERMS = {
    "currency": "USD", "arrangements": [{"kind": "hourly", "rates": [{"per_hour": "300.00"}]}],
    "scope": "Everything.", "nature": "other", "invoice_frequency": "monthly",
    "payment_methods": ["bank_transfer"], "payment_days": 30, "expenses_paid_by": "client",
}  # fmt: skip
PROFILE = ledes.LedesProfile(client_id="ACME", law_firm_id="98-7654321")


async def run(ground: Ground) -> None:
    with ground.world("billing") as world:
        app = create_app(world.settings(BillingSettings))
        async with app.router.lifespan_context(app) as state:
            assert state is not None
            runtime: Runtime = state["runtime"]
            client_id, staff_id = await _firm(runtime)
            matter_id = await _first_matter(runtime, client_id, staff_id)
            await _many(runtime, matter_id)
            cpu = time.process_time()
            month = await _month_end(runtime, staff_id)
            cpu = time.process_time() - cpu
            bare = await _bare(world)
            read = await _thousand(runtime, matter_id, staff_id)
    per_second = f"{MATTERS / month:.0f}"
    rows = [("", "measured", "goal", "ratio to bare INSERTs")]
    rows += [(f"month's end of {MATTERS} matters", f"{month:.1f} s", "60 s", f"{bare / month:.2f}")]
    rows += [("… drafts a second", per_second, "", "")]
    rows += [("… CPU of this process a draft", f"{1000 * cpu / MATTERS:.1f} ms", "", "")]
    rows += [(f"PDF of {LINES} lines", f"{1000 * read['pdf']:.0f} ms", "500 ms", "")]
    rows += [(f"LEDES of {LINES} lines, written", f"{1000 * read['ledes']:.0f} ms", "50 ms", "")]
    rows += [("… checked as receivers do", f"{1000 * read['check']:.0f} ms", "", "")]
    rows += [("a balance", f"{1000 * read['balance']:.2f} ms", "O(log n)", "")]
    table("Billing", rows)


async def _firm(runtime: Runtime) -> tuple[UUID, UUID]:
    client_id, staff_id = new_id(), new_id()
    await runtime.keys.hold(client_id, create=True)
    async with runtime.db.transaction() as session:
        for statement in (
            "INSERT INTO firms VALUES (:firm, 'Harbour & Vale', 'UTC', '{office@firm.test}', 1)",
            "INSERT INTO staff VALUES (:staff, 'Ada Lovelace', 'ada@firm.test', 'attorney',"
            " NULL, NULL, true)",
            "INSERT INTO clients VALUES (:client, 'Cleo Marsh', 'cleo@clients.test', 'UTC')",
            "INSERT INTO contact_assignments VALUES"
            " (:id, :client, NULL, :staff, NULL, '2026-01-01')",
        ):
            wanted = {"firm": FIRM_ID, "staff": staff_id, "client": client_id, "id": new_id()}
            used = {name: value for name, value in wanted.items() if f":{name}" in statement}
            await session.execute(text(statement), used)
    return client_id, staff_id


async def _first_matter(runtime: Runtime, client_id: UUID, staff_id: UUID) -> UUID:
    """One matter with its entries through the front door, under accepted standing terms."""
    matter_id = new_id()
    async with runtime.db.transaction() as session:
        await session.execute(
            text("INSERT INTO matters VALUES (:m, :c, '2026-0001', 'A lease', 'x', '2026-01-01')"),
            {"m": matter_id, "c": client_id},
        )
        row = await terms.disclose(
            session, Terms.model_validate(TERMS), client_id=client_id, matter=None,
            practice_areas=[], by=staff_id,
        )  # fmt: skip
        agreement = await agreed.agreement(session, row.terms_id, lock=True)
        await terms.accept(
            session, agreement, 1, commitment=row.commitment, method="portal",
            accepted_at=clock.now(), evidence=None, by=client_id,
        )  # fmt: skip
        matter = await directory.matter(session, matter_id)
        staff = await directory.timekeeper(session, staff_id)
        for number in range(ENTRIES):
            words = f"Drafted the assignment clause, part {number}"
            work = Work(staff, DAY, words, started_at=clock.now(), minutes=60, task_code="L120",
                        activity_code="A103")  # fmt: skip
            await entries.record(session, matter, work, staff_id)
        await session.execute(text("UPDATE entries SET version = 2, worked_on = :d"), {"d": DAY})
    return matter_id


async def _many(runtime: Runtime, matter_id: UUID) -> None:
    """The same for all the others, a thousand entries more for the first."""
    async with runtime.db.transaction() as session:
        await session.execute(
            text("""
                INSERT INTO matters SELECT uuidv7(), client_id, '2026-' || n, title, practice_area,
                                           opened_at
                FROM matters, generate_series(2, :count) n
            """),
            {"count": MATTERS},
        )
        await session.execute(
            text("""
                INSERT INTO entries
                SELECT (jsonb_populate_record(entries, jsonb_build_object(
                    'entry_id', uuidv7(), 'matter_id', other.matter_id))).*
                FROM entries, matters other WHERE other.matter_id <> entries.matter_id
            """)
        )


async def _month_end(runtime: Runtime, staff_id: UUID) -> float:
    began = time.perf_counter()
    async with runtime.db.transaction() as session:
        await runs.start(session, UNTIL, staff_id)
    while await _value(runtime, "SELECT count(*) FROM billing_run_matters WHERE state = 'pending'"):
        await asyncio.sleep(0.2)
    took = time.perf_counter() - began
    drafted = await _value(runtime, "SELECT count(*) FROM invoices WHERE state = 'draft'")
    assert drafted == MATTERS, f"{drafted} of {MATTERS} were drafted"
    return took


async def _bare(world: World) -> float:
    """The rows of the drafts again, a commit a matter, as PostgreSQL takes them by itself."""
    connection = await world.connect("billing")
    try:
        ids = [row[0] for row in await connection.fetch("SELECT invoice_id FROM invoices")]
        await connection.execute("CREATE TEMP TABLE a (LIKE invoices INCLUDING INDEXES)")
        await connection.execute("CREATE TEMP TABLE b (LIKE invoice_lines INCLUDING INDEXES)")
        began = time.perf_counter()
        for one in ids:
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO a SELECT * FROM invoices WHERE invoice_id = $1", one
                )
                await connection.execute(
                    "INSERT INTO b SELECT * FROM invoice_lines WHERE invoice_id = $1", one
                )
        return time.perf_counter() - began
    finally:
        await connection.close()


async def _thousand(runtime: Runtime, matter_id: UUID, staff_id: UUID) -> dict[str, float]:
    """One invoice of a thousand lines, issued, then read in each form."""
    took: dict[str, float] = {}
    async with runtime.db.transaction() as session:
        (invoice_id,) = (
            await session.execute(
                text("SELECT invoice_id FROM invoices WHERE matter_id = :m"), {"m": matter_id}
            )
        ).scalars()
        await session.execute(
            text("""
                INSERT INTO invoice_lines
                SELECT invoice_id, number + 100 * n, kind, fixed, NULL, worked_on, units, unit_cost,
                       adjustment, total, tax, task_code, activity_code, expense_code, staff_id,
                       narrative, reason, credited, disputed
                FROM invoice_lines, generate_series(1, :more) n
                WHERE invoice_id = :i AND number <= 1
            """),
            {"i": invoice_id, "more": LINES - ENTRIES},
        )
        invoice = await bills.invoice(session, invoice_id, lock=True)
        staff = await directory.timekeeper(session, staff_id)
        await invoices.write_down(session, invoice, 1, 100, "It took us too long.")
        await invoices.approve(session, invoice, staff, None)
        await invoices.issue(session, invoice, staff_id)
    async with runtime.db.transaction() as session:
        invoice = await bills.invoice(session, invoice_id, lock=True)
        began = time.perf_counter()
        await paper.pdf(session, invoice)
        took["pdf"] = time.perf_counter() - began
        bill = await paper.bill(session, invoice, PROFILE)
        began = time.perf_counter()
        written = ledes.write([bill], PROFILE)
        took["ledes"] = time.perf_counter() - began
        began = time.perf_counter()
        assert preflight.check(written, PROFILE) == []
        took["check"] = time.perf_counter() - began
    took["balance"] = await _balance(runtime, matter_id)
    return took


async def _balance(runtime: Runtime, matter_id: UUID) -> float:
    wanted: dict[str, Any] = {"m": matter_id}
    query = text("SELECT balance FROM balances WHERE matter_id = :m AND book = 'operating'"
                 " AND account = 'receivable' AND currency = 'USD'")  # fmt: skip
    async with runtime.db.transaction() as session:
        await session.execute(query, wanted)
        began = time.perf_counter()
        for _ in range(100):
            await session.execute(query, wanted)
        return (time.perf_counter() - began) / 100


async def _value(runtime: Runtime, query: str) -> int:
    async with runtime.db.transaction() as session:
        return int((await session.execute(text(query))).scalar_one())
