"""Time in, whole: real Kafka, real clocks of seconds; what fires, when, and what never does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from billing.settings import BillingSettings
from matters.settings import MattersSettings
from shared.contracts import FIRM_ID, PARTITIONS, Event, Sealed, partition_of
from shared.contracts.billing import BillingConcernRaised
from shared.contracts.matters import StrategyQuestioned
from shared.contracts.platform import StreamHead, StreamHeadsStated
from shared.contracts.sla_monitor import DeadlineBreached, DeadlineWarned, EscalationRaised
from shared.db import Database
from shared.ids import new_id
from shared.outbox import emit
from sla_monitor.app import create_app
from sla_monitor.settings import SlaMonitorSettings
from sla_monitor.ticker import Leap
from support.machinery import MessagingSettings, database, execute_as_admin, service_of
from support.platform import Platform
from support.running import Running, running
from support.waiting import eventually

World = Any  # the fixture's own class; see conftest.py
SECONDS = {"mode": "elapsed", "target": "PT1S", "limit": "PT2S", "ladder": ["supervisor"]}


@dataclass
class Firm:
    """sla-monitor and a messaging that is nothing but machinery, over topics of their own."""

    sla: Running
    messaging: Database
    world: Any

    async def tell(self, *events: Event) -> None:
        async with self.messaging.transaction() as session:
            for event in events:
                emit(session, event)


@asynccontextmanager
async def whole(platform: Platform, prefix: str, world: World, **more: Any) -> AsyncIterator[Firm]:
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True)
    settings = await platform.settings(SlaMonitorSettings, prefix, **more)
    own = world.db
    async with (
        running(service_of, teller) as messaging,
        running(create_app, settings) as sla,
    ):
        world.db = sla.runtime.db
        yield Firm(sla, messaging.runtime.db, world)
    world.db = own


@pytest.fixture
async def firm(platform: Platform, prefix: str, world: World) -> AsyncIterator[Firm]:
    async with whole(platform, prefix, world) as made:
        yield made


def now() -> datetime:
    return datetime.now(UTC)


SEALED = Sealed(
    owner=FIRM_ID, key_version=1, content_id=FIRM_ID, kind="x", field="x", box="", commitment=""
)


def questioned(world: World, at: datetime) -> StrategyQuestioned:
    return StrategyQuestioned(
        question_id=new_id(),
        matter_id=new_id(),
        client_id=world.client_id,
        question=SEALED,
        asked_at=at,
    )


def raised(world: World, at: datetime) -> BillingConcernRaised:
    return BillingConcernRaised(
        concern_id=new_id(),
        client_id=world.client_id,
        matter_id=new_id(),
        kind="time",
        channel="portal",
        text=SEALED,
        raised_at=at,
    )


async def test_a_policy_of_seconds_warns_breaches_and_escalates_live(firm: Firm) -> None:
    await firm.world.publish_policy("response", **SECONDS)
    received = now()
    await firm.tell(firm.world.message(received))
    raised = await eventually(lambda: firm.world.told(EscalationRaised))
    warned = [e for e in await firm.world.told(DeadlineWarned) if e.kind == "response"]
    (breached,) = await firm.world.told(DeadlineBreached)
    assert [each.threshold for each in warned] == ["target"]
    assert warned[0].due_at == received + timedelta(seconds=1)
    assert (breached.due_at, raised[0].role) == (received + timedelta(seconds=2), "supervisor")
    for late in (warned[0], breached):
        assert late.detected_at >= late.due_at
    await asyncio.sleep(1)
    assert len(await firm.world.told(DeadlineBreached, DeadlineWarned, EscalationRaised)) == 3


async def test_an_answer_in_time_is_never_followed_by_a_breach(firm: Firm) -> None:
    await firm.world.publish_policy("response", **SECONDS)
    received = now()
    await firm.tell(firm.world.message(received))
    await asyncio.sleep(1.5)
    await firm.tell(firm.world.sent(now()))
    await asyncio.sleep(1.5)
    assert (await firm.world.clock("response")).state == "met"
    assert await firm.world.told(DeadlineBreached) == []


async def test_nothing_is_breached_while_what_was_said_is_not_heard_yet(firm: Firm) -> None:
    await firm.world.publish_policy("response", **SECONDS)
    await firm.tell(firm.world.message(now()))
    await eventually(lambda: firm.world.clocks("response"))
    holder = await asyncpg.connect(firm.sla.runtime.settings.database_url)
    async with holder.transaction():
        # The poll that brings the answer is under way and cannot commit.
        await holder.execute("LOCK TABLE inbox IN SHARE MODE")
        await firm.tell(firm.world.sent(now()))
        await eventually(
            lambda: firm.world.clock("response"), lambda clock: clock.state == "unconfirmed"
        )
        await asyncio.sleep(1)
        assert (await firm.world.clock("response")).state == "unconfirmed"
    await holder.close()
    await eventually(lambda: firm.world.clock("response"), lambda clock: clock.state == "met")
    assert await firm.world.told(DeadlineBreached) == []


async def test_a_parked_event_of_the_client_keeps_a_breach_unconfirmed(firm: Firm) -> None:
    await firm.world.publish_policy("response", **SECONDS)
    await firm.tell(firm.world.message(now()))
    await eventually(lambda: firm.world.clocks("response"))
    async with firm.sla.runtime.db.transaction() as session:
        await session.execute(
            text("""
                INSERT INTO parked_events (topic, partition, record_offset, key, type, event_id,
                                           headers, value, problem, parked_at)
                VALUES ('t', 0, 0, :key, '', '', '{}', '', 'not understood', now())
            """),
            {"key": str(firm.world.client_id)},
        )
    await eventually(
        lambda: firm.world.clock("response"), lambda clock: clock.state == "unconfirmed"
    )
    await asyncio.sleep(0.5)
    assert await firm.world.told(DeadlineBreached) == []
    async with firm.sla.runtime.db.transaction() as session:
        await session.execute(text("UPDATE parked_events SET replayed_at = now()"))
    await eventually(lambda: firm.world.told(DeadlineBreached))


async def test_an_announced_leap_of_the_clock_is_caught_up_with_in_order(
    platform: Platform, prefix: str, world: World, tmp_path: Path
) -> None:
    offset = tmp_path / "clock-offset"
    async with whole(platform, prefix, world, clock_offset_file=offset) as firm:
        await firm.tell(world.message(now()))
        await eventually(lambda: world.clocks("response"))
        offset.write_text(str(200 * 3600))
        of_response = ["PT8H", "PT2H"]
        await eventually(lambda: _thresholds(world), lambda told: told[:2] == of_response)
        # The statement of messaging is old now: what it may hide is waited for, and stated anew.
        await eventually(lambda: world.told(DeadlineBreached), lambda told: len(told) == 2)
        ready = await firm.sla.http.get("/readyz")
        assert ready.json()["checks"]["time"] == "ok"
        assert await _thresholds(world) == [*of_response, "target"], "caught up in order"


async def test_constant_traffic_postpones_neither_the_notice_of_the_target_nor_the_breach(
    firm: Firm,
) -> None:
    await firm.tell(firm.world.message(now()))
    await eventually(lambda: firm.world.clocks("response"))  # all is running
    await firm.world.publish_policy("response", **SECONDS)
    chatter = asyncio.create_task(_chatter(firm))
    await firm.tell(firm.world.message(now(), conversation_id=new_id()))
    await eventually(lambda: firm.world.told(EscalationRaised))
    assert not chatter.done(), "all of it was told while others went on talking"
    chatter.cancel()
    assert await firm.world.told(DeadlineWarned)
    assert await firm.world.told(DeadlineBreached)


async def _chatter(firm: Firm) -> None:
    """A hundred facts a second about other clients, in all partitions: there is always one on its
    way."""
    while True:
        await firm.tell(*(firm.world.sent(now(), client_id=c, conversation_id=c) for c in _ids(1)))
        await asyncio.sleep(0.01)


async def test_an_answer_that_messaging_has_not_sent_yet_is_never_a_breach(
    platform: Platform, prefix: str, world: World
) -> None:
    async with silenced(platform, prefix, world) as stalled:
        limit = (await world.clock("response")).limit_at
        await stalled.tell(world.sent(limit - timedelta(seconds=1)))
        await stalled.until_unconfirmed()
        await asyncio.sleep(1)
        assert await world.told(DeadlineBreached, EscalationRaised) == []
        async with running(service_of, stalled.messaging.settings):
            clock = await eventually(lambda: world.clock("response"), lambda c: c.state == "met")
            await asyncio.sleep(1)
        assert clock.breached_at is None
        assert await world.told(DeadlineBreached) == []


async def test_a_messaging_that_comes_back_without_an_answer_confirms_one_breach(
    platform: Platform, prefix: str, world: World
) -> None:
    async with silenced(platform, prefix, world) as stalled:
        await stalled.until_unconfirmed()
        async with running(service_of, stalled.messaging.settings):
            await eventually(lambda: world.told(EscalationRaised))
            await asyncio.sleep(1)
        (breached,) = await world.told(DeadlineBreached)
        assert breached.due_at == (await world.clock("response")).limit_at
        assert (await world.clock("response")).state == "breached"


async def test_what_was_stated_but_not_heard_may_have_met_a_clock(
    platform: Platform, prefix: str, world: World
) -> None:
    """One partition of messaging's stands still; its statements come through another."""
    async with whole(platform, prefix, world) as firm:
        await eventually(lambda: has_stated(firm.messaging))  # its own, which comes by the minute
        await world.publish_policy("response", **SECONDS)
        partition = partition_of(str(world.client_id), PARTITIONS)
        heads = (StreamHead(partition=partition, epoch=1, last_sequence=3),)
        stated = StreamHeadsStated(service="messaging", heads=heads, stated_at=now())
        await firm.tell(stated, world.message(now()))
        await eventually(lambda: world.clocks("response"))
        await eventually(lambda: world.clock("response"), lambda c: c.state == "unconfirmed")
        await firm.tell(world.sent(now(), "notice"))
        await asyncio.sleep(1)
        assert await world.told(DeadlineBreached) == [], "two were heard of three"
        await firm.tell(world.sent(now(), "notice"))
        await eventually(lambda: world.told(DeadlineBreached))


async def has_stated(messaging: Database) -> bool:
    async with messaging.transaction() as session:
        found = await session.execute(text("SELECT stated_at > 'epoch' FROM heads_stated"))
        return bool(found.scalar_one())


@dataclass
class Stalled:
    """A messaging that commits and does not send."""

    messaging: Database
    world: Any

    async def tell(self, *events: Event) -> None:
        async with self.messaging.transaction() as session:
            for event in events:
                emit(session, event)

    async def until_unconfirmed(self) -> None:
        await eventually(
            lambda: self.world.clock("response"), lambda clock: clock.state == "unconfirmed"
        )


@asynccontextmanager
async def silenced(platform: Platform, prefix: str, world: World) -> AsyncIterator[Stalled]:
    """A message was received and heard, then messaging fell silent for longer than it may."""
    often = {"heads_stated_every": 0.5, "heads_stated_idle": 1.0}
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True, **often)
    settings = await platform.settings(SlaMonitorSettings, prefix, **often)
    own = world.db
    async with running(create_app, settings) as sla, database(teller) as messaging:
        world.db = sla.runtime.db
        await world.publish_policy("response", **(SECONDS | {"target": "PT4S", "limit": "PT5S"}))
        stalled = Stalled(messaging, world)
        async with running(service_of, teller):
            await stalled.tell(world.message(now()))
            await eventually(lambda: world.clocks("response"))
        yield stalled
    world.db = own


async def test_a_concern_breaks_only_while_billing_can_be_heard(
    platform: Platform, prefix: str, world: World
) -> None:
    """Messaging speaks all along; that billing fell silent makes nothing else unsure."""
    often = {"heads_stated_every": 0.5, "heads_stated_idle": 1.0}
    biller = await platform.settings(BillingSettings, prefix, machinery_only=True, **often)
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True, **often)
    settings = await platform.settings(SlaMonitorSettings, prefix, **often)
    own = world.db
    async with running(service_of, teller) as messaging, running(create_app, settings) as sla:
        world.db = sla.runtime.db
        await world.publish_policy("concern", **(SECONDS | {"target": "PT4S", "limit": "PT5S"}))
        async with running(service_of, biller) as billing:
            await Stalled(billing.runtime.db, world).tell(raised(world, now()))
            await eventually(lambda: world.clocks("concern"))
        await eventually(lambda: world.clock("concern"), lambda one: one.state == "unconfirmed")
        await world.publish_policy("response", **SECONDS)
        await Stalled(messaging.runtime.db, world).tell(world.message(now()))
        (broken,) = await eventually(lambda: world.told(DeadlineBreached))
        assert broken.kind == "response"
        async with running(service_of, biller):
            await eventually(lambda: world.clock("concern"), lambda one: one.state == "breached")
    world.db = own


async def test_a_question_is_unanswered_only_while_matters_can_be_heard(
    platform: Platform, prefix: str, world: World
) -> None:
    often = {"heads_stated_every": 0.5, "heads_stated_idle": 1.0}
    of_matters = await platform.settings(MattersSettings, prefix, machinery_only=True, **often)
    teller = await platform.settings(MessagingSettings, prefix, machinery_only=True, **often)
    settings = await platform.settings(SlaMonitorSettings, prefix, **often)
    own = world.db
    async with running(service_of, teller), running(create_app, settings) as sla:
        world.db = sla.runtime.db
        await world.publish_policy("question", **(SECONDS | {"target": "PT4S", "limit": "PT5S"}))
        async with running(service_of, of_matters) as matters:
            await Stalled(matters.runtime.db, world).tell(questioned(world, now()))
            await eventually(lambda: world.clocks("question"))
        await eventually(lambda: world.clock("question"), lambda one: one.state == "unconfirmed")
        assert await world.told(DeadlineBreached) == []
        async with running(service_of, of_matters):
            await eventually(lambda: world.clock("question"), lambda one: one.state == "breached")
    world.db = own


async def test_firing_pauses_while_the_clock_has_leapt_and_nobody_announced_it(
    platform: Platform, prefix: str, world: World
) -> None:
    settings = await platform.settings(SlaMonitorSettings, prefix)
    await execute_as_admin(platform, settings, LEAPING)
    address = settings.database_url
    async with whole(platform, prefix, world, sla_monitor_database_url=address) as firm:
        await firm.tell(world.message(now()))
        await eventually(lambda: world.clocks("response"))
        await execute_as_admin(platform, settings, "UPDATE leap SET by = '200 hours'")
        await eventually(lambda: _time_check(firm), lambda found: "leapt by 720000 s" in found)
        await asyncio.sleep(1)
        assert await world.told(DeadlineWarned, DeadlineBreached) == []
        await execute_as_admin(platform, settings, "UPDATE leap SET by = '0'")
        await eventually(lambda: _time_check(firm), lambda found: found == "ok")


# The service asks its database what time it is; here the answer can leap.
LEAPING = """
    CREATE TABLE leap (by interval NOT NULL);
    INSERT INTO leap VALUES ('0');
    CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS 'SELECT pg_catalog.clock_timestamp() + by FROM leap';
    GRANT SELECT ON leap TO sla_monitor;
    DO $$ BEGIN EXECUTE format(
        'ALTER ROLE sla_monitor IN DATABASE %I SET search_path = public, pg_catalog',
        current_database()); END $$;
"""


async def _time_check(firm: Firm) -> str:
    return str((await firm.sla.http.get("/readyz")).json()["checks"]["time"])


async def test_a_clock_that_cannot_be_counted_does_not_stop_the_others(firm: Firm) -> None:
    world = firm.world
    await world.with_office()
    await firm.tell(world.message(now(), conversation_id=new_id()))
    (stuck,) = await eventually(lambda: world.clocks("response"))
    async with firm.sla.runtime.db.transaction() as session:
        await session.execute(
            text("UPDATE clocks SET opened_at = '2001-01-01', next_at = '2001-01-01'"
                 " WHERE clock_id = :id"),
            {"id": stuck.clock_id},
        )  # fmt: skip
    await world.publish_policy("triage", mode="elapsed", target="PT1S", limit="PT1S")
    await firm.tell(world.quarantined(now(), new_id()))
    (breached,) = await eventually(lambda: world.told(DeadlineBreached))
    assert breached.kind == "triage"


async def test_two_tickers_tell_a_breach_once(
    platform: Platform, prefix: str, world: World
) -> None:
    async with whole(platform, prefix, world) as firm:
        settings = firm.sla.runtime.settings
        await world.publish_policy("response", **SECONDS)
        async with running(create_app, settings):
            await firm.tell(*(world.message(now(), conversation_id=c) for c in _ids(20)))
            await eventually(lambda: world.told(DeadlineBreached), lambda told: len(told) >= 20)
            await asyncio.sleep(0.5)
            assert len(await world.told(DeadlineBreached)) == 20


async def test_after_a_down_time_what_was_due_is_told_with_when_it_was_seen(
    platform: Platform, prefix: str, world: World
) -> None:
    received = now() - timedelta(seconds=30)
    await world.publish_policy("response", **SECONDS)
    await world.hear(world.message(received))
    address = world.db.settings.database_url
    async with whole(platform, prefix, world, sla_monitor_database_url=address):
        (breached,) = await eventually(lambda: world.told(DeadlineBreached))
    assert breached.due_at == received + timedelta(seconds=2)
    assert breached.detected_at - breached.due_at > timedelta(seconds=27)


def test_a_leap_that_nobody_announced_pauses_until_time_agrees_again() -> None:
    leap, start = Leap(60), now()
    assert not leap.happened(start, 0.0)
    assert not leap.happened(start + timedelta(seconds=100), 100.0)
    assert leap.happened(start + timedelta(seconds=200), 101.0)
    assert leap.problem is not None
    assert leap.happened(start + timedelta(seconds=201), 102.0), "and stays so"
    assert not leap.happened(start + timedelta(seconds=103), 103.0)
    assert leap.problem is None
    assert leap.happened(start - timedelta(seconds=103), 104.0), "backwards is a leap as well"


async def _thresholds(world: World) -> list[str]:
    return [each.threshold for each in await world.told(DeadlineWarned) if each.kind == "response"]


def _ids(count: int) -> list[Any]:
    return [new_id() for _ in range(count)]
