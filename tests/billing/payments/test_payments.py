"""Payments, trust and penalties: never more than is owed, never anybody else's money."""

import asyncio
from pathlib import Path
from typing import Any

from shared.contracts.billing import (
    LatePenaltyCharged,
    PaymentReceived,
    PaymentReversed,
    TrustApplied,
    TrustDeposited,
)
from support.bills import Bills, Matter, usd

TODAY = "SELECT (now() AT TIME ZONE 'America/New_York')::date::text"
A_DAY = 24 * 3600


async def invoiced(bills: Bills, minutes: int = 60, **terms: Any) -> tuple[Matter, dict[str, Any]]:
    matter = await bills.matter()
    await bills.accepted_long_ago(matter, **terms)
    await bills.time(matter, minutes)
    return matter, await bills.issued(matter)


async def payment(bills: Bills, invoice: dict[str, Any], amount: str) -> dict[str, Any]:
    ((today,),) = await bills.rows(TODAY)
    return {"invoice_id": invoice["id"], "amount": usd(amount), "method": "bank_transfer",
            "received_on": today}  # fmt: skip


async def test_of_two_payments_at_once_no_more_is_taken_than_is_owed(bills: Bills) -> None:
    _, invoice = await invoiced(bills)
    body = await payment(bills, invoice, "200.00")
    answers = await asyncio.gather(*(bills.call("POST", "/v1/payments", body) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [201, 409]
    (refused,) = [one for one in answers if one.status_code == 409]
    assert refused.json()["code"] == "too-much"
    assert "USD 100.00" in refused.json()["detail"]
    (told,) = await bills.told(PaymentReceived)
    assert (told.amount, told.open_after) == (20_000, 10_000)
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["paid"], shown["open"]) == (usd("200.00"), usd("100.00"))


async def test_a_payment_that_came_back_is_owed_again_once(bills: Bills) -> None:
    _, invoice = await invoiced(bills)
    made = await bills.made("/v1/payments", await payment(bills, invoice, "300.00"))
    path, why = f"/v1/payments/{made['id']}/reversal", {"reason": "The cheque bounced."}
    answers = await asyncio.gather(*(bills.call("POST", path, why) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [201, 409]
    (told,) = await bills.told(PaymentReversed)
    assert told.open_after == 30_000
    balances = await bills.rows("SELECT account, balance FROM balances ORDER BY account")
    assert [tuple(one) for one in balances] == [
        ("bank", 0), ("fees", -30_000), ("receivable", 30_000),
    ]  # fmt: skip


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


async def test_a_penalty_is_exactly_what_was_disclosed_however_often_it_is_charged(
    bills: Bills, moved_clock: Path
) -> None:
    penalty = {"annual_percent": "36.5", "grace_days": 10}  # a thousandth a day
    _, invoice = await invoiced(bills, payment_days=30, late_penalty=penalty)
    path = f"/v1/invoices/{invoice['id']}/late-penalty"
    moved_clock.write_text(str(40 * A_DAY))
    early = await bills.call("POST", path)
    assert (early.status_code, early.json()["code"]) == (409, "nothing-to-charge")
    moved_clock.write_text(str(41 * A_DAY))
    answers = await asyncio.gather(*(bills.call("POST", path) for _ in range(3)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    moved_clock.write_text(str(50 * A_DAY))
    later = await bills.made(path, None)
    assert [one.amount for one in await bills.told(LatePenaltyCharged)] == [30, 270]
    assert later["amount"] == usd("2.70")
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["penalties"], shown["open"]) == (usd("3.00"), usd("303.00"))


async def test_without_a_disclosed_penalty_nothing_is_charged(
    bills: Bills, moved_clock: Path
) -> None:
    _, invoice = await invoiced(bills, late_penalty=None)
    moved_clock.write_text(str(400 * A_DAY))
    answer = await bills.call("POST", f"/v1/invoices/{invoice['id']}/late-penalty")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-charge")


async def test_money_is_recorded_by_who_keeps_the_books_in_the_invoices_currency(
    bills: Bills,
) -> None:
    matter, invoice = await invoiced(bills)
    body = await payment(bills, invoice, "1.00")
    ada = {"role": "attorney", "email": bills.ada.email}
    own = {"role": "client", "client_id": str(matter.client_id)}
    for claims in (ada, own):
        assert (await bills.call("POST", "/v1/payments", body, **claims)).status_code == 403
    for wrong in (
        {"amount": {"amount": "1.00", "currency": "EUR"}},
        {"amount": usd("0.00")},
        {"amount": usd("1.001")},
        {"amount": {"amount": "NaN", "currency": "USD"}},
        {"amount": {"amount": -1, "currency": "USD"}},
        {"received_on": "2199-01-01"},
    ):
        assert (await bills.call("POST", "/v1/payments", body | wrong)).status_code == 422
    draft_matter = await bills.matter()
    await bills.accepted(draft_matter)
    await bills.time(draft_matter)
    drafted = await bills.draft(draft_matter)
    early = await bills.call("POST", "/v1/payments", body | {"invoice_id": drafted["id"]})
    assert early.json()["code"] in ("too-much", "wrong-state")
    listed = await bills.got(f"/v1/payments?invoice_id={invoice['id']}", **own)
    assert listed["items"] == []
