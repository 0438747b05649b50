"""Concerns: from any channel, owned and promised; what is disputed stays apart until it ends."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared import clock
from shared.contracts.billing import (
    BillingConcernAnswered,
    BillingConcernRaised,
    BillingConcernResolved,
    BillingDisputeSettled,
    LatePenaltyCharged,
)
from shared.contracts.sla_monitor import ConcernDue
from shared.ids import new_id
from support.bills import Bills, Matter, noon_at_the_firm, usd


async def invoiced(bills: Bills, **terms: Any) -> tuple[Matter, dict[str, Any]]:
    """Two lines: 300 and 150."""
    matter = await bills.matter()
    await bills.accepted_long_ago(matter, **terms)
    await bills.time(matter, 60)
    await bills.time(matter, 30, narrative="Called the landlord's agent about keys")
    return matter, await bills.issued(matter)


def about(invoice: dict[str, Any], *lines: int, disputes: bool = False) -> dict[str, Any]:
    return {"invoice_id": invoice["id"], "lines": list(lines), "kind": "time",
            "disputes": disputes, "text": "The call took five minutes, not thirty."}  # fmt: skip


async def raised(bills: Bills, matter: Matter, body: dict[str, Any]) -> dict[str, Any]:
    return await bills.as_client("/v1/billing-concerns", body, matter.client_id)


async def test_a_client_questions_a_line_and_its_contact_owns_it(bills: Bills) -> None:
    matter, invoice = await invoiced(bills)
    concern = await raised(bills, matter, about(invoice, 2))
    assert (concern["state"], concern["channel"], concern["lines"]) == ("raised", "portal", [2])
    assert concern["owner_id"] == str(bills.ada.id)
    assert concern["answer_by"] is None
    (told,) = await bills.told(BillingConcernRaised)
    assert (told.kind, told.disputed, told.owner_id) == ("time", 0, bills.ada.id)
    assert await bills.opened(told.text) == "The call took five minutes, not thirty."
    for (row,) in await bills.rows("SELECT billing_concerns::text FROM billing_concerns"):
        assert "minutes" not in row


async def test_the_promise_is_shown_whatever_order_its_revisions_are_heard_in(
    bills: Bills,
) -> None:
    matter, invoice = await invoiced(bills)
    concern = await raised(bills, matter, about(invoice, 2))
    at = clock.now()

    def due(revision: int, hours: int) -> ConcernDue:
        return ConcernDue(
            clock_id=new_id(), revision=revision, concern_id=concern["id"],
            client_id=matter.client_id, opened_at=at, target_at=at + timedelta(hours=hours),
            limit_at=at + timedelta(hours=2 * hours), time_zone="UTC", policy_version=1,
            calendar_version=1,
        )  # fmt: skip

    for revision, hours in ((2, 30), (1, 48)):
        await bills.hear(due(revision, hours))
    shown = await bills.got(f"/v1/billing-concerns/{concern['id']}")
    assert shown["answer_by"] == due(2, 30).model_dump(mode="json")["target_at"]


async def test_staff_record_a_call_for_a_client_with_the_instant_of_the_call(bills: Bills) -> None:
    matter, invoice = await invoiced(bills)
    ada = {"role": "attorney", "email": bills.ada.email}
    called = (clock.now() - timedelta(hours=3)).isoformat()
    body = about(invoice, 1) | {"channel": "phone", "raised_at": called}
    concern = await bills.made("/v1/billing-concerns", body, **ada)
    assert concern["channel"] == "phone"
    (told,) = await bills.told(BillingConcernRaised)
    assert told.raised_at < clock.now() - timedelta(hours=2)
    future = body | {"raised_at": (clock.now() + timedelta(hours=1)).isoformat()}
    assert (await bills.call("POST", "/v1/billing-concerns", future, **ada)).status_code == 422
    whole = {"matter_id": str(matter.id), "kind": "unclear", "text": "Why is it so much?"}
    assert (await raised(bills, matter, whole))["invoice_id"] is None


async def test_disputed_money_stays_apart_in_trust_and_cannot_pay(bills: Bills) -> None:
    matter, invoice = await invoiced(bills)
    body = {"matter_id": str(matter.id), "amount": usd("400.00"), "received_on": "2026-03-02"}
    await bills.made("/v1/trust-deposits", body)
    concern = await raised(bills, matter, about(invoice, 1, disputes=True))
    assert concern["disputed"] == usd("300.00")
    trust = await bills.got(f"/v1/matters/{matter.id}/trust?currency=USD")
    assert (trust["in_trust"], trust["disputed"]) == (usd("100.00"), usd("300.00"))
    take = {"invoice_id": invoice["id"], "amount": usd("200.00")}
    refused = await bills.call("POST", "/v1/trust-applications", take)
    assert (refused.status_code, refused.json()["code"]) == (409, "too-much")
    await bills.made("/v1/trust-applications", take | {"amount": usd("100.00")})
    path = f"/v1/billing-concerns/{concern['id']}"
    words = {"outcome": "explanation", "text": "The hour was spent on the consent clause."}
    ended = await bills.made(f"{path}/resolution", words)
    assert (ended["state"], ended["outcome"], ended["disputed"]) == (
        "resolved",
        "explanation",
        usd("0.00"),
    )
    trust = await bills.got(f"/v1/matters/{matter.id}/trust?currency=USD")
    assert (trust["in_trust"], trust["disputed"]) == (usd("300.00"), usd("0.00"))
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["disputed"], [one["disputed"] for one in shown["lines"]]) == (
        usd("0.00"),
        [False, False],
    )


async def test_what_is_disputed_bears_no_penalty_until_it_is_resolved(
    bills: Bills, moved_clock: Path
) -> None:
    penalty = {"annual_percent": "36.5", "grace_days": 0}  # a thousandth a day
    matter, invoice = await invoiced(bills, payment_days=0, late_penalty=penalty)
    concern = await raised(bills, matter, about(invoice, 1, disputes=True))
    noon_at_the_firm(moved_clock, 10)
    await bills.made(f"/v1/invoices/{invoice['id']}/late-penalty", None)
    words = {"outcome": "explanation", "text": "It is right as it stands."}
    await bills.made(f"/v1/billing-concerns/{concern['id']}/resolution", words)
    noon_at_the_firm(moved_clock, 20)
    await bills.made(f"/v1/invoices/{invoice['id']}/late-penalty", None)
    # Nine whole days of 150; on the tenth it ended, so that day's end counts 450 like the others.
    assert [one.amount for one in await bills.told(LatePenaltyCharged)] == [135, 450]


async def test_a_concern_ends_in_a_credit_note_over_what_was_wrong(bills: Bills) -> None:
    matter, invoice = await invoiced(bills)
    concern = await raised(bills, matter, about(invoice, 2, disputes=True))
    path = f"/v1/billing-concerns/{concern['id']}"
    await bills.made(f"{path}/answers", {"step": "acknowledged", "text": "We are looking at it."})
    await bills.made(f"{path}/answers", {"text": "You are right: it was five minutes."})
    credit = [{"line": 2, "amount": usd("120.00")}]
    resolution = {"outcome": "credit", "text": "Credited to six minutes.", "credit": credit}
    ada = {"role": "attorney", "email": bills.ada.email}
    refused = await bills.call("POST", f"{path}/resolution", resolution, **ada)
    assert refused.status_code == 403  # she may explain, but not give credit
    answers = await asyncio.gather(
        *(bills.call("POST", f"{path}/resolution", resolution) for _ in range(2))
    )
    assert sorted(one.status_code for one in answers) == [201, 409]
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["credited"], shown["disputed"], shown["open"]) == (
        usd("120.00"),
        usd("0.00"),
        usd("330.00"),
    )
    steps = [one.step for one in await bills.told(BillingConcernAnswered)]
    assert steps == ["acknowledged", "answered"]
    (told,) = await bills.told(BillingConcernResolved)
    assert (told.outcome, str(told.credit_note_id)) == ("credit", shown["credit_notes"][0]["id"])
    late = await bills.call("POST", f"{path}/answers", {"text": "One more thing."})
    assert (late.status_code, late.json()["code"]) == (409, "concern-closed")


async def test_a_dispute_keeps_money_apart_and_names_form_and_day_for_arbitration(
    bills: Bills,
) -> None:
    profile = {"profiles": ["us-california"], "expected_cost": "900.00"}
    matter, invoice = await invoiced(bills, **profile)
    concern = await raised(bills, matter, about(invoice, 1, disputes=True))
    path = f"/v1/billing-concerns/{concern['id']}"
    words = {"outcome": "dispute", "text": "We do not agree; a neutral person should decide."}
    unserved = await bills.call("POST", f"{path}/resolution", words)
    assert (unserved.status_code, unserved.json()["code"]) == (422, "notice-not-served")
    assert "Notice of Client's Right to Fee Arbitration" in unserved.json()["detail"]
    served = {"arbitration_served_on": "2026-03-02"}
    ended = await bills.made(f"{path}/resolution", words | served)
    assert ended["arbitration_until"] == "2026-04-01"  # thirty days from its service
    assert ended["disputed"] == usd("300.00")
    (told,) = await bills.told(BillingConcernResolved)
    assert told.arbitration_form == ended["arbitration_form"]
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert shown["disputed"] == usd("300.00")


async def test_how_a_dispute_was_decided_is_told_once_and_frees_what_was_apart(
    bills: Bills,
) -> None:
    matter, invoice = await invoiced(bills)
    concern = await raised(bills, matter, about(invoice, 1, disputes=True))
    path = f"/v1/billing-concerns/{concern['id']}"
    await bills.made(f"{path}/resolution", {"outcome": "dispute", "text": "We do not agree."})
    decided = {"text": "The arbitrator found half of it too much.",
               "credit": [{"line": 1, "amount": usd("150.00")}]}  # fmt: skip
    answers = await asyncio.gather(
        *(bills.call("POST", f"{path}/settlement", decided) for _ in range(2))
    )
    assert sorted(one.status_code for one in answers) == [201, 409]
    (told,) = await bills.told(BillingDisputeSettled)
    assert await bills.opened(told.text) == decided["text"]
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["disputed"], shown["credited"]) == (usd("0.00"), usd("150.00"))
    assert str(told.credit_note_id) == shown["credit_notes"][0]["id"]


async def test_lines_of_a_paid_invoice_can_be_disputed_again_once_it_ended(bills: Bills) -> None:
    matter, invoice = await invoiced(bills)
    pay = {"invoice_id": invoice["id"], "amount": invoice["total"], "method": "card",
           "received_on": "2026-03-02"}  # fmt: skip
    await bills.made("/v1/payments", pay)
    for _ in range(2):
        concern = await raised(bills, matter, about(invoice, 1, disputes=True))
        assert concern["disputed"] == usd("0.00")
        ended = {"outcome": "explanation", "text": "It took the hour."}
        await bills.made(f"/v1/billing-concerns/{concern['id']}/resolution", ended)


async def test_a_line_is_disputed_in_one_open_concern_at_a_time(bills: Bills) -> None:
    matter, invoice = await invoiced(bills)
    own = {"role": "client", "client_id": str(matter.client_id)}
    body = about(invoice, 1, disputes=True)
    answers = await asyncio.gather(
        *(bills.call("POST", "/v1/billing-concerns", body, **own) for _ in range(3))
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert shown["disputed"] == usd("300.00")
    for wrong in (about(invoice, 9), {"kind": "time", "text": "Which one?"}):
        answer = await bills.call("POST", "/v1/billing-concerns", wrong, **own)
        assert answer.status_code == 422
    stranger = str(await bills.client("Marc"))
    foreign = await bills.call(
        "POST", "/v1/billing-concerns", about(invoice, 2), role="client", client_id=stranger
    )
    assert foreign.status_code == 404
