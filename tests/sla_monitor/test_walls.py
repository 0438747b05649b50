"""Walls as sla-monitor keeps them: whichever is heard first, lowered stays lowered."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.auth import CallerIdentity
from shared.contracts import FIRM_ID, Sealed
from shared.contracts.matters import WallLowered, WallRaised
from shared.ids import new_id
from sla_monitor import queries

World = Any  # the fixture's own class; see conftest.py
NOW = datetime(2026, 7, 6, 14, tzinfo=UTC)
SEALED = Sealed(
    owner=FIRM_ID, key_version=1, content_id=FIRM_ID, kind="x", field="x", box="", commitment=""
)


async def seen(world: World, role: str) -> bool:
    (clock,) = await world.clocks("acknowledgment")
    caller = CallerIdentity(id=new_id(), role=role, email="nobody@firm.test")
    async with world.db.transaction() as session:
        return await queries.readable_clock(session, clock.clock_id, caller) is not None


@pytest.mark.parametrize("order", [("raise",), ("raise", "lower"), ("lower", "raise")])
async def test_a_wall_stands_until_it_is_lowered_in_whatever_order_both_are_heard(
    world: World, order: tuple[str, ...]
) -> None:
    await world.hear(world.message(NOW))
    of = {"wall_id": new_id(), "client_id": world.client_id, "reason": SEALED}
    events = {
        "raise": WallRaised(kind="need_to_know", staff_ids=(new_id(),), raised_at=NOW, **of),
        "lower": WallLowered(lowered_at=NOW, **of),
    }
    assert await seen(world, "partner")
    await world.hear(*(events[one] for one in order))
    assert await seen(world, "partner") == ("lower" in order)
    assert await seen(world, "compliance"), "who keep the walls see what is behind them"
    assert await seen(world, "client")
