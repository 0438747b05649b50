"""Teams: who works on a matter reads it; two who set it at once hear of each other."""

from shared.contracts.matters import TeamChanged
from support.firm import World


async def test_who_is_on_the_team_reads_the_matter_and_those_above_them_do(world: World) -> None:
    ada, grace = await world.staff("Ada"), await world.staff("Grace")
    alan = await world.staff("Alan", supervisor_id=grace["id"])
    client = await world.client(ada)
    matter, other = await world.matter(client, ada), await world.matter(client, ada)
    members = {"members": [{"staff_id": alan["id"], "duty": "associate"}]}
    path = f"/v1/matters/{matter['id']}/team"
    assert (await world.call("PUT", path, members)).json() == members
    for one in (alan, grace):
        own = {"role": "attorney", "email": one["email"]}
        assert (await world.call("GET", path, **own)).json() == members
        assert (await world.call("GET", f"/v1/matters/{other['id']}", **own)).status_code == 404
        listed = (await world.call("GET", "/v1/matters", **own)).json()["items"]
        assert [item["id"] for item in listed] == [matter["id"]]
    (told,) = await world.told(TeamChanged)
    assert [(str(one.staff_id), one.duty) for one in told.members] == [(alan["id"], "associate")]


async def test_who_set_it_on_what_is_no_longer_so_hears_it(world: World) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    matter = await world.matter(await world.client(ada), ada)
    path = f"/v1/matters/{matter['id']}/team"
    match = {"If-Match": (await world.call("GET", path)).headers["etag"]}
    one = {"staff_id": alan["id"], "duty": "lead"}
    assert (await world.call("PUT", path, {"members": [one]}, headers=match)).status_code == 200
    assert (await world.call("PUT", path, {"members": []}, headers=match)).status_code == 412
    twice = {"members": [one, one | {"duty": "support"}]}
    assert (await world.call("PUT", path, twice)).status_code == 422
