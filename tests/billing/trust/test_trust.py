"""Clients' money: never below zero, never another's, and asked for once when it runs low."""

import asyncio
from typing import Any

from billing.trust.rules import fell_below
from shared.contracts.billing import RetainerRanLow, TrustApplied, TrustDeposited, TrustRefunded
from support.bills import HOURLY, Bills, Matter, usd

TODAY = "SELECT (now() AT TIME ZONE 'America/New_York')::date::text"
EVERGREEN = {"kind": "retainer", "amount": "1000.00", "replenish_below": "400.00"}


async def invoiced(bills: Bills, minutes: int = 60, **terms: Any) -> tuple[Matter, dict[str, Any]]:
    matter = await bills.matter()
    await bills.accepted_long_ago(matter, **terms)
    await bills.time(matter, minutes)
    return matter, await bills.issued(matter)


async def deposit(bills: Bills, matter: Matter, amount: str) -> None:
    ((today,),) = await bills.rows(TODAY)
    body = {"matter_id": str(matter.id), "amount": usd(amount), "received_on": today}
    await bills.made("/v1/trust-deposits", body)


async def test_trust_pays_an_issued_invoice_and_never_more_than_the_client_has(
    bills: Bills,
) -> None:
    matter, invoice = await invoiced(bills)
    other = await bills.matter()
    ((today,),) = await bills.rows(TODAY)
    for one, amount in ((matter, "100.00"), (other, "900.00")):
        body = {"matter_id": str(one.id), "amount": usd(amount), "received_on": today}
        await bills.made("/v1/trust-deposits", body)
    take = {"invoice_id": invoice["id"], "amount": usd("80.00")}
    answers = await asyncio.gather(
        *(bills.call("POST", "/v1/trust-applications", take) for _ in range(2))
    )
    assert sorted(one.status_code for one in answers) == [201, 409]
    (refused,) = [one for one in answers if one.status_code == 409]
    assert refused.json()["code"] == "trust-too-low"
    (applied,) = await bills.told(TrustApplied)
    assert (applied.amount, applied.balance_after, applied.open_after) == (8_000, 2_000, 22_000)
    assert [one.balance_after for one in await bills.told(TrustDeposited)] == [10_000, 90_000]
    trust = await bills.got(f"/v1/matters/{matter.id}/trust?currency=USD")
    assert trust["in_trust"] == usd("20.00")
    back = await bills.made(
        "/v1/trust-refunds", {"matter_id": str(matter.id), "amount": usd("20.00")}
    )
    assert back["in_trust"] == usd("0.00")
    (refunded,) = await bills.told(TrustRefunded)
    assert (refunded.amount, refunded.balance_after) == (2_000, 0)


def test_a_retainer_runs_low_by_the_movement_that_takes_it_below() -> None:
    assert fell_below(400_00, 399_99, 400_00)
    assert not fell_below(500_00, 400_00, 400_00)  # exactly the level is enough
    assert not fell_below(399_99, 100_00, 400_00)  # it was low before


async def test_a_retainer_that_runs_low_is_asked_for_once_until_it_was_filled_up(
    bills: Bills,
) -> None:
    matter, invoice = await invoiced(bills, 300, arrangements=[HOURLY, EVERGREEN])
    await deposit(bills, matter, "1000.00")
    take = {"invoice_id": invoice["id"], "amount": usd("350.00")}
    answers = await asyncio.gather(
        *(bills.call("POST", "/v1/trust-applications", take) for _ in range(2))
    )
    assert [one.status_code for one in answers] == [201, 201]
    (told,) = await bills.told(RetainerRanLow)
    assert (told.left, told.below, told.asked) == (300_00, 400_00, 700_00)
    await bills.made("/v1/trust-applications", take | {"amount": usd("50.00")})
    assert len(await bills.told(RetainerRanLow)) == 1
    await deposit(bills, matter, "750.00")
    await bills.made("/v1/trust-applications", take | {"amount": usd("650.00")})
    assert [one.left for one in await bills.told(RetainerRanLow)] == [300_00, 350_00]


async def test_without_a_level_in_the_terms_nobody_asks_for_more(bills: Bills) -> None:
    kept = EVERGREEN | {"replenish_below": None}
    matter, invoice = await invoiced(bills, arrangements=[HOURLY, kept])
    await deposit(bills, matter, "300.00")
    take = {"invoice_id": invoice["id"], "amount": usd("300.00")}
    await bills.made("/v1/trust-applications", take)
    assert await bills.told(RetainerRanLow) == []
