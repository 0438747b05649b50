"""The inbox: once in effect, in order per key, nothing lost; poison waits with its key."""

import asyncio
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.messaging import NoteWritten
from shared.handlers import Handlers
from shared.ids import new_id
from shared.keyring import keys_of
from support.machinery import (
    MessagingSettings,
    SlaMonitorSettings,
    effects,
    execute_as_admin,
    keep_effect,
    keeping,
    number_sent,
    service_of,
    tell,
    with_effects,
)
from support.platform import Platform
from support.running import Running, bearer, running
from support.waiting import eventually


async def count(service: Running) -> int:
    return sum(map(len, (await effects(service.runtime.db)).values()))


async def both(platform: Platform, prefix: str) -> tuple[MessagingSettings, SlaMonitorSettings]:
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    hearer = await platform.settings(SlaMonitorSettings, prefix, machinery_only=True)
    await with_effects(platform, hearer)
    return teller, hearer


async def test_what_the_relay_sends_twice_takes_effect_once(
    platform: Platform, prefix: str
) -> None:
    teller, hearer = await both(platform, prefix)
    client = new_id()
    async with running(lambda s: service_of(s, keeping()), hearer) as sla:
        for _ in range(2):
            async with running(service_of, teller) as messaging:
                await tell(messaging.runtime.db, client, 1, 2)
                await asyncio.sleep(1)
            await execute_as_admin(platform, teller, "UPDATE outbox_sent SET last_sequence = 0")
        async with running(service_of, teller):
            await eventually(lambda: count(sla), lambda found: found >= 4)
            await asyncio.sleep(1)
        assert await effects(sla.runtime.db) == {client: [1, 2, 1, 2]}


async def test_what_comes_twice_in_one_poll_takes_effect_once(
    platform: Platform, prefix: str
) -> None:
    """After a crash the relay sends its last batch again; both copies may lie in one poll."""
    teller, hearer = await both(platform, prefix)
    client = new_id()
    async with running(service_of, teller) as messaging:
        await tell(messaging.runtime.db, client, 1, 2, 3)
        await eventually(lambda: number_sent(messaging.runtime.db), lambda found: found >= 3)
    await execute_as_admin(platform, teller, "UPDATE outbox_sent SET last_sequence = 0")
    async with running(service_of, teller) as messaging:
        await eventually(lambda: number_sent(messaging.runtime.db), lambda found: found >= 3)
    async with running(lambda s: service_of(s, keeping()), hearer) as sla:
        await eventually(lambda: count(sla), lambda found: found >= 3)
        await asyncio.sleep(0.5)
        assert await effects(sla.runtime.db) == {client: [1, 2, 3]}


async def test_a_late_consumer_reads_an_old_topic_from_its_first_record(
    platform: Platform, prefix: str
) -> None:
    teller, hearer = await both(platform, prefix)
    client = new_id()
    async with running(service_of, teller) as messaging:
        await tell(messaging.runtime.db, client, *range(20))
        await asyncio.sleep(1)
    async with running(lambda s: service_of(s, keeping()), hearer) as sla:
        await eventually(lambda: count(sla), lambda found: found >= 20)
        assert await effects(sla.runtime.db) == {client: list(range(20))}


async def test_a_consumer_whose_database_was_put_back_hears_again_what_it_forgot(
    platform: Platform, prefix: str
) -> None:
    """Kafka's group offsets say that all was read; our own offsets, restored with the effects,
    do not."""
    teller, hearer = await both(platform, prefix)
    client = new_id()
    async with running(service_of, teller) as messaging:
        async with running(lambda s: service_of(s, keeping()), hearer) as sla:
            await tell(messaging.runtime.db, client, 1, 2, 3)
            await eventually(lambda: count(sla), lambda found: found >= 3)
        name = hearer.database_url.rpartition("/")[2]
        backup = f"{name}_backup"
        await execute_as_admin(platform, teller, f'CREATE DATABASE "{backup}" TEMPLATE "{name}"')
        async with running(lambda s: service_of(s, keeping()), hearer) as sla:
            await tell(messaging.runtime.db, client, 4, 5, 6)
            await eventually(lambda: count(sla), lambda found: found >= 6)
        await execute_as_admin(
            platform, teller, f'GRANT CONNECT ON DATABASE "{backup}" TO sla_monitor'
        )
        address = platform.address("sla_monitor", backup)
        restored = hearer.model_copy(update={"sla_monitor_database_url": SecretStr(address)})
        async with running(lambda s: service_of(s, keeping()), restored) as sla:
            await eventually(lambda: count(sla), lambda found: found >= 6)
            assert await effects(sla.runtime.db) == {client: [1, 2, 3, 4, 5, 6]}


class Refusing:
    """A handler that cannot handle some numbers, until somebody mends it."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = set(numbers)
        self.handlers = Handlers()
        self.handlers.on(NoteWritten)(self.on_note_written)

    async def on_note_written(self, session: AsyncSession, event: NoteWritten) -> None:
        await keep_effect(session, event)
        if int(event.body.field) in self.numbers:
            raise ValueError("a number that nobody can handle")


async def test_a_poison_event_parks_with_its_key_and_is_replayed_in_order(
    platform: Platform, prefix: str
) -> None:
    teller, hearer = await both(platform, prefix)
    poisoned, other = new_id(), new_id()
    refusing = Refusing(2)
    async with (
        running(service_of, teller) as messaging,
        running(lambda s: service_of(s, refusing.handlers), hearer) as sla,
    ):
        await tell(messaging.runtime.db, poisoned, 1, 2, 3)
        await tell(messaging.runtime.db, other, 1, 2 + 5, 3)
        await tell(messaging.runtime.db, poisoned, 4)
        await eventually(lambda: parked(platform, sla), lambda items: len(items) == 3)
        await eventually(lambda: count(sla), lambda number: number >= 4)
        assert await effects(sla.runtime.db) == {poisoned: [1], other: [1, 7, 3]}

        first = (await parked(platform, sla))[0]
        headers = bearer(platform, "operations")
        again = await sla.http.post(f"/v1/parked/{first['event_id']}/replay", headers=headers)
        assert again.status_code == 500
        assert len(await parked(platform, sla)) == 3

        refusing.numbers.clear()
        replayed = await sla.http.post(f"/v1/parked/{first['event_id']}/replay", headers=headers)
        assert replayed.json() == {"replayed": 3}
        await tell(messaging.runtime.db, poisoned, 5)
        await eventually(lambda: count(sla), lambda number: number >= 8)
        assert (await effects(sla.runtime.db))[poisoned] == [1, 2, 3, 4, 5]


async def parked(platform: Platform, service: Running) -> list[dict[str, object]]:
    answer = await service.http.get("/v1/parked", headers=bearer(platform, "operations"))
    found: list[dict[str, object]] = answer.json()["items"]
    return found


class Needing:
    """A handler that from its second event on needs the key of somebody of whom the first told."""

    def __init__(self, friends: dict[UUID, UUID]) -> None:
        self.friends = friends
        self.handlers = Handlers()
        self.handlers.on(NoteWritten, keys_of=self.whose)(self.on_note_written)

    async def whose(self, session: AsyncSession, event: NoteWritten) -> list[UUID]:
        told = text("SELECT 1 FROM effects WHERE client_id = :client")
        found = (await session.execute(told, {"client": event.client_id})).first()
        return [self.friends[event.client_id]] if found else []

    async def on_note_written(self, session: AsyncSession, event: NoteWritten) -> None:
        await keep_effect(session, event)
        if int(event.body.field) > 1:
            keys_of(session).key(self.friends[event.client_id])


async def test_keys_that_a_handler_names_are_at_hand_also_when_the_same_poll_tells_of_whom(
    platform: Platform, prefix: str
) -> None:
    teller, hearer = await both(platform, prefix)
    client, friend, unlucky, nobody = (new_id() for _ in range(4))
    needing = Needing({client: friend, unlucky: nobody})
    async with running(service_of, teller) as messaging:
        await messaging.runtime.keys.hold(friend, create=True)
        await tell(messaging.runtime.db, client, 1, 2)
        await tell(messaging.runtime.db, unlucky, 1, 2)
        await eventually(lambda: number_sent(messaging.runtime.db), lambda found: found >= 4)
        async with running(lambda s: service_of(s, needing.handlers), hearer) as sla:
            (waits,) = await eventually(lambda: parked(platform, sla), lambda items: len(items) > 0)
            await eventually(lambda: count(sla), lambda number: number >= 3)
            assert await effects(sla.runtime.db) == {client: [1, 2], unlucky: [1]}
            await messaging.runtime.keys.hold(nobody, create=True)
            headers = bearer(platform, "operations")
            await sla.http.post(f"/v1/parked/{waits['event_id']}/replay", headers=headers)
            assert (await effects(sla.runtime.db))[unlucky] == [1, 2]


async def test_parked_events_are_for_operations_only_and_a_refusal_is_recorded(
    platform: Platform, prefix: str
) -> None:
    _, hearer = await both(platform, prefix)
    async with running(service_of, hearer) as sla:
        answer = await sla.http.get("/v1/parked", headers=bearer(platform, "attorney"))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        async with sla.runtime.db.transaction() as session:
            rows = await session.execute(text("SELECT role, purpose, denied FROM accesses"))
            assert [tuple(row) for row in rows] == [("attorney", "handle parked events", True)]


async def test_too_many_parked_in_a_row_stop_the_consumer_before_it_parks_the_world(
    platform: Platform, prefix: str
) -> None:
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    hearer = await platform.settings(
        SlaMonitorSettings, prefix, machinery_only=True, consumer_breaker=5
    )
    await with_effects(platform, hearer)
    refusing = Refusing(*range(100))
    async with (
        running(service_of, teller) as messaging,
        running(lambda s: service_of(s, refusing.handlers), hearer) as sla,
    ):
        for number in range(20):
            await tell(messaging.runtime.db, new_id(), number)

        async def readiness() -> str:
            return (await sla.http.get("/readyz")).text

        await eventually(readiness, lambda answer: "in a row were parked" in answer)
        assert 5 <= len(await parked(platform, sla)) < 20


class Slow:
    """A handler that takes its time; it says when it is in the middle of it."""

    def __init__(self) -> None:
        self.busy = asyncio.Event()
        self.handlers = Handlers()
        self.handlers.on(NoteWritten)(self.on_note_written)

    async def on_note_written(self, session: AsyncSession, event: NoteWritten) -> None:
        await keep_effect(session, event)
        if int(event.body.field) == 0 and not self.busy.is_set():
            self.busy.set()
            await asyncio.sleep(9)


async def test_a_rebalance_during_a_slow_handler_makes_nothing_happen_twice(
    platform: Platform, prefix: str
) -> None:
    teller, hearer = await both(platform, prefix)
    clients: list[UUID] = [new_id() for _ in range(24)]
    slow = Slow()
    async with (
        running(service_of, teller) as messaging,
        running(lambda s: service_of(s, slow.handlers), hearer) as first,
    ):
        for client in clients:
            await tell(messaging.runtime.db, client, 0, 1, 2)
        await asyncio.wait_for(slow.busy.wait(), 20)
        async with running(lambda s: service_of(s, keeping()), hearer) as second:
            await tell(messaging.runtime.db, clients[0], 3)
            await eventually(lambda: count(second), lambda found: found >= 73, seconds=60)
            await asyncio.sleep(1)
            found = await effects(first.runtime.db)
            assert found == {client: [0, 1, 2] for client in clients} | {clients[0]: [0, 1, 2, 3]}
