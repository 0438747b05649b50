"""A fact travels from one service's transaction to another's: outbox, relay, Kafka, inbox."""

from shared.ids import new_id
from support.machinery import (
    MessagingSettings,
    SlaMonitorSettings,
    effects,
    keeping,
    service_of,
    tell,
    with_effects,
)
from support.platform import Platform
from support.running import running
from support.waiting import eventually


async def test_what_one_service_tells_another_hears_once_and_in_order(
    platform: Platform, prefix: str
) -> None:
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    hearer = await platform.settings(SlaMonitorSettings, prefix, machinery_only=True)
    await with_effects(platform, hearer)
    clients = [new_id() for _ in range(5)]
    async with running(service_of, teller) as messaging:
        for number in range(10):
            for client in clients:
                await tell(messaging.runtime.db, client, number)
        async with running(lambda s: service_of(s, keeping()), hearer) as sla:
            db = sla.runtime.db
            heard = await eventually(
                lambda: effects(db), lambda found: sum(map(len, found.values())) >= 50
            )
            assert heard == {client: list(range(10)) for client in clients}
            ready = await sla.http.get("/readyz")
            assert ready.status_code == 200, ready.text
