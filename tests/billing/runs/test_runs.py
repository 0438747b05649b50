"""The month's end: every matter drafted once, with progress, whatever interrupts it."""

import asyncio
from contextlib import nullcontext
from datetime import date

import pytest

from billing.runs import actions
from shared.ids import new_id
from support.bills import Bills, Matter
from support.waiting import eventually

UNTIL = date(2026, 3, 31)


async def working(bills: Bills, count: int) -> list[Matter]:
    matters = []
    for _ in range(count):
        matter = await bills.matter()
        await bills.accepted_long_ago(matter)
        await bills.time(matter, worked_on="2026-03-02")
        matters.append(matter)
    return matters


async def test_a_run_drafts_every_matter_once_for_its_contact_and_shows_progress(
    bills: Bills,
) -> None:
    matters = await working(bills, 5)
    late = await bills.matter()
    await bills.accepted_long_ago(late)
    await bills.time(late, worked_on="2026-04-01")
    run = await bills.made("/v1/billing-runs", {"until": "2026-03-31"})
    assert (run["matters"], run["finished_at"]) == (5, None)

    async def look() -> dict[str, object]:
        found: dict[str, object] = await bills.got(f"/v1/billing-runs/{run['id']}")
        return found

    done = await eventually(look, lambda found: found["pending"] == 0)
    assert (done["drafted"], done["nothing"], done["failed"]) == (5, 0, 0)
    assert done["finished_at"] is not None
    listed = (await bills.got(f"/v1/billing-runs/{run['id']}/matters"))["items"]
    assert {one["matter_id"] for one in listed} == {str(one.id) for one in matters}
    drafts = await bills.rows("SELECT approver_id, state, period_to::text FROM invoices")
    assert {tuple(one) for one in drafts} == {(bills.ada.id, "draft", "2026-03-31")}
    again = await bills.made("/v1/billing-runs", {"until": "2026-03-31"})
    assert again["matters"] == 0


@pytest.mark.parametrize("stored", [False, True])
async def test_a_run_that_is_interrupted_goes_on_and_drafts_nothing_twice(
    bills: Bills, stored: bool
) -> None:
    """Dying before the commit leaves a matter pending; after it, the matter is done."""
    (matter,) = await working(bills, 1)
    await bills.runtime.keys.hold(matter.client_id)
    with pytest.raises(RuntimeError) if not stored else nullcontext():
        async with bills.runtime.db.transaction() as session:
            run = await actions.start(session, UNTIL, bills.partner.id)
            await actions.bill(session, run.run_id, matter.id)
            if not stored:
                raise RuntimeError("dies before the commit")
    run_id = str(run.run_id)
    if not stored:
        run_id = (await bills.made("/v1/billing-runs", {"until": "2026-03-31"}))["id"]

    async def drafts() -> int:
        ((count,),) = await bills.rows("SELECT count(*) FROM invoices")
        return int(count)

    assert await eventually(drafts, lambda count: count == 1) == 1
    await asyncio.sleep(0.3)
    assert await drafts() == 1
    shown = await bills.got(f"/v1/billing-runs/{run_id}")
    assert (shown["pending"], shown["drafted"]) == (0, 1)


async def test_a_matter_that_somebody_drafted_meanwhile_is_nothing_to_do(bills: Bills) -> None:
    (matter,) = await working(bills, 1)
    await bills.draft(matter)
    await bills.time(matter, worked_on="2026-03-03", narrative="Advised on the guarantee")
    run = await bills.made("/v1/billing-runs", {"until": "2026-03-31"})

    async def look() -> list[dict[str, object]]:
        found: list[dict[str, object]] = (await bills.got(f"/v1/billing-runs/{run['id']}/matters"))[
            "items"
        ]
        return found

    (only,) = await eventually(look, lambda items: items[0]["state"] != "pending")
    assert (only["state"], only["detail"]) == ("nothing", "draft-exists")


async def test_only_who_bills_starts_a_run(bills: Bills) -> None:
    for role in ("attorney", "client", "compliance"):
        claims = {"client_id": str(new_id())} if role == "client" else {}
        body = {"until": "2026-03-31"}
        answer = await bills.call("POST", "/v1/billing-runs", body, role=role, **claims)
        assert answer.status_code == 403
