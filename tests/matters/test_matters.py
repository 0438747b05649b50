"""Matters: numbered without gaps, opened for a sealed reason, read by their team."""

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from shared.contracts.matters import MatterOpened, PointOfContactAssigned
from support.firm import FIRM, World


async def test_a_matter_opens_with_a_number_a_contact_and_a_sealed_reason(world: World) -> None:
    await world.call("PUT", "/v1/firm", FIRM)
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    client = await world.client(ada)
    matter = await world.matter(client, alan)
    year = datetime.now(UTC).astimezone(ZoneInfo("America/New_York")).year
    assert matter["number"] == f"{year}-0001"
    (told,) = await world.told(MatterOpened)
    assert (str(told.matter_id), told.number) == (matter["id"], matter["number"])
    assert told.reason.owner == told.client_id
    assert await world.opened(told.title) == "Tenancy of 12 Quay Street"
    assert await world.opened(told.reason) == (
        "Long-standing client; the agreement follows this week."
    )
    assigned = (await world.told(PointOfContactAssigned))[-1]
    assert (str(assigned.matter_id), str(assigned.staff_id)) == (matter["id"], alan["id"])
    values = await world.rows("SELECT encode(value, 'escape') FROM outbox")
    assert not any("Quay Street" in value or "Long-standing" in value for (value,) in values)


async def test_numbers_have_no_gap_whatever_failed_in_between(world: World) -> None:
    ada = await world.staff("Ada")
    client = await world.client(ada)
    body = {
        "client_id": client["id"],
        "title": "T",
        "practice_area": "tax",
        "reason": "R",
        "point_of_contact_id": ada["id"],
    }
    nobody = {"point_of_contact_id": "0197f3d2-0000-7000-8000-000000000000"}
    answers = await asyncio.gather(
        *(
            world.call("POST", "/v1/matters", body | (nobody if number % 3 == 0 else {}))
            for number in range(12)
        )
    )
    assert sorted(one.status_code for one in answers) == [201] * 8 + [422] * 4
    numbers = sorted(one.json()["number"] for one in answers if one.status_code == 201)
    assert [number.rpartition("-")[2] for number in numbers] == [f"{n:04d}" for n in range(1, 9)]


async def test_a_matter_needs_a_client_a_slug_and_a_reason(world: World) -> None:
    ada = await world.staff("Ada")
    client = await world.client(ada)
    good = {
        "client_id": client["id"],
        "title": "T",
        "practice_area": "tax",
        "reason": "R",
        "point_of_contact_id": ada["id"],
    }
    for wrong in (
        {"client_id": ada["id"]},
        {"practice_area": "Real estate!"},
        {"reason": "  "},
        {"number": "2026-0007"},
    ):
        answer = await world.call("POST", "/v1/matters", good | wrong)
        assert answer.status_code == 422, wrong
    assert await world.told(MatterOpened) == []


async def test_a_matter_is_read_by_its_own_team_and_its_clients_team(world: World) -> None:
    ada, alan, noor = await world.staff("Ada"), await world.staff("Alan"), await world.staff("Noor")
    client = await world.client(ada)
    first, second = await world.matter(client, alan), await world.matter(client, noor)
    seen = {}
    for member in (ada, alan, noor):
        who = {"role": "attorney", "email": member["email"]}
        ones = [
            (await world.call("GET", f"/v1/matters/{one['id']}", **who)).status_code
            for one in (first, second)
        ]
        listed = (await world.call("GET", "/v1/matters", **who)).json()["items"]
        theirs = (await world.call("GET", f"/v1/clients/{client['id']}", **who)).status_code
        seen[member["name"]] = (ones, [one["number"][-4:] for one in listed], theirs)
    assert seen == {
        "Ada": ([200, 200], ["0001", "0002"], 200),
        "Alan": ([200, 404], ["0001"], 200),
        "Noor": ([404, 200], ["0002"], 200),
    }


async def test_a_client_reads_its_own_matters_only(world: World) -> None:
    ada = await world.staff("Ada")
    cleo, marc = await world.client(ada, "Cleo"), await world.client(ada, "Marc")
    own, foreign = await world.matter(cleo, ada), await world.matter(marc, ada)
    who = {"role": "client", "client_id": cleo["id"]}
    assert (await world.call("GET", f"/v1/matters/{own['id']}", **who)).json() == own
    assert (await world.call("GET", f"/v1/matters/{foreign['id']}", **who)).status_code == 404
    listed = await world.call("GET", f"/v1/matters?client_id={marc['id']}", **who)
    assert listed.json()["items"] == []
    listed = await world.call("GET", "/v1/matters", **who)
    assert listed.json()["items"] == [own]
    assert (await world.call("POST", "/v1/matters", {}, **who)).status_code in (403, 422)
