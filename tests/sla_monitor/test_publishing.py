"""What clocks follow, as it is told to others and as it is kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.platform import StreamHead, StreamHeadsStated
from shared.contracts.sla_monitor import ClockPolicyPublished
from sla_monitor import queries

World = Any  # the fixture's own class; see conftest.py
NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)


async def test_a_published_policy_says_what_urgent_messages_are_promised(world: World) -> None:
    urgent = {"target": "PT30M", "limit": "PT1H", "ladder": ["supervisor"]}
    await world.publish_policy("response", mode="elapsed", target="PT4H", limit="PT8H")
    await world.publish_policy(
        "response", 3, mode="elapsed", target="PT4H", limit="PT8H", urgent=urgent
    )
    plain, with_urgent = await world.told(ClockPolicyPublished)
    assert plain.urgent is None
    assert plain.ladder == ("supervisor@limit+PT0S", "managing_partner@limit+PT4H")
    assert with_urgent.urgent is not None
    assert (with_urgent.urgent.target, with_urgent.urgent.limit) == ("PT30M", "PT1H")
    assert with_urgent.urgent.ladder == ("supervisor@limit+PT0S",)


async def test_the_last_statement_counts_and_only_while_it_is_young(world: World) -> None:
    assert not await heard_all(world, NOON)
    await world.hear(stated(NOON), stated(NOON + timedelta(minutes=1)))
    assert await heard_all(world, NOON + timedelta(minutes=1))
    assert not await heard_all(world, NOON + timedelta(minutes=2))


def stated(at: datetime) -> StreamHeadsStated:
    heads = (StreamHead(partition=3, epoch=1, last_sequence=7),)
    return StreamHeadsStated(service="messaging", heads=heads, stated_at=at)


async def heard_all(world: World, since: datetime) -> bool:
    async with world.db.transaction() as session:
        return await queries.all_stated_was_heard(session, "messaging", "privity.messaging", since)
