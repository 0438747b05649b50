"""Walls as sla-monitor keeps them: whichever is heard first, lowered stays lowered."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from shared.auth import CallerIdentity
from shared.contracts import FIRM_ID, Sealed
from shared.contracts.matters import AbsencePlanned, ClientsMerged, WallLowered, WallRaised
from shared.ids import new_id
from sla_monitor import access, people

World = Any  # the fixture's own class; see conftest.py
NOW = datetime(2026, 7, 6, 14, tzinfo=UTC)
SEALED = Sealed(
    owner=FIRM_ID, key_version=1, content_id=FIRM_ID, kind="x", field="x", box="", commitment=""
)


async def seen(world: World, role: str) -> bool:
    (clock,) = await world.clocks("acknowledgment")
    caller = CallerIdentity(id=new_id(), role=role, email="nobody@firm.test")
    async with world.db.transaction() as session:
        return await access.readable_clock(session, clock.clock_id, caller) is not None


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


def merged(world: World, into: UUID, old: UUID) -> ClientsMerged:
    return ClientsMerged(
        client_id=into, merged_id=old, reason=SEALED, merged_by=new_id(), merged_at=NOW
    )


async def owned(world: World, client_id: UUID) -> bool:
    (clock,) = await world.clocks("acknowledgment")
    caller = CallerIdentity(id=client_id, role="client", client_id=client_id)
    async with world.db.transaction() as session:
        return await access.is_own(session, clock, caller)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_client_of_merged_entries_has_all_their_clocks_and_a_wall_stands_around_them(
    world: World, order: tuple[int, ...]
) -> None:
    """Merged, and merged on, and a wall around the oldest entry: three streams, no order."""
    old, oldest, stranger = world.client_id, new_id(), new_id()
    stays = new_id()
    wall = WallRaised(
        wall_id=new_id(),
        client_id=oldest,
        kind="need_to_know",
        staff_ids=(new_id(),),
        raised_at=NOW,
        reason=SEALED,
    )
    await world.hear(world.message(NOW))
    assert not await owned(world, stays)
    events = (merged(world, old, oldest), merged(world, stays, old), wall)
    await world.hear(*(events[number] for number in order))
    for entry in (old, oldest, stays):
        assert await owned(world, entry)
    assert not await owned(world, stranger)
    assert not await seen(world, "partner")


async def test_an_absence_that_is_told_late_does_not_bring_back_what_was_changed(
    world: World,
) -> None:
    who, first, second = new_id(), new_id(), new_id()
    planned = AbsencePlanned(
        absence_id=new_id(),
        staff_id=who,
        stand_in_id=first,
        from_at=NOW - timedelta(days=1),
        until_at=NOW + timedelta(days=1),
    )
    changed = planned.model_copy(update={"revision": 2, "stand_in_id": second})
    await world.hear(world.staff(who), world.staff(first), world.staff(second))
    await world.hear(world.contact(who, NOW - timedelta(days=2)), world.message(NOW))
    await world.hear(changed, planned)
    (clock,) = await world.clocks("acknowledgment")
    async with world.db.transaction() as session:
        assert await people.holder_of(session, "contact", clock, NOW) == second
