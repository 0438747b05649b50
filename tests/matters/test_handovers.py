"""Everything that somebody has changes hands: in parts, with progress, once each."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import col

import matters.contacts.actions as contacts
from matters.contacts.models import PointOfContact
from shared.contracts.matters import PointOfContactAssigned
from shared.ids import new_id
from support.firm import World
from support.statements import statements_of
from support.waiting import eventually


async def ended(world: World, handover: dict[str, Any]) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        answer = await world.call("GET", f"/v1/handovers/{handover['id']}")
        found: dict[str, Any] = answer.json()
        return found

    return await eventually(look, lambda found: found["ended_at"] is not None)


async def hand_over_all(world: World, who: dict[str, Any], to: dict[str, Any]) -> Any:
    return await world.call("POST", f"/v1/staff/{who['id']}/handovers", {"to_staff_id": to["id"]})


async def test_everything_changes_hands_also_what_was_planned_and_the_clients_are_to_hear(
    world: World,
) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    clients = [await world.client(ada, f"Client{n}") for n in range(3)]
    matter = await world.matter(clients[0], ada)
    later = await world.client(alan, "Later")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    planned = {"staff_id": ada["id"], "from_at": tomorrow}
    await world.call("PUT", f"/v1/clients/{later['id']}/point-of-contact", planned)
    begun = await hand_over_all(world, ada, alan)
    assert (begun.status_code, begun.json()["total"]) == (202, 5), begun.text
    done = await ended(world, begun.json())
    assert (done["done"], done["refused"]) == (5, [])
    for one in (*clients, matter):
        assert (await world.contacts(one["id"]))[-1].staff_id == alan["id"]
    told = [one for one in await world.told(PointOfContactAssigned) if one.replaces]
    assert [str(one.replaces) for one in told].count(ada["id"]) == 5
    entry = {"name": "Ada", "email": ada["email"], "role": "attorney", "active": False}
    assert (await world.call("PUT", f"/v1/staff/{ada['id']}", entry)).status_code == 200


async def test_what_the_new_one_may_not_know_stays_and_is_named(world: World) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    walled, free = await world.client(ada, "Walled"), await world.client(ada, "Free")
    wall = {"client_id": walled["id"], "kind": "screen", "reason": "Opposed."}
    await world.made("/v1/walls", **wall, staff_ids=[alan["id"]])
    done = await ended(world, (await hand_over_all(world, ada, alan)).json())
    assert done["done"] == 1
    assert done["refused"] == [{"subject_id": walled["id"], "code": "behind-wall"}]
    assert (await world.contacts(walled["id"]))[-1].staff_id == ada["id"]
    assert (await world.contacts(free["id"]))[-1].staff_id == alan["id"]


async def test_what_went_to_somebody_else_meanwhile_stays_with_them(world: World) -> None:
    ada, alan, noor = await world.staff("Ada"), await world.staff("Alan"), await world.staff("Noor")
    clients = [await world.client(ada, f"Client{n}") for n in range(2)]
    async with world.runtime.db.transaction() as session:
        seen = (await session.execute(select(PointOfContact))).scalars().all()
    path = f"/v1/clients/{clients[0]['id']}/point-of-contact"
    assert (await world.call("PUT", path, {"staff_id": noor["id"]})).status_code == 200
    async with world.runtime.db.transaction() as session:
        to = {"staff_id": UUID(alan["id"]), "stand_in_id": None, "by": new_id()}
        assert await contacts.hand_over_all(session, seen, **to) == (1, {})
    holders = [(await world.contacts(one["id"]))[-1].staff_id for one in clients]
    assert holders == [noor["id"], alan["id"]]


async def test_it_takes_the_same_number_of_statements_however_many_there_are(
    world: World,
) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    counts = []
    for size in (1, 9):
        for n in range(size):
            await world.client(ada, f"Client{size}{n}")
        async with world.runtime.db.transaction() as session:
            theirs = select(PointOfContact).where(
                col(PointOfContact.staff_id) == UUID(ada["id"]),
                col(PointOfContact.until_at).is_(None),
            )
            seen = (await session.execute(theirs)).scalars().all()
            to = {"staff_id": UUID(alan["id"]), "stand_in_id": None, "by": new_id()}
            with statements_of(world) as statements:
                assert (await contacts.hand_over_all(session, seen, **to)).done == size
                await session.flush()
        counts.append(len(statements))
    assert counts[0] == counts[1] < 10


async def test_a_second_handover_of_the_same_person_waits_for_the_first(world: World) -> None:
    ada, alan, noor = await world.staff("Ada"), await world.staff("Alan"), await world.staff("Noor")
    await world.client(ada)
    async with world.runtime.db.transaction() as session:
        await session.execute(BEGUN, {"a": ada["id"], "b": alan["id"]})
        asking = asyncio.create_task(hand_over_all(world, ada, noor))
        await eventually(lambda: world.rows(WAITING))
    answer = await asking
    assert (answer.status_code, answer.json()["code"]) == (409, "handover-running")
    assert (await hand_over_all(world, noor, noor)).status_code == 422
    missing = {"id": "0197f3d2-0000-7000-8000-000000000000"}
    assert (await hand_over_all(world, missing, noor)).status_code == 404


BEGUN = text("""
    INSERT INTO handovers (handover_id, staff_id, to_staff_id, total, begun_at, begun_by)
    VALUES (gen_random_uuid(), :a, :b, 1, now(), :a)
""")
WAITING = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
