"""Clients: registered with a key and a contact, read by those who work for them."""

from typing import Any

import pytest

from shared.contracts.matters import ClientChanged, ClientRegistered, PointOfContactAssigned
from support.firm import FIRM, World
from support.statements import statements_of

NOBODY = "0197f3d2-0000-7000-8000-000000000000"


async def test_a_client_is_registered_with_a_key_and_a_contact(world: World) -> None:
    await world.call("PUT", "/v1/firm", FIRM)
    ada = await world.staff("Ada")
    client = await world.client(ada, preferences={"updates": "portal"})
    assert client["time_zone"] == "America/New_York"
    assert client["point_of_contact_id"] == ada["id"]
    (told,) = await world.told(ClientRegistered)
    assert told.name.owner == told.client_id
    assert await world.opened(told.name) == "Cleo"
    assert await world.opened(told.email) == "cleo@clients.test"
    (assigned,) = await world.told(PointOfContactAssigned)
    assert (str(assigned.staff_id), assigned.matter_id) == (ada["id"], None)
    assert assigned.from_at.isoformat().replace("+00:00", "Z") == client["registered_at"]
    ((_, begins, ends),) = await world.contacts(client["id"])
    assert (begins, ends) == (assigned.from_at, None)


async def test_nothing_personal_of_a_client_is_in_the_clear_in_events(world: World) -> None:
    await world.client(await world.staff("Ada"), phone="+12125550147")
    values = await world.rows("SELECT encode(value, 'escape') FROM outbox")
    for secret in ("cleo", "clients.test", "2125550147"):
        assert not any(secret in value.lower() for (value,) in values)


async def test_a_client_without_a_contact_is_not_registered(world: World) -> None:
    body = {"name": "Cleo", "email": "c@clients.test", "point_of_contact_id": NOBODY}
    answer = await world.call("POST", "/v1/clients", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert await world.rows("SELECT * FROM clients") == []
    assert await world.told(ClientRegistered) == []


async def test_two_clients_may_share_an_address(world: World) -> None:
    ada = await world.staff("Ada")
    one = await world.client(ada, "Cleo", email="home@clients.test")
    two = await world.client(ada, "Marc", email="HOME@clients.test")
    assert one["email"] == two["email"]
    assert one["id"] != two["id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Eastern"},
        {"email": "cleo"},
        {"email": "cleo@"},
        {"email": ".cleo@clients.test"},
        {"email": "cleo@clients..test"},
        {"email": f"{'c' * 65}@clients.test"},
        {"phone": "555"},
        {"phone": "call me"},
        {"preferences": {"updates": "by portal, please; my name is Cleo"}},
        {"name": "Cleo\nBcc: x@y.test"},
        {"title": "unknown field"},
    ],
)
async def test_what_could_not_be_used_later_is_refused(world: World, wrong: dict[str, Any]) -> None:
    body = {"name": "Cleo", "email": "c@clients.test", "point_of_contact_id": NOBODY}
    answer = await world.call("POST", "/v1/clients", body | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert "my name is Cleo" not in answer.text


async def test_a_change_carries_the_whole_client(world: World) -> None:
    client = await world.client(await world.staff("Ada"), phone="+12125550147")
    path = f"/v1/clients/{client['id']}"
    body = {"name": "Cleo Marsh", "email": "marsh@clients.test", "time_zone": "Europe/Lisbon"}
    match = {"If-Match": (await world.call("GET", path)).headers["etag"]}
    changed = await world.call("PUT", path, body, headers=match)
    assert changed.json() == client | body | {"phone": None}
    (told,) = await world.told(ClientChanged)
    assert (await world.opened(told.email), told.phone) == ("marsh@clients.test", None)
    assert (await world.call("PUT", path, body, headers=match)).status_code == 412


async def test_a_client_reads_itself_and_others_are_as_if_they_were_not_there(world: World) -> None:
    ada = await world.staff("Ada")
    cleo, marc = await world.client(ada, "Cleo"), await world.client(ada, "Marc")
    own = await world.call("GET", f"/v1/clients/{cleo['id']}", role="client", client_id=cleo["id"])
    assert own.json() == cleo
    answers = [
        await world.call("GET", f"/v1/clients/{one}", role="client", client_id=cleo["id"])
        for one in (marc["id"], NOBODY)
    ]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    listed = await world.call("GET", "/v1/clients", role="client", client_id=cleo["id"])
    assert [one["id"] for one in listed.json()["items"]] == [cleo["id"]]


async def test_a_client_is_read_by_its_team_up_the_chain_and_by_no_other_lawyer(
    world: World,
) -> None:
    top = await world.staff("Grace")
    boss = await world.staff("Ada", supervisor_id=top["id"])
    stand_in = await world.staff("Joan", "paralegal")
    contact = await world.staff("Alan", supervisor_id=boss["id"], stand_in_id=stand_in["id"])
    other = await world.staff("Noor")
    client = await world.client(contact)
    seen = {}
    for member in (top, boss, stand_in, contact, other):
        email, role = member["email"], member["role"]
        one = await world.call("GET", f"/v1/clients/{client['id']}", role=role, email=email)
        listed = await world.call("GET", "/v1/clients", role=role, email=email)
        seen[member["name"]] = (one.status_code, len(listed.json()["items"]))
    assert seen == {
        "Grace": (200, 1), "Ada": (200, 1), "Joan": (200, 1), "Alan": (200, 1), "Noor": (404, 0),
    }  # fmt: skip


async def test_who_may_not_register_or_change_is_refused_by_name(world: World) -> None:
    ada = await world.staff("Ada")
    client = await world.client(ada)
    new = {"name": "X", "email": "x@clients.test", "point_of_contact_id": ada["id"]}
    changed = {"name": "X", "email": "x@clients.test", "time_zone": "UTC"}
    for role in ("attorney", "paralegal", "billing", "operations", "compliance"):
        assert (await world.call("POST", "/v1/clients", new, role=role)).status_code == 403
        put = await world.call("PUT", f"/v1/clients/{client['id']}", changed, role=role)
        assert (put.status_code, put.json()["code"]) == (403, "forbidden")
    for role in ("billing", "operations"):
        assert (await world.call("GET", "/v1/clients", role=role)).status_code == 403
    assert (await world.call("POST", "/v1/clients", new, role="integration")).status_code == 201


async def test_reads_and_refusals_are_counted_for_the_record(world: World) -> None:
    client = await world.client(await world.staff("Ada"))
    await world.call("GET", f"/v1/clients/{client['id']}")
    await world.call("GET", f"/v1/clients/{client['id']}")
    await world.call("GET", "/v1/clients")
    await world.call("GET", "/v1/clients", role="billing")
    counted = await world.rows("SELECT role, purpose, denied, count FROM accesses ORDER BY purpose")
    assert [tuple(row) for row in counted] == [
        ("partner", "client", False, 2),
        ("partner", "list", False, 1),
        ("billing", "read clients", True, 1),
    ]


async def test_lists_are_pages_and_foreign_cursors_are_refused(world: World) -> None:
    ada = await world.staff("Ada")
    made = [await world.client(ada, name) for name in ("One", "Two", "Three")]
    seen, cursor = [], ""
    while True:
        page = (await world.call("GET", f"/v1/clients?limit=2{cursor}")).json()
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [one["id"] for one in made]
    for wrong in ("!", "e30", "W10", "WzFd", "WyJ4Il0"):
        answer = await world.call("GET", f"/v1/clients?cursor={wrong}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_pages_ask_the_same_number_of_questions_however_much_there_is(world: World) -> None:
    """Whoever is read is counted, a page in one statement."""
    ada = await world.staff("Ada")
    by = {"role": "attorney", "email": ada["email"]}
    client = await world.client(ada)
    matter = await world.matter(client, ada)
    paths = (
        "/v1/clients", f"/v1/clients/{client['id']}", f"/v1/clients/{client['id']}/history",
        "/v1/matters", f"/v1/matters/{matter['id']}", f"/v1/matters?client_id={client['id']}",
    )  # fmt: skip

    async def asked() -> list[int]:
        counts = []
        for path in paths:
            with statements_of(world) as statements:
                assert (await world.call("GET", path, **by)).status_code == 200
            counts.append(len(statements))
        return counts

    before = await asked()
    for n in range(4):
        await world.matter(client, ada)
        await world.matter(await world.client(ada, f"Client{n}"), ada)
    assert await asked() == before
    assert max(before) <= 8
    counted = await world.rows("SELECT count(*), sum(count) FROM accesses WHERE purpose = 'list'")
    assert tuple(counted[0]) == (5, 2 * 5 + 2 + 2)
