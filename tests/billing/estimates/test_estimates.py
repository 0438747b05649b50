"""Estimates: put to the client, agreed, watched, and never a reason not to work."""

import asyncio
from typing import Any

from shared.contracts.billing import (
    BudgetThresholdCrossed,
    EntryCorrected,
    EstimateAgreed,
    EstimateIssued,
    EstimateRevised,
)
from support.bills import NARRATIVE, TERMS, Bills, Matter, usd


def amounts(low: str, likely: str, high: str) -> dict[str, str]:
    return {"low": low, "likely": likely, "high": high}


def estimate(high: str = "1000.00", likely: str = "400.00") -> dict[str, Any]:
    task = {"code": "L120", "name": "The draft", "fees": amounts("100.00", likely, high),
            "costs": amounts("0", "0", "100.00")}  # fmt: skip
    return {
        "currency": "USD",
        "phases": [{"code": "L100", "name": "Advice", "tasks": [task]}],
        "assumptions": ["The landlord answers within two weeks."],
    }


async def agreed(bills: Bills, matter: Matter, **amounts: str) -> dict[str, Any]:
    body = {"matter_id": str(matter.id), "estimate": estimate(**amounts)}
    made = await bills.made("/v1/estimates", body)
    path = f"/v1/matters/{matter.id}/estimate/agreement"
    return await bills.as_client(path, {"version": made["version"]}, matter.client_id)


async def crossings(bills: Bills) -> list[tuple[str, int]]:
    return [(one.measure, one.percent) for one in await bills.told(BudgetThresholdCrossed)]


async def test_an_estimate_is_issued_revised_with_a_reason_and_agreed(bills: Bills) -> None:
    matter = await bills.matter()
    body = {"matter_id": str(matter.id), "estimate": estimate()}
    first = await bills.made("/v1/estimates", body)
    assert first["fees"] == {"low": "100.00", "likely": "400.00", "high": "1000.00"}
    assert (await bills.call("POST", "/v1/estimates", body)).status_code == 422
    path = f"/v1/matters/{matter.id}/estimate"
    more = {"estimate": estimate("2000.00"), "reason": "The landlord wants a guarantee."}
    match = {"If-Match": '"1"'}
    answers = await asyncio.gather(
        *(bills.call("POST", f"{path}/versions", more, headers=match) for _ in range(2))
    )
    assert sorted(one.status_code for one in answers) == [201, 412]
    stale = await bills.call(
        "POST", f"{path}/agreement", {"version": 1}, role="client", client_id=str(matter.client_id)
    )
    assert (stale.status_code, stale.json()["code"]) == (409, "estimate-changed-meanwhile")
    by_staff = await bills.call("POST", f"{path}/agreement", {"version": 2})
    assert by_staff.status_code == 403  # only the client can agree
    for _ in range(2):
        await bills.as_client(f"{path}/agreement", {"version": 2}, matter.client_id)
    (issued,), (revised,) = await bills.told(EstimateIssued), await bills.told(EstimateRevised)
    (said,) = await bills.told(EstimateAgreed)
    assert (issued.fees.high, revised.fees.high, said.estimate_version) == (100_000, 200_000, 2)
    assert "within two weeks" in await bills.opened(issued.text)
    assert "guarantee" in await bills.opened(revised.reason)


async def test_each_threshold_is_told_once_the_highest_of_those_crossed_at_once(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    await agreed(bills, matter)
    await bills.time(matter, 90, task_code="L120")  # 450 of 1,000
    assert await crossings(bills) == []
    await bills.time(matter, 18, task_code="L120")  # 540: half, and the forecast with it
    assert await crossings(bills) == [("fees", 50)]
    await bills.time(matter, 84, task_code="L120")  # 960: three quarters and ninety at once
    assert ("fees", 90) in await crossings(bills)
    assert ("fees", 75) not in await crossings(bills)
    shown = await bills.got(f"/v1/matters/{matter.id}/estimate")
    of_fees = [one for one in shown["crossings"] if one["measure"] == "fees"]
    assert [(one["percent"], one["told"]) for one in of_fees] == [
        (50, True),
        (75, False),
        (90, True),
    ]
    (half, *_) = await bills.told(BudgetThresholdCrossed)
    assert (half.reached, half.estimated, half.agreed) == (54_000, 100_000, True)


async def test_a_hundred_entries_at_once_over_a_threshold_are_one_notice(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    await agreed(bills, matter, high="5000.00")
    await asyncio.gather(*(bills.time(matter, 6) for _ in range(100)))  # 30 each: 3,000 in all
    assert [one for one in await crossings(bills) if one[0] == "fees"] == [("fees", 50)]
    shown = await bills.got(f"/v1/matters/{matter.id}/estimate")
    assert shown["fees_spent"] == usd("3000.00")


async def test_a_correction_backwards_takes_nothing_back_and_tells_nothing_twice(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    await agreed(bills, matter)
    entry = await bills.time(matter, 108)  # 540
    body = {"minutes": 60, "narrative": NARRATIVE, "started_at": entry["started_at"],
            "reason": "It was an hour."}  # fmt: skip
    corrected = await bills.call("PUT", f"/v1/entries/{entry['id']}", body)
    assert corrected.status_code == 200
    await bills.time(matter, 60)  # 600: half again
    assert [one for one in await crossings(bills) if one[0] == "fees"] == [("fees", 50)]
    shown = await bills.got(f"/v1/matters/{matter.id}/estimate")
    assert shown["fees_spent"] == usd("600.00")


async def test_beyond_the_agreed_amount_work_goes_on_and_says_so_until_it_is_agreed(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    await agreed(bills, matter)
    inside, first = await bills.time(matter, 180), await bills.time(matter, 60)
    second = await bills.time(matter, 60)
    flags = [one["beyond_agreed"] for one in (inside, first, second)]
    assert flags == [False, True, True]
    assert {one["state"] for one in (first, second)} == {"billable"}
    reason = {"reason": "The court moved the hearing forward."}
    overridden = await bills.made(f"/v1/entries/{first['id']}/override", reason)
    assert overridden["overridden"]
    path = f"/v1/matters/{matter.id}/estimate"
    more = {"estimate": estimate("1600.00"), "reason": "The hearing was moved forward."}
    await bills.made(f"{path}/versions", more)
    await bills.as_client(f"{path}/agreement", {"version": 2}, matter.client_id)
    covered = await bills.got(f"/v1/entries/{second['id']}")
    assert not covered["beyond_agreed"]
    assert [one.cause for one in await bills.told(EntryCorrected)] == ["override", "terms"]


async def test_what_a_client_agreed_to_knowingly_is_no_news(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    await bills.time(matter, 120)  # 600 before there is any estimate
    await agreed(bills, matter)
    await bills.time(matter, 6)
    assert await crossings(bills) == []


async def test_what_is_committed_to_others_counts_in_the_forecast(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    await agreed(bills, matter)
    body = {"matter_id": str(matter.id), "cost": usd("650.00"), "words": "Surveyor engaged."}
    made = await bills.made("/v1/commitments", body)
    shown = await bills.got(f"/v1/matters/{matter.id}/estimate")
    assert (shown["committed"], shown["forecast"]) == (usd("650.00"), usd("1050.00"))
    assert await crossings(bills) == [("forecast", 90)]
    await bills.made(f"/v1/commitments/{made['id']}/release", None)
    shown = await bills.got(f"/v1/matters/{matter.id}/estimate")
    assert (shown["committed"], shown["forecast"]) == (usd("0.00"), usd("400.00"))


async def test_a_range_that_is_none_and_a_code_twice_are_refused(bills: Bills) -> None:
    matter = await bills.matter()
    upside_down = estimate(high="50.00")
    twice = estimate()
    twice["phases"][0]["tasks"] *= 2
    for wrong in (upside_down, twice):
        body = {"matter_id": str(matter.id), "estimate": wrong}
        assert (await bills.call("POST", "/v1/estimates", body)).status_code == 422


async def test_sums_are_of_one_currency(bills: Bills) -> None:
    matter = await bills.matter()
    terms = await bills.accepted(matter)
    of = {"matter_id": str(matter.id)}
    euros = estimate() | {"currency": "EUR"}
    other = [
        ("/v1/estimates", of | {"estimate": euros}),
        ("/v1/commitments", of | {"cost": {"amount": "1.00", "currency": "EUR"}, "words": "x"}),
        (f"/v1/fee-terms/{terms['id']}/versions",
         {"terms": TERMS | {"currency": "EUR"}, "changes": "Euros."}),
    ]  # fmt: skip
    for path, body in other:
        answer = await bills.call("POST", path, body)
        assert answer.status_code == 422, answer.text
        assert "USD" in answer.json()["detail"]
