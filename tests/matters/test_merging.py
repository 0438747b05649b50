"""Several entries are one client: what is closed around one of them is closed around all, for what
was and for what comes, and each names the entry that stays."""

from typing import Any

import pytest

from shared.contracts.matters import ClientsMerged, WallLowered, WallRaised
from support.firm import World


@pytest.fixture
async def at(world: World) -> dict[str, Any]:
    people = {name: await world.staff(name.title(), "partner") for name in ("ada", "alan", "noor")}
    return people | {"old": await world.client(people["ada"], "Cleo")}


async def raised(world: World, client: dict[str, Any], *shut_out: dict[str, Any]) -> Any:
    body = {"client_id": client["id"], "kind": "screen", "reason": "Her brother is opposed."}
    ids = [one["id"] for one in shut_out]
    return await world.call("POST", "/v1/walls", body | {"staff_ids": ids}, role="compliance")


async def merged(world: World, kept: dict[str, Any], other: dict[str, Any]) -> Any:
    body = {"merged_id": other["id"], "reason": "Entered twice."}
    return await world.call("POST", f"/v1/clients/{kept['id']}/merge", body, role="partner")


async def seen(world: World, who: dict[str, Any], *paths: str) -> list[int]:
    own = {"role": "partner", "email": who["email"]}
    return [(await world.call("GET", path, **own)).status_code for path in paths]


async def test_a_wall_around_one_entry_stands_around_all_until_it_is_lowered(
    world: World, at: dict[str, Any]
) -> None:
    new = await world.client(at["ada"], "Cleopatra")
    matters = [await world.matter(one, at["ada"]) for one in (at["old"], new)]
    paths = [f"/v1/clients/{one['id']}" for one in (at["old"], new)]
    paths += [f"/v1/matters/{one['id']}" for one in matters]
    before = await raised(world, at["old"], at["alan"])
    assert await seen(world, at["alan"], *paths) == [404, 200, 404, 200]
    assert (await merged(world, new, at["old"])).status_code == 200
    assert await seen(world, at["alan"], *paths) == [404, 404, 404, 404]
    after = await raised(world, new, at["noor"])
    assert await seen(world, at["noor"], *paths) == [404, 404, 404, 404]
    assert await seen(world, at["ada"], *paths) == [200, 200, 200, 200]
    told = await world.told(WallRaised)
    assert {(str(one.client_id), str(one.staff_ids[0])) for one in told} == {
        (client["id"], at[who]["id"]) for client in (at["old"], new) for who in ("alan", "noor")
    }
    for wall in (before, after):
        lower = f"/v1/walls/{wall.json()['id']}/lower"
        assert (await world.call("POST", lower, {"reason": "Settled."})).status_code == 200
    assert len(await world.told(WallLowered)) == len(told) == 4
    assert await seen(world, at["alan"], *paths) == [200, 200, 200, 200]


async def test_entries_are_not_merged_while_a_wall_would_stand_before_who_answers_one_of_them(
    world: World, at: dict[str, Any]
) -> None:
    new = await world.client(at["alan"], "Cleopatra")
    await raised(world, at["old"], at["alan"])
    refused = await merged(world, new, at["old"])
    assert (refused.status_code, refused.json()["code"]) == (409, "wall-before-contact")
    assert await world.told(ClientsMerged) == []
    path = f"/v1/clients/{new['id']}/point-of-contact"
    assert (await world.call("PUT", path, {"staff_id": at["noor"]["id"]})).status_code == 200
    assert (await merged(world, new, at["old"])).status_code == 200
    refused = await raised(world, new, at["ada"])
    assert refused.json()["code"] == "wall-before-contact", "she answers the other entry"


async def test_who_was_merged_twice_names_who_stays_and_the_wall_around_the_first_stands_there_too(
    world: World, at: dict[str, Any]
) -> None:
    middle, last = [await world.client(at["ada"], name) for name in ("Cleopatra", "Marsh")]
    matter = await world.matter(at["old"], at["ada"])
    wall = (await raised(world, at["old"], at["alan"])).json()
    assert (await merged(world, middle, at["old"])).status_code == 200
    assert (await merged(world, last, middle)).status_code == 200
    for one in (at["old"], middle):
        shown = (await world.call("GET", f"/v1/clients/{one['id']}")).json()
        assert shown["merged_into"] == last["id"]
    for one in (at["old"], middle, last):
        found = await world.call("GET", f"/v1/matters?client_id={one['id']}")
        assert [item["id"] for item in found.json()["items"]] == [matter["id"]]
    kept = await world.call("GET", f"/v1/clients/{at['old']['id']}/history")
    assert [one["facts"]["merged_into"] for one in kept.json()["items"]] == [middle["id"], None]
    clients = [f"/v1/clients/{one['id']}" for one in (at["old"], middle, last)]
    assert await seen(world, at["alan"], *clients) == [404, 404, 404]
    stand_for = await world.rows("SELECT stands_for::text FROM walls WHERE stands_for IS NOT NULL")
    assert [tuple(one) for one in stand_for] == [(wall["id"],)] * 2
    await world.call("POST", f"/v1/walls/{wall['id']}/lower", {"reason": "Settled."})
    assert await seen(world, at["alan"], *clients) == [200, 200, 200]


async def test_a_wall_around_an_entry_stands_around_what_the_other_is_joint_in(
    world: World, at: dict[str, Any]
) -> None:
    new, marc = [await world.client(at["ada"], name) for name in ("Cleopatra", "Marc")]
    matter = await world.matter(marc, at["ada"])
    body = {"client_id": new["id"], "reason": "Both agreed in writing."}
    await world.made(f"/v1/matters/{matter['id']}/joint-clients", **body)
    await raised(world, at["old"], at["alan"])
    assert await seen(world, at["alan"], f"/v1/matters/{matter['id']}") == [200]
    assert (await merged(world, new, at["old"])).status_code == 200
    paths = f"/v1/matters/{matter['id']}", f"/v1/clients/{marc['id']}"
    assert await seen(world, at["alan"], *paths) == [404, 200]
    later = await world.matter(marc, at["ada"])
    await world.made(f"/v1/matters/{later['id']}/joint-clients", **body)
    assert await seen(world, at["alan"], f"/v1/matters/{later['id']}") == [404]
