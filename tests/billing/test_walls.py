"""Whom a wall keeps out finds nothing of the client in billing; who is represented jointly reads
the bills of the matter and of no other."""

from typing import Any

import pytest

from shared import clock
from shared.contracts.matters import JointClientJoined, JointClientLeft, WallLowered, WallRaised
from shared.ids import new_id
from support.bills import Bills, Matter, usd


async def raised(bills: Bills, matter: Matter, **facts: Any) -> WallRaised:
    reason = await bills.sealed(matter.client_id, "wall", "reason", "Her brother is opposed.")
    of = {"wall_id": new_id(), "client_id": matter.client_id, "kind": "screen", "staff_ids": ()}
    return WallRaised(reason=reason, raised_at=clock.now(), **of | facts)


async def lowered(bills: Bills, wall: WallRaised) -> WallLowered:
    facts = wall.model_dump(include={"wall_id", "client_id", "matter_id"})
    reason = await bills.sealed(wall.client_id, "wall", "lowered", "He settled.")
    return WallLowered(reason=reason, lowered_at=clock.now(), **facts)


@pytest.fixture
async def matter(bills: Bills) -> Matter:
    """With terms, an entry, an issued invoice, a payment, and money in trust."""
    made = await bills.matter()
    await bills.accepted(made)
    await bills.time(made, 60, narrative="Read the lease")
    await bills.issued(made)
    body = {"matter_id": str(made.id), "amount": usd("250.00"), "received_on": "2026-03-02"}
    await bills.made("/v1/trust-deposits", body)
    return made


async def paths_of(bills: Bills, matter: Matter) -> tuple[list[str], list[str]]:
    """Single things of the client and the matter, and lists by client."""
    client = f"client_id={matter.client_id}"
    (invoice,) = (await bills.got(f"/v1/invoices?{client}"))["items"]
    (terms,) = (await bills.got(f"/v1/fee-terms?{client}"))["items"]
    (entry,) = (await bills.got(f"/v1/entries?matter_id={matter.id}"))["items"]
    single = [
        f"/v1/invoices/{invoice['id']}",
        f"/v1/invoices/{invoice['id']}.pdf",
        f"/v1/fee-terms/{terms['id']}",
        f"/v1/entries/{entry['id']}",
        f"/v1/matters/{matter.id}/costs",
        f"/v1/matters/{matter.id}/trust?currency=USD",
        f"/v1/ledger/transactions?matter_id={matter.id}",
    ]
    lists = [f"/v1/invoices?{client}", f"/v1/fee-terms?{client}", f"/v1/ledger/balances?{client}"]
    return single, lists


async def statuses(bills: Bills, paths: list[str], **by: Any) -> list[int]:
    return [(await bills.call("GET", path, **by)).status_code for path in paths]


@pytest.mark.parametrize("kind", ["screen", "need_to_know"])
async def test_behind_a_wall_there_is_nothing_until_it_is_lowered(
    bills: Bills, matter: Matter, kind: str
) -> None:
    single, lists = await paths_of(bills, matter)
    named = {"screen": bills.partner, "need_to_know": bills.ada}[kind]
    wall = await raised(bills, matter, kind=kind, staff_ids=(named.id,))
    await bills.hear(wall)
    paths = single + lists
    assert await statuses(bills, paths) == [404] * len(paths)
    inside = {"role": "compliance", "email": "sue@firm.test"}
    if kind == "need_to_know":
        inside = {"role": "attorney", "email": bills.ada.email}
    assert await statuses(bills, paths, **inside) == [200] * len(paths)
    own = {"role": "client", "client_id": str(matter.client_id)}
    shown = [one for one in single if "/entries/" not in one]  # theirs are on their invoices
    assert await statuses(bills, shown, **own) == [200] * len(shown)
    work = {"matter_id": str(matter.id), "staff_id": str(bills.ada.id), "minutes": 6}
    work |= {"narrative": "Called", "started_at": clock.now().isoformat()}
    assert (await bills.call("POST", "/v1/time-entries", work)).status_code == 404
    await bills.hear(await lowered(bills, wall))
    await bills.hear(wall)  # again, after it was parked: lowered it stays
    assert await statuses(bills, paths) == [200] * len(paths)


async def test_a_wall_around_one_matter_leaves_the_others_in_the_lists(
    bills: Bills, matter: Matter
) -> None:
    other = await bills.matter(matter.client_id)
    await bills.accepted(other)
    await bills.time(other, 30, narrative="Read the will")
    await bills.issued(other)
    wall = await raised(bills, matter, matter_id=matter.id, staff_ids=(bills.partner.id,))
    await bills.hear(wall)
    for name in ("invoices", "fee-terms"):
        items = (await bills.got(f"/v1/{name}?client_id={matter.client_id}"))["items"]
        assert [one["matter_id"] for one in items] == [str(other.id)]
    costs = [f"/v1/matters/{one.id}/costs" for one in (other, matter)]
    assert await statuses(bills, costs) == [200, 404]


async def test_who_is_represented_jointly_reads_the_bills_of_that_matter_until_they_leave(
    bills: Bills, matter: Matter
) -> None:
    marc, membership = new_id(), new_id()
    reason = await bills.sealed(matter.client_id, "joint_client", "joined", "Both asked.")
    of: dict[str, Any] = {"membership_id": membership, "joint_client_id": marc, "reason": reason}
    of |= {"matter_id": matter.id, "client_id": matter.client_id}
    single = [one for one in (await paths_of(bills, matter))[0] if "/entries/" not in one]
    lists = [f"/v1/invoices?client_id={matter.client_id}&matter_id={matter.id}"]
    own: dict[str, Any] = {"role": "client", "client_id": str(marc)}
    assert await statuses(bills, single + lists, **own) == [404] * (len(single) + 1)
    await bills.hear(JointClientJoined(joined_at=clock.now(), **of))
    assert await statuses(bills, single + lists, **own) == [200] * (len(single) + 1)
    other = await bills.matter(matter.client_id)
    foreign = [f"/v1/matters/{other.id}/costs", f"/v1/invoices?client_id={matter.client_id}"]
    assert await statuses(bills, foreign, **own) == [404, 404]
    accepting = f"/v1/fee-terms/{single[2].rpartition('/')[2]}/acceptance"
    body = {"version": 1, "commitment": "x"}
    assert (await bills.call("POST", accepting, body, **own)).status_code == 404
    await bills.hear(JointClientLeft(left_at=clock.now(), **of))
    assert await statuses(bills, single + lists, **own) == [404] * (len(single) + 1)
