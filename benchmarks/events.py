"""How fast facts travel: a backlog through the relay, and one fact at a time from its commit to
the handler of another service."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ground import Ground, World, percentile, table, until
from messaging.settings import MessagingSettings
from shared import clock
from shared.consumer import Consumer
from shared.contracts import FIRM_ID, Sealed
from shared.contracts.messaging import ClientMessageReceived
from shared.db import Database
from shared.handlers import Handlers
from shared.ids import new_id
from shared.inbox import Inbox
from shared.keyring import FileKeyProvider, Keyring
from shared.outbox import emit
from shared.relay import Relay
from sla_monitor.settings import SlaMonitorSettings

BACKLOG = 20_000
AT_ONCE = 100
RATE = 100
SECONDS = 10.0


async def run(ground: Ground) -> None:
    with ground.world("events", "messaging", "sla_monitor") as world:
        written = await backlog(world, BACKLOG)
        relayed = await relay_all(world)
        latencies = await _one_at_a_time(world)
    rows = [("", "events", "events/s")]
    rows += [(f"outbox, {AT_ONCE} a commit", f"{BACKLOG}", f"{BACKLOG / written:.0f}")]
    rows += [("relay, backlog to acknowledged by Kafka", f"{BACKLOG}", f"{BACKLOG / relayed:.0f}")]
    table("Events", rows)
    p50, p99 = (percentile(latencies, share) * 1000 for share in (0.5, 0.99))
    print(f"  commit to handler at {RATE}/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms (goal p50 ≤ 3)")


async def backlog(world: World, count: int) -> float:
    """So many messages of as many clients told by messaging; the seconds that it took."""
    db = Database(world.settings(MessagingSettings))
    began = time.perf_counter()
    for _ in range(count // AT_ONCE):
        async with db.transaction() as session:
            for _ in range(AT_ONCE):
                emit(session, message_received())
    took = time.perf_counter() - began
    await db.close()
    return took


async def relay_all(world: World) -> float:
    """The seconds from the relay's first look to the last acknowledgment."""
    db = Database(world.settings(MessagingSettings))
    relay = Relay(world.settings(MessagingSettings), db)
    watch = await world.connect("messaging")

    async def sent() -> bool:
        behind = """SELECT count(*) FROM outbox_heads JOIN outbox_sent USING (partition)
            WHERE outbox_heads.last_sequence > outbox_sent.last_sequence"""
        return bool(await watch.fetchval(behind) == 0)

    running = asyncio.create_task(relay.run())
    await until(_active(relay), 20, 0.001)
    took = await until(sent, 120, 0.005)
    await _end(running)
    await watch.close()
    await db.close()
    return took


def message_received(message_id: UUID | None = None) -> ClientMessageReceived:
    """About 1.5 KB, as a portal message has them; nobody here opens its seals."""
    box = Sealed(
        owner=FIRM_ID,
        key_version=1,
        content_id=FIRM_ID,
        kind="message",
        field="body",
        box="x" * 700,
        commitment="x" * 64,
    )
    return ClientMessageReceived(
        message_id=message_id or new_id(),
        conversation_id=new_id(),
        client_id=new_id(),
        channel="portal",
        received_at=clock.now() - timedelta(seconds=1),
        body=box,
    )


async def _one_at_a_time(world: World) -> list[float]:
    """Seconds from each commit to the call of the handler, both in this process."""
    heard: dict[UUID, float] = {}
    handlers = Handlers()

    @handlers.on(ClientMessageReceived)
    async def on_client_message_received(
        session: AsyncSession, event: ClientMessageReceived
    ) -> None:
        heard[event.message_id] = time.perf_counter()

    db = Database(world.settings(MessagingSettings))
    relay = Relay(world.settings(MessagingSettings), db)
    async with _listening(world, handlers):
        running = asyncio.create_task(relay.run())
        await until(_active(relay), 20)
        await until(_heard(heard, BACKLOG), 120)
        committed = await _tell(db)
        await until(_heard(heard, BACKLOG + len(committed)), 30)
        await _end(running)
    await db.close()
    return [heard[one] - at for one, at in committed.items()]


async def _tell(db: Database) -> dict[UUID, float]:
    committed: dict[UUID, float] = {}
    began = time.perf_counter()
    for number in range(int(RATE * SECONDS)):
        await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        message_id = new_id()
        async with db.transaction() as session:
            emit(session, message_received(message_id))
        committed[message_id] = time.perf_counter()
    return committed


@asynccontextmanager
async def _listening(world: World, handlers: Handlers) -> AsyncIterator[None]:
    settings = world.settings(SlaMonitorSettings)
    keys = Keyring(
        settings.keyring_database_url.get_secret_value(), FileKeyProvider(settings.kek_file)
    )
    await keys.open()
    db = Database(settings, keys=keys)
    apply = Inbox(settings, db, keys, handlers).apply
    consumer = Consumer(settings, db, [settings.topic("messaging")], apply)
    running = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        await _end(running)
        await keys.close()
        await db.close()


def _active(relay: Relay) -> Callable[[], Awaitable[bool]]:
    async def active() -> bool:
        return relay.state.active

    return active


def _heard(heard: dict[UUID, float], count: int) -> Callable[[], Awaitable[bool]]:
    async def are() -> bool:
        return len(heard) >= count

    return are


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task], timeout=5)
