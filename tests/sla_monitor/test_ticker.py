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

from shared.contracts import Event
from shared.contracts.sla_monitor import DeadlineBreached, DeadlineWarned, EscalationRaised
from shared.db import Database
from shared.ids import new_id
from shared.outbox import emit
from sla_monitor.app import create_app
from sla_monitor.settings import SlaMonitorSettings
from sla_monitor.ticker import Leap
from support.machinery import MessagingSettings, service_of
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
        assert late.detected_at - late.due_at < timedelta(seconds=3), "seconds are seconds"
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


async def test_an_announced_leap_of_the_clock_is_noticed_within_a_second(
    platform: Platform, prefix: str, world: World, tmp_path: Path
) -> None:
    offset = tmp_path / "clock-offset"
    async with whole(platform, prefix, world, clock_offset_file=offset) as firm:
        await firm.tell(world.message(now()))
        await eventually(lambda: world.clocks("response"))
        offset.write_text(str(200 * 3600))
        moved = asyncio.get_running_loop().time()
        await eventually(lambda: world.told(DeadlineBreached), lambda told: len(told) == 2)
        assert asyncio.get_running_loop().time() - moved < 1.5
        ready = await firm.sla.http.get("/readyz")
        assert ready.json()["checks"]["time"] == "ok"
        thresholds = [e.threshold for e in await world.told(DeadlineWarned) if e.kind == "response"]
        assert thresholds == ["PT8H", "PT2H", "target"], "what was missed is caught up in order"


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
    settings = await platform.settings(SlaMonitorSettings, prefix, sla_monitor_database_url=address)
    async with running(create_app, settings):
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


def _ids(count: int) -> list[Any]:

    return [new_id() for _ in range(count)]
