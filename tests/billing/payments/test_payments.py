"""Payments: never more than is owed, and owed again when they come back."""

import asyncio
from typing import Any

from shared.contracts.billing import PaymentReceived, PaymentReversed, TrustDeposited
from support.bills import Bills, Matter, usd

TODAY = "SELECT (now() AT TIME ZONE 'America/New_York')::date::text"


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


async def test_what_was_paid_of_a_line_that_is_credited_is_the_clients_in_trust(
    bills: Bills,
) -> None:
    matter, invoice = await invoiced(bills)
    paid = await bills.made("/v1/payments", await payment(bills, invoice, "300.00"))
    credit = {"lines": [{"line": 1, "amount": usd("100.00")}], "reason": "It was forty minutes."}
    await bills.made(f"/v1/invoices/{invoice['id']}/credit-notes", credit)
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["paid"], shown["credited"], shown["open"]) == (
        usd("200.00"), usd("100.00"), usd("0.00"),
    )  # fmt: skip
    (given,) = await bills.told(TrustDeposited)
    assert (given.amount, given.balance_after) == (10_000, 10_000)
    trust = await bills.got(f"/v1/matters/{matter.id}/trust?currency=USD")
    assert trust["in_trust"] == usd("100.00")
    back = await bills.call("POST", f"/v1/payments/{paid['id']}/reversal", {"reason": "Bounced."})
    assert (back.status_code, back.json()["code"]) == (409, "given-back-meanwhile")
