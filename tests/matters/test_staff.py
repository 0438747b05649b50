"""The directory: one address each, nobody above themselves, nobody leaves clients alone."""

import asyncio
from typing import Any

from shared.contracts.matters import StaffChanged, StaffRegistered
from support.firm import World
from support.waiting import eventually


def entry(shown: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name != "id"} | changes


async def test_a_member_of_staff_is_registered_and_told_sealed(world: World) -> None:
    boss = await world.staff("Grace", "partner", managing_partner=True)
    made = await world.staff("Ada", supervisor_id=boss["id"], phone="+1 (212) 555-0147")
    assert made["phone"] == "+12125550147"
    told = (await world.told(StaffRegistered))[-1]
    assert (str(told.staff_id), str(told.supervisor_id)) == (made["id"], boss["id"])
    assert await world.opened(told.email) == "ada@firm.test"
    values = await world.rows("SELECT encode(value, 'escape') FROM outbox")
    assert not any("ada@" in value.lower() for (value,) in values)


async def test_staff_are_found_by_address_in_any_case(world: World) -> None:
    ada = await world.staff("Ada", email="Ada@Firm.test")
    await world.staff("Grace")
    found = await world.call("GET", "/v1/staff?email=ADA@firm.test")
    assert [one["id"] for one in found.json()["items"]] == [ada["id"]]


async def test_two_at_once_with_one_address_are_one(world: World) -> None:
    body = {"name": "Ada", "email": "ada@firm.test", "role": "attorney"}
    answers = await asyncio.gather(*(world.call("POST", "/v1/staff", body) for _ in range(3)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"email-taken"}
    assert len(await world.told(StaffRegistered)) == 1


async def test_the_same_request_twice_registers_once(world: World) -> None:
    body = {"name": "Ada", "email": "ada@firm.test", "role": "attorney"}
    key = {"Idempotency-Key": "once"}
    first = await world.call("POST", "/v1/staff", body, headers=key)
    again = await world.call("POST", "/v1/staff", body, headers=key)
    assert first.json() == again.json()
    assert len(await world.told(StaffRegistered)) == 1


async def test_nobody_stands_above_themselves(world: World) -> None:
    top = await world.staff("Grace")
    middle = await world.staff("Ada", supervisor_id=top["id"])
    low = await world.staff("Alan", supervisor_id=middle["id"])
    for supervisor in (top, middle, low):
        body = entry(top, supervisor_id=supervisor["id"])
        answer = await world.call("PUT", f"/v1/staff/{top['id']}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "circular-supervision")
    assert await world.told(StaffChanged) == []


async def test_two_who_make_each_other_supervisor_at_once_do_not_both_pass(world: World) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    answers = await asyncio.gather(
        world.call("PUT", f"/v1/staff/{ada['id']}", entry(ada, supervisor_id=alan["id"])),
        world.call("PUT", f"/v1/staff/{alan['id']}", entry(alan, supervisor_id=ada["id"])),
    )
    assert sorted(one.status_code for one in answers) == [200, 409]


async def test_a_change_carries_the_whole_entry(world: World) -> None:
    boss, ada = await world.staff("Grace"), await world.staff("Ada")
    read = await world.call("GET", f"/v1/staff/{ada['id']}")
    match = {"If-Match": read.headers["etag"]}
    body = entry(ada, name="Ada King", stand_in_id=boss["id"])
    changed = await world.call("PUT", f"/v1/staff/{ada['id']}", body, headers=match)
    assert changed.json()["name"] == "Ada King"
    (told,) = await world.told(StaffChanged)
    assert (str(told.stand_in_id), told.active) == (boss["id"], True)
    assert await world.opened(told.name) == "Ada King"
    late = await world.call("PUT", f"/v1/staff/{ada['id']}", body, headers=match)
    assert late.status_code == 412


async def test_supervisors_and_stand_ins_must_be_somebody_else_who_exists(world: World) -> None:
    ada = await world.staff("Ada")
    nobody = "0197f3d2-0000-7000-8000-000000000000"
    for change in ({"supervisor_id": nobody}, {"stand_in_id": nobody}, {"stand_in_id": ada["id"]}):
        answer = await world.call("PUT", f"/v1/staff/{ada['id']}", entry(ada, **change))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    answer = await world.call("PUT", f"/v1/staff/{nobody}", entry(ada))
    assert answer.status_code == 404


async def test_a_point_of_contact_stays_active_until_somebody_takes_over(world: World) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    client = await world.client(ada)
    leave = entry(ada, active=False)
    refused = await world.call("PUT", f"/v1/staff/{ada['id']}", leave)
    assert (refused.status_code, refused.json()["code"]) == (409, "still-point-of-contact")
    await world.call(
        "PUT", f"/v1/clients/{client['id']}/point-of-contact", {"staff_id": alan["id"]}
    )
    assert (await world.call("PUT", f"/v1/staff/{ada['id']}", leave)).status_code == 200
    body = {"staff_id": ada["id"]}
    back = await world.call("PUT", f"/v1/clients/{client['id']}/point-of-contact", body)
    assert (back.status_code, back.json()["code"]) == (422, "invalid")


async def test_who_left_is_refused_which_is_on_the_record_but_not_as_a_client_and_not_once_back(
    world: World,
) -> None:
    ada = await world.staff("Ada")
    client = await world.client(await world.staff("Grace"))
    by_ada = {"role": "attorney", "email": "ada@firm.test"}

    async def list_clients() -> int:
        return (await world.call("GET", "/v1/clients", **by_ada)).status_code

    await world.call("PUT", f"/v1/staff/{ada['id']}", entry(ada, active=False))
    await eventually(list_clients, lambda code: code == 403)
    (denied,) = await world.rows("SELECT role, purpose FROM accesses WHERE denied")
    assert tuple(denied) == ("attorney", "former-staff")
    own = {"role": "client", "client_id": client["id"], "email": "ada@firm.test"}
    assert (await world.call("GET", f"/v1/clients/{client['id']}", **own)).status_code == 200
    await world.call("PUT", f"/v1/staff/{ada['id']}", entry(ada))
    await eventually(list_clients, lambda code: code == 200)


async def test_only_partners_and_integrations_register_and_only_partners_change(
    world: World,
) -> None:
    body = {"name": "Ada", "email": "ada@firm.test", "role": "attorney"}
    for role in ("attorney", "paralegal", "billing", "compliance", "operations", "client"):
        claims = {"client_id": "0197f3d2-0000-7000-8000-000000000000"} if role == "client" else {}
        assert (await world.call("POST", "/v1/staff", body, role=role, **claims)).status_code == 403
    made = await world.call("POST", "/v1/staff", body, role="integration")
    assert made.status_code == 201
    path = f"/v1/staff/{made.json()['id']}"
    assert (await world.call("PUT", path, body, role="integration")).status_code == 403
    assert (await world.call("GET", path, role="paralegal")).status_code == 200
