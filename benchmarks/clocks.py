"""Clocks by the thousand: opened as facts arrive, and fired when all of them are due at once;
then the same events onto the record, against a bare COPY of the same rows."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg

from events import backlog, relay_all
from ground import Ground, World, table, until

MESSAGES = 3_000
BEFORE_THE_TARGET = 21 * 3600  # acknowledgments are due after 24 h, the warning comes after 20
ROWS_AT_ONCE = 500
PATIENCE = 120.0


async def run(ground: Ground) -> None:
    with ground.world("clocks") as world:
        await backlog(world, MESSAGES)
        await relay_all(world)
        opened = await _opened(world)
        warned = await _warned(world)
        world.stop("sla_monitor")
        events, recorded = await _recorded(world)
        copied = await _copied(world)
    rows = [("", "each", "1/s", "ratio")]
    rows += [
        ("clocks opened, two a message", f"{2 * MESSAGES}", f"{2 * MESSAGES / opened:.0f}", "")
    ]
    rows += [("dues at one instant, each told", f"{MESSAGES}", f"{MESSAGES / warned:.0f}", "")]
    rows += [("bare COPY of the record's rows", f"{events}", f"{events / copied:.0f}", "1.00")]
    figure = f"{events / recorded:.0f}"
    rows += [("events onto the record", f"{events}", figure, f"{copied / recorded:.2f}")]
    table("Clocks and the record", rows)


async def _opened(world: World) -> float:
    watch = await world.connect("sla_monitor")
    await asyncio.to_thread(world.start, "sla_monitor")
    began = time.perf_counter()
    before = await watch.fetchval("SELECT count(*) FROM clocks")
    await until(_counts(watch, "SELECT count(*) FROM clocks", 2 * MESSAGES), PATIENCE)
    took = time.perf_counter() - began
    await watch.close()
    return took * 2 * MESSAGES / (2 * MESSAGES - int(before))


async def _warned(world: World) -> float:
    """From the moment when time was moved until everybody was warned of every acknowledgment."""
    watch = await world.connect("sla_monitor")
    world.stack.clock_offset.write_text(str(BEFORE_THE_TARGET))
    warned = "SELECT count(*) FROM clocks WHERE kind = 'acknowledgment' AND warned_at IS NOT NULL"
    took = await until(_counts(watch, warned, MESSAGES), PATIENCE)
    await watch.close()
    world.stack.clock_offset.unlink()
    return took


async def _recorded(world: World) -> tuple[int, float]:
    """How many events audit recorded, and the seconds from the first to the last of them."""
    told = sum([await _told(world, service) for service in ("messaging", "sla_monitor")])
    watch = await world.connect("audit")
    await asyncio.to_thread(world.start, "audit")
    began = time.perf_counter()
    before = await watch.fetchval("SELECT count(*) FROM entries")
    await until(_counts(watch, "SELECT count(*) FROM entries", told), PATIENCE)
    took = time.perf_counter() - began
    await watch.close()
    world.stop("audit")
    return told, took * told / (told - before)


async def _told(world: World, service: str) -> int:
    """How many of a service's events are in Kafka."""
    watch = await world.connect(service)
    sent = int(await watch.fetchval("SELECT sum(last_sequence) FROM outbox_sent"))
    await watch.close()
    return sent


async def _copied(world: World) -> float:
    """The same rows into a table of the same form, in as many commits as a consumer polls."""
    watch = await world.connect("audit")
    await watch.execute("CREATE TABLE bare (LIKE entries INCLUDING INDEXES)")
    rows = [tuple(row) for row in await watch.fetch("SELECT * FROM entries ORDER BY index")]
    began = time.perf_counter()
    for first in range(0, len(rows), ROWS_AT_ONCE):
        await watch.copy_records_to_table("bare", records=rows[first : first + ROWS_AT_ONCE])
    took = time.perf_counter() - began
    await watch.close()
    return took


def _counts(
    watch: asyncpg.Connection, statement: str, wanted: int
) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return bool(await watch.fetchval(statement) >= wanted)

    return enough
