"""Walls: closed at once to whom they are meant for, whatever the role says, and never before who
has to answer the client."""

import asyncio
from typing import Any

import asyncpg
import pytest

from shared.contracts.matters import TeamChanged, WallLowered, WallRaised
from shared.ids import new_id
from support.firm import World
from support.waiting import eventually


async def raise_wall(
    world: World, client: dict[str, Any], *members: dict[str, Any], **more: Any
) -> Any:
    body = {"client_id": client["id"], "kind": "screen", "reason": "Ada's brother is opposed."}
    body |= {"staff_ids": [one["id"] for one in members], **more}
    return await world.call("POST", "/v1/walls", body, role="compliance")


async def seen(world: World, who: dict[str, Any], *paths: str) -> list[int]:
    claims = {"role": who["role"], "email": who["email"]}
    return [(await world.call("GET", path, **claims)).status_code for path in paths]


@pytest.fixture
async def scene(world: World) -> dict[str, Any]:
    ada, alan = await world.staff("Ada"), await world.staff("Alan", "partner")
    noor = await world.staff("Noor", "partner")
    client = await world.client(ada)
    matter = await world.matter(client, ada)
    return {"ada": ada, "alan": alan, "noor": noor, "client": client, "matter": matter}


async def test_a_wall_closes_a_client_to_whom_it_names_and_to_nobody_else(
    world: World, scene: dict[str, Any]
) -> None:
    paths = f"/v1/clients/{scene['client']['id']}", f"/v1/matters/{scene['matter']['id']}"
    paths += (f"{paths[1]}/team", f"{paths[0]}/point-of-contact")
    assert await seen(world, scene["alan"], *paths) == [200, 200, 200, 200]
    wall = await raise_wall(world, scene["client"], scene["alan"])
    assert wall.status_code == 201, wall.text
    assert await seen(world, scene["alan"], *paths) == [404, 404, 404, 404]
    assert await seen(world, scene["noor"], *paths) == [200, 200, 200, 200]
    for kind in ("clients", "matters"):
        answer = await world.call("GET", f"/v1/{kind}", email=scene["alan"]["email"])
        assert answer.json()["items"] == []
    (told,) = await world.told(WallRaised)
    assert await world.opened(told.reason) == "Ada's brother is opposed."
    lowered = await world.call(
        "POST", f"/v1/walls/{wall.json()['id']}/lower", {"reason": "The brother settled."}
    )
    assert lowered.status_code == 200
    assert await seen(world, scene["alan"], *paths) == [200, 200, 200, 200]
    assert len(await world.told(WallLowered)) == 1
    again = await world.call("POST", f"/v1/walls/{wall.json()['id']}/lower", {"reason": "Again."})
    assert (again.status_code, again.json()["code"]) == (409, "already-lowered")


async def test_a_wall_raised_while_somebody_reads_lets_them_read_before_it_or_not_at_all(
    world: World, scene: dict[str, Any]
) -> None:
    path, own = f"/v1/matters/{scene['matter']['id']}/standing", scene["alan"]["email"]
    readers: list[list[int]] = [[], []]

    async def read(answers: list[int]) -> None:
        while 404 not in answers:
            answer = await world.call("GET", path, role="partner", email=own)
            answers.append(answer.status_code)

    async def all_read() -> bool:
        return all(readers)

    async def wall() -> None:
        await eventually(all_read)
        assert (await raise_wall(world, scene["client"], scene["alan"])).status_code == 201
        after = await world.call("GET", path, role="partner", email=own)
        assert after.status_code == 404

    await asyncio.gather(*(read(one) for one in readers), wall())
    for answers in readers:
        assert set(answers) == {200, 404}
        assert answers == sorted(answers)


async def test_behind_a_wall_nothing_is_changed_either(world: World, scene: dict[str, Any]) -> None:
    await raise_wall(world, scene["client"], scene["alan"])
    own = {"role": "partner", "email": scene["alan"]["email"]}
    client, matter = scene["client"]["id"], scene["matter"]["id"]
    for path, body in (
        (f"/v1/clients/{client}", {"name": "X", "email": "x@clients.test", "time_zone": "UTC"}),
        (f"/v1/clients/{client}/point-of-contact", {"staff_id": scene["noor"]["id"]}),
        (f"/v1/matters/{matter}/point-of-contact", {"staff_id": scene["noor"]["id"]}),
        (f"/v1/matters/{matter}/team", {"members": []}),
    ):
        assert (await world.call("PUT", path, body, **own)).status_code == 404, path


async def test_need_to_know_closes_a_matter_to_all_but_those_named_and_who_keep_the_walls(
    world: World, scene: dict[str, Any]
) -> None:
    kept = {"kind": "need_to_know", "matter_id": scene["matter"]["id"]}
    assert (await raise_wall(world, scene["client"], scene["ada"], **kept)).status_code == 201
    paths = f"/v1/clients/{scene['client']['id']}", f"/v1/matters/{scene['matter']['id']}"
    assert await seen(world, scene["ada"], *paths) == [200, 200]
    assert await seen(world, scene["noor"], *paths) == [200, 404]
    keeper = await world.call("GET", paths[1], role="compliance")
    stranger = await world.call("GET", paths[1], role="integration")
    own = await world.call("GET", paths[1], role="client", client_id=scene["client"]["id"])
    assert [one.status_code for one in (keeper, stranger, own)] == [200, 404, 200]


async def test_a_wall_is_not_raised_before_who_answers_the_client(
    world: World, scene: dict[str, Any]
) -> None:
    answer = await raise_wall(world, scene["client"], scene["ada"])
    assert (answer.status_code, answer.json()["code"]) == (409, "wall-before-contact")
    assert answer.json()["staff_ids"] == [scene["ada"]["id"]]
    only_noor = {"kind": "need_to_know", "matter_id": scene["matter"]["id"]}
    answer = await raise_wall(world, scene["client"], scene["noor"], **only_noor)
    assert answer.json()["code"] == "wall-before-contact"
    assert await world.rows("SELECT * FROM walls") == []
    assert await world.told(WallRaised) == []


async def test_who_is_shut_out_leaves_the_team_and_takes_nothing_over(
    world: World, scene: dict[str, Any]
) -> None:
    path = f"/v1/matters/{scene['matter']['id']}"
    team = [{"staff_id": scene[one]["id"], "duty": "associate"} for one in ("alan", "noor")]
    assert (await world.call("PUT", f"{path}/team", {"members": team})).status_code == 200
    await raise_wall(world, scene["client"], scene["alan"])
    left = (await world.call("GET", f"{path}/team")).json()["members"]
    assert [one["staff_id"] for one in left] == [scene["noor"]["id"]]
    assert [len(one.members) for one in await world.told(TeamChanged)] == [2, 1]
    for what, body in (
        ("team", {"members": team}),
        ("point-of-contact", {"staff_id": scene["alan"]["id"]}),
    ):
        answer = await world.call("PUT", f"{path}/{what}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "behind-wall")


async def test_a_wall_and_a_handover_at_once_leave_no_contact_behind_the_wall(
    world: World, scene: dict[str, Any]
) -> None:
    """Whichever is first, the other hears it."""
    holder = await asyncpg.connect(world.runtime.settings.database_url)
    path = f"/v1/matters/{scene['matter']['id']}/point-of-contact"
    waiting = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock' AND query LIKE 'SELECT FROM clients%'"""
    try:
        await holder.execute("BEGIN; SELECT FROM clients FOR UPDATE")
        racing = asyncio.gather(
            raise_wall(world, scene["client"], scene["noor"]),
            world.call("PUT", path, {"staff_id": scene["noor"]["id"]}),
        )
        await eventually(lambda: world.rows(waiting), lambda rows: rows[0].count == 2)
        await holder.execute("ROLLBACK")
    finally:
        await holder.close()
    wall, handover = await racing
    codes = wall.status_code, handover.status_code
    assert codes in ((201, 409), (409, 200)), (wall.text, handover.text)


async def test_whoever_stands_behind_a_wall_neither_knows_of_it_nor_lowers_it(
    world: World, scene: dict[str, Any]
) -> None:
    alan, noor = ({"role": "partner", "email": scene[one]["email"]} for one in ("alan", "noor"))
    wall = (await raise_wall(world, scene["client"], scene["alan"])).json()
    lower = f"/v1/walls/{wall['id']}/lower"
    refused = await world.call("POST", lower, {"reason": "I want to read."}, **alan)
    missing = await world.call("POST", f"/v1/walls/{new_id()}/lower", {"reason": "None."}, **alan)
    assert refused.status_code == missing.status_code == 404
    assert refused.json() == missing.json()
    listed = [(await world.call("GET", "/v1/walls", **one)).json()["items"] for one in (alan, noor)]
    assert listed == [[], [wall]]
    only = {"kind": "need_to_know", "matter_id": scene["matter"]["id"]}
    inner = (await raise_wall(world, scene["client"], scene["ada"], **only)).json()
    refused = await world.call("POST", f"/v1/walls/{inner['id']}/lower", {"reason": "So."}, **noor)
    assert refused.status_code == 404
    shown = (await world.call("GET", "/v1/walls", **noor)).json()["items"]
    assert [one["id"] for one in shown] == [wall["id"]]
    assert await world.told(WallLowered) == []
    assert (await world.call("POST", lower, {"reason": "It ended."}, **noor)).status_code == 200
    shown = (await world.call("GET", "/v1/walls", **alan)).json()["items"]
    assert [one["id"] for one in shown] == [wall["id"]], "lowered: it hides nothing any more"


async def test_only_partners_and_compliance_keep_walls(world: World, scene: dict[str, Any]) -> None:
    body = {"client_id": scene["client"]["id"], "kind": "screen", "reason": "Because."}
    body["staff_ids"] = [scene["noor"]["id"]]
    for role in ("attorney", "paralegal", "integration", "operations"):
        assert (await world.call("POST", "/v1/walls", body, role=role)).status_code == 403
    listed = await world.call("GET", "/v1/walls", client_id=scene["client"]["id"])
    assert listed.json()["items"] == []
