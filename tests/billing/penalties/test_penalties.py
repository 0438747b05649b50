"""Late penalties: exactly as disclosed, by the calendar, whatever is heard late."""

import asyncio
from contextlib import nullcontext
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.invoices import doors
from billing.penalties import actions, rules
from billing.penalties.ticker import charge_due
from shared import clock
from shared.contracts import FIRM_ID
from shared.contracts.billing import LatePenaltyCharged, LatePenaltyWithdrawn, TrustDeposited
from support.bills import Bills, Matter, bills_in, noon_at_the_firm, usd
from support.platform import Platform
from support.waiting import eventually

A_THOUSANDTH_A_DAY = {"annual_percent": "36.5", "grace_days": 10}


async def invoiced(bills: Bills, minutes: int = 60, **terms: Any) -> tuple[Matter, dict[str, Any]]:
    matter = await bills.matter()
    await bills.accepted_long_ago(matter, **terms)
    await bills.time(matter, minutes)
    return matter, await bills.issued(matter)


async def overdue(bills: Bills, minutes: int = 60) -> tuple[Matter, dict[str, Any]]:
    """Due at once, ten days of grace, then thirty cents a day of 300.00."""
    return await invoiced(bills, minutes, payment_days=0, late_penalty=A_THOUSANDTH_A_DAY)


def day_of(invoice: dict[str, Any], days: int) -> str:
    return (date.fromisoformat(invoice["due_on"]) + timedelta(days=days)).isoformat()


def payment(invoice: dict[str, Any], amount: str, days: int) -> dict[str, Any]:
    return {"invoice_id": invoice["id"], "amount": usd(amount), "method": "bank_transfer",
            "received_on": day_of(invoice, days)}  # fmt: skip


async def charged(bills: Bills) -> list[int]:
    return [one.amount for one in await bills.told(LatePenaltyCharged)]


async def test_a_penalty_is_exactly_what_was_disclosed_however_often_it_is_charged(
    bills: Bills, moved_clock: Path
) -> None:
    penalty = {"annual_percent": "36.5", "grace_days": 10}  # a thousandth a day
    _, invoice = await invoiced(bills, payment_days=30, late_penalty=penalty)
    path = f"/v1/invoices/{invoice['id']}/late-penalty"
    noon_at_the_firm(moved_clock, 41)
    early = await bills.call("POST", path)
    assert (early.status_code, early.json()["code"]) == (409, "nothing-to-charge")
    noon_at_the_firm(moved_clock, 42)
    answers = await asyncio.gather(*(bills.call("POST", path) for _ in range(3)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    noon_at_the_firm(moved_clock, 51)
    later = await bills.made(path, None)
    assert [one.amount for one in await bills.told(LatePenaltyCharged)] == [30, 270]
    assert later["amount"] == usd("2.70")
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["penalties"], shown["open"]) == (usd("3.00"), usd("303.00"))


async def test_without_a_disclosed_penalty_nothing_is_charged(
    bills: Bills, moved_clock: Path
) -> None:
    _, invoice = await invoiced(bills, late_penalty=None)
    noon_at_the_firm(moved_clock, 400)
    answer = await bills.call("POST", f"/v1/invoices/{invoice['id']}/late-penalty")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-charge")


async def test_the_calendar_charges_once_a_month_and_the_rest_when_the_invoice_is_paid(
    bills: Bills, moved_clock: Path
) -> None:
    _, invoice = await overdue(bills)
    for day, so_far in ((11, []), (12, [30]), (13, [30])):
        noon_at_the_firm(moved_clock, day)
        await charge_due(bills.runtime)
        assert await charged(bills) == so_far
    noon_at_the_firm(moved_clock, 44)
    await charge_due(bills.runtime)
    await charge_due(bills.runtime)
    assert await charged(bills) == [30, 32 * 30]
    noon_at_the_firm(moved_clock, 46)
    await bills.made("/v1/payments", payment(invoice, "300.00", 46))
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    # On the day on which the money was there nothing accrues any more.
    assert await charged(bills) == [30, 32 * 30, 2 * 30]
    assert (shown["penalties"], shown["open"]) == (usd("10.50"), usd("10.50"))
    await bills.made("/v1/payments", payment(invoice, "10.50", 46))
    noon_at_the_firm(moved_clock, 400)
    await charge_due(bills.runtime)
    await charge_due(bills.runtime)
    assert len(await charged(bills)) == 3
    assert await bills.rows("SELECT number FROM invoices WHERE penalty_on IS NOT NULL") == []


async def test_the_ticker_charges_by_itself(platform: Platform, moved_clock: Path) -> None:
    settings = {"billing_look_every": 0.05, "clock_offset_file": moved_clock}
    async with bills_in(platform, **settings) as bills:
        _, invoice = await overdue(bills)
        noon_at_the_firm(moved_clock, 12)
        assert await eventually(lambda: charged(bills), lambda found: found != []) == [30]
        shown = await bills.got(f"/v1/invoices/{invoice['id']}")
        assert shown["penalties"] == usd("0.30")


@pytest.mark.parametrize("stored", [False, True])
async def test_a_charge_that_is_interrupted_is_made_once(
    bills: Bills, moved_clock: Path, stored: bool
) -> None:
    """Dying before the commit leaves the day as it was; after it, the charge is made."""
    await overdue(bills)
    noon_at_the_firm(moved_clock, 12)
    ((invoice_id,),) = await bills.rows("SELECT invoice_id FROM invoices")
    with pytest.raises(RuntimeError) if not stored else nullcontext():
        async with bills.runtime.db.transaction() as session:
            invoice = await doors.lock(session, invoice_id)
            await actions.charge_when_due(session, invoice, FIRM_ID)
            if not stored:
                raise RuntimeError("dies before the commit")
    await asyncio.gather(*(charge_due(bills.runtime) for _ in range(3)))
    assert await charged(bills) == [30]


async def test_a_payment_entered_late_takes_back_what_was_charged_since_it_was_there(
    bills: Bills, moved_clock: Path
) -> None:
    _, invoice = await overdue(bills)
    noon_at_the_firm(moved_clock, 30)
    await charge_due(bills.runtime)
    assert await charged(bills) == [19 * 30]
    await bills.made("/v1/payments", payment(invoice, "300.00", 15))
    (back,) = await bills.told(LatePenaltyWithdrawn)
    assert back.amount == 19 * 30 - 4 * 30  # four days after the grace were late
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["penalties"], shown["open"]) == (usd("1.20"), usd("1.20"))
    balances = await bills.rows(
        "SELECT account, balance FROM balances WHERE account IN ('penalties', 'receivable')"
    )
    assert {tuple(one) for one in balances} == {("penalties", -120), ("receivable", 120)}


async def test_a_dispute_counts_from_when_it_was_raised_and_a_credit_from_the_beginning(
    bills: Bills, moved_clock: Path
) -> None:
    matter, invoice = await overdue(bills)
    noon_at_the_firm(moved_clock, 30)
    await charge_due(bills.runtime)
    called_at = clock.now() - timedelta(days=10)
    concern = {"invoice_id": invoice["id"], "kind": "amount", "disputes": True,
               "text": "She called: it is too much.", "channel": "phone",
               "raised_at": called_at.isoformat()}  # fmt: skip
    made = await bills.made("/v1/billing-concerns", concern)
    assert [one.amount for one in await bills.told(LatePenaltyWithdrawn)] == [10 * 30]
    credit = {"outcome": "credit", "text": "You are right.",
              "credit": [{"line": 1, "amount": usd("300.00")}]}  # fmt: skip
    await bills.made(f"/v1/billing-concerns/{made['id']}/resolution", credit)
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["penalties"], shown["open"]) == (usd("0.00"), usd("0.00"))
    assert matter.client_id


async def test_a_penalty_that_was_paid_and_is_taken_back_is_the_clients_in_trust(
    bills: Bills, moved_clock: Path
) -> None:
    matter, invoice = await overdue(bills)
    noon_at_the_firm(moved_clock, 20)
    await charge_due(bills.runtime)
    await bills.made("/v1/payments", payment(invoice, "302.70", 20))
    ((open_now,),) = await bills.rows("SELECT open FROM invoices")
    assert open_now == 0
    credit = {"lines": [{"line": 1, "amount": usd("300.00")}], "reason": "All of it was wrong."}
    await bills.made(f"/v1/invoices/{invoice['id']}/credit-notes", credit)
    trust = await bills.got(f"/v1/matters/{matter.id}/trust?currency=USD")
    assert trust["in_trust"] == usd("302.70")
    assert sum(one.amount for one in await bills.told(TrustDeposited)) == 302_70
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["paid"], shown["penalties"], shown["open"]) == (
        usd("0.00"), usd("0.00"), usd("0.00"),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
async def test_in_whatever_order_facts_are_entered_the_penalty_is_that_of_the_facts(
    bills: Bills, moved_clock: Path, seed: int
) -> None:
    """Payments are entered late and out of order, with the ticker looking in between."""
    random = Random(seed)
    _, invoice = await overdue(bills, minutes=600)
    facts = [(random.randint(0, 90), random.randint(1, 20) * 1_000) for _ in range(6)]
    entered = sorted((on + random.randint(0, 60), on, amount) for on, amount in facts)
    for day, on, amount in entered:
        noon_at_the_firm(moved_clock, day)
        await charge_due(bills.runtime)
        await bills.made("/v1/payments", payment(invoice, f"{amount // 100}.00", on))
    noon_at_the_firm(moved_clock, 200)
    await charge_due(bills.runtime)
    due_on = date.fromisoformat(invoice["due_on"])
    today = clock.now().astimezone(ZoneInfo("America/New_York")).date()  # an hour later in summer
    owed = [(due_on, 3_000_00)] + [(due_on + timedelta(days=on), -amount) for on, amount in facts]
    expected = rules.accrued(
        owed, due_on=due_on, grace_days=10, annual_percent=Decimal("36.5"),
        through=today - timedelta(days=1),
    )  # fmt: skip
    ((penalties,),) = await bills.rows("SELECT penalties FROM invoices")
    assert penalties == expected
