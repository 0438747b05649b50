"""Several entries are one client: what is closed around one of them is closed around all, for what
was and for what comes, each names the entry that stays, and the client goes on as one person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.contracts.matters import ClientChanged, ClientsMerged, WallLowered, WallRaised
from shared.contracts.platform import RecordAccessed
from shared.ids import new_id
from support.firm import World
from support.prospect import Prospect


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
    of_first = [one for one in kept.json()["items"] if one["client_id"] == at["old"]["id"]]
    assert [one["facts"]["merged_into"] for one in of_first] == [middle["id"], None]
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


async def test_a_client_of_merged_entries_goes_on_in_the_matters_of_both(
    world: World, at: dict[str, Any]
) -> None:
    old, new = (
        at["old"],
        await world.client(at["ada"], "Cleopatra", preferences={"updates": "call"}),
    )
    matter = await world.matter(old, at["ada"])
    own = {"role": "client", "client_id": new["id"], "email": new["email"]}
    path = f"/v1/matters/{matter['id']}"
    assert (await world.call("GET", path, **own)).status_code == 404
    assert (await merged(world, new, old)).status_code == 200
    listed = (await world.call("GET", "/v1/matters", **own)).json()["items"]
    assert [one["id"] for one in listed] == [matter["id"]]
    choice = {"consequences": "It ends."}
    options = [choice | {"key": one, "text": one.title()} for one in ("accept", "reject")]
    put = await world.call(
        "POST",
        f"{path}/decisions",
        {
            "kind": "other", "question": "Accept?", "options": options,
            "recommendation": "Accept.", "reply_by": str(datetime.now(UTC) + timedelta(days=30)),
        },
        email=at["ada"]["email"],
    )  # fmt: skip
    assert put.status_code == 201, put.text
    (decision,) = (await world.call("GET", f"{path}/decisions", **own)).json()["items"]
    answer = {"option": "accept", "channel": "portal"}
    decided = await world.call("POST", f"/v1/decisions/{decision['id']}/answer", answer, **own)
    assert (decided.status_code, decided.json()["decided_by"]) == (200, old["id"]), decided.text
    asked = await world.call("POST", f"{path}/questions", {"text": "Why so?"}, **own)
    assert asked.status_code == 201, asked.text
    told_how = await world.call("POST", f"{path}/update-requests", **own)
    assert told_how.status_code == 201, told_how.text
    standing = (await world.call("GET", f"{path}/standing", **own)).json()
    assert [one["id"] for one in standing["told"]] == [decision["id"]]
    stranger = await world.client(at["ada"], "Marc")
    theirs = {"role": "client", "client_id": stranger["id"]}
    assert (await world.call("GET", path, **theirs)).status_code == 404
    drafted = await world.call(
        "POST", f"{path}/updates", {"about": "no_news"}, email=at["ada"]["email"]
    )
    assert drafted.json()["format"] == "call", "as they wish now"


async def test_a_client_of_merged_entries_sees_and_ends_what_was_allowed_in_both(
    world: World, at: dict[str, Any]
) -> None:
    old, new = at["old"], await world.client(at["ada"], "Cleopatra")
    path, own = f"/v1/clients/{new['id']}", {"role": "client", "client_id": new["id"]}
    consent = {"purpose": "insurance", "recipient": "Quay Insurance", "scope": "The report."}
    given = [await world.made(f"/v1/clients/{one['id']}/consents", **consent) for one in (old, new)]
    law = {"basis": "law", "purpose": "x", "recipient": "x", "content": "x", "grounds": "x"}
    made = await world.call(
        "POST", f"/v1/clients/{old['id']}/disclosures", law, email=at["ada"]["email"]
    )
    assert made.status_code == 201
    assert (await merged(world, new, old)).status_code == 200
    for what, ids in (("consents", given), ("disclosures", [made.json()])):
        shown = (await world.call("GET", f"{path}/{what}", **own)).json()["items"]
        assert [one["id"] for one in shown] == [one["id"] for one in ids]
    changes = (await world.call("GET", f"{path}/history", **own)).json()["items"]
    assert [one["client_id"] for one in changes] == [old["id"]]
    withdrawn = await world.call("POST", f"/v1/consents/{given[0]['id']}/withdraw", **own)
    assert withdrawn.status_code == 200
    now = datetime.now(UTC)
    views = [
        RecordAccessed(
            caller_id=new_id(), role="attorney", client_id=one["id"], purpose="list", count=1,
            first_at=now, last_at=now,
        )
        for one in (old, new)
    ]  # fmt: skip
    views[1] = views[1].model_copy(update={"caller_id": views[0].caller_id})
    await world.hear(*views)
    first = (await world.call("GET", f"{path}/views?limit=1", **own)).json()
    rest = (await world.call("GET", f"{path}/views?cursor={first['next']}", **own)).json()
    assert len(first["items"]) == len(rest["items"]) == 1


async def test_an_entry_that_was_merged_takes_nothing_new(world: World, at: dict[str, Any]) -> None:
    old, new = at["old"], await world.client(at["ada"], "Cleopatra")
    assert (await merged(world, new, old)).status_code == 200
    for method, what, body in (
        ("PUT", "preferences", {"preferences": {"updates": "call"}}),
        ("POST", "consents", {"purpose": "x", "recipient": "x", "scope": "x"}),
        ("POST", "representatives", {"name": "B", "email": "b@x.test", "authority": "decide"}),
    ):
        refused = await world.call(method, f"/v1/clients/{old['id']}/{what}", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "client-merged"), what
        assert refused.json()["client_id"] == new["id"]
        kept = await world.call(method, f"/v1/clients/{new['id']}/{what}", body)
        assert kept.status_code in (200, 201), kept.text


async def test_who_was_joint_with_themselves_is_a_client_of_the_matter_once(
    world: World, at: dict[str, Any]
) -> None:
    old, new = at["old"], await world.client(at["ada"], "Cleopatra")
    matter = await world.matter(old, at["ada"])
    body = {"client_id": new["id"], "reason": "Entered as two."}
    await world.made(f"/v1/matters/{matter['id']}/joint-clients", **body)
    assert (await merged(world, new, old)).status_code == 200
    shown = (await world.call("GET", f"/v1/matters/{matter['id']}")).json()
    assert (shown["client_id"], shown["joint_client_ids"]) == (old["id"], [])


async def test_who_signed_under_either_entry_is_a_client_and_no_prospect(
    world: World, at: dict[str, Any]
) -> None:
    prospect = Prospect(world)
    await world.hear(await prospect.requested(point_of_contact_id=at["ada"]["id"]))
    path = f"/v1/clients/{prospect.client_id}"
    assert (await world.call("GET", path)).json()["state"] == "prospective"
    assert (await merged(world, {"id": str(prospect.client_id)}, at["old"])).status_code == 200
    assert (await world.call("GET", path)).json()["state"] == "active"
    (told,) = await world.told(ClientChanged)
    assert (told.client_id, told.state) == (prospect.client_id, "active")
