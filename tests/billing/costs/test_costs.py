"""What will this cost, what has it cost so far, and why: a client can say it from one call."""

import html
import re
from typing import Any

from shared import clock
from shared.contracts.matters import MatterClosed
from support.bills import TERMS, Bills, usd


def estimate(high: str) -> dict[str, Any]:
    fees = {"low": "100.00", "likely": "600.00", "high": high}
    task = {"code": "L120", "name": "The lease", "fees": fees}
    return {"currency": "USD", "assumptions": ["One round of talks."],
            "phases": [{"code": "L100", "name": "Advice", "tasks": [task]}]}  # fmt: skip


async def test_a_client_can_say_what_was_agreed_what_changed_and_why_and_what_is_owed(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    own = {"role": "client", "client_id": str(matter.client_id)}
    path = f"/v1/matters/{matter.id}/costs"
    before = await bills.got(path, **own)
    assert before["terms"] is None
    assert before["summary"][0].startswith("You have not accepted any fee terms")
    early = await bills.time(matter, narrative="Read the lease before terms were there")
    terms = await bills.accepted(matter)
    await bills.made("/v1/estimates", {"matter_id": str(matter.id), "estimate": estimate("900.00")})
    agreement = f"/v1/matters/{matter.id}/estimate/agreement"
    await bills.as_client(agreement, {"version": 1}, matter.client_id)
    await bills.time(matter, 120, narrative="Drafted the assignment clause")
    await bills.issued(matter)
    revision = {"estimate": estimate("1500.00"), "reason": "The landlord wants a guarantee."}
    await bills.made(f"/v1/matters/{matter.id}/estimate/versions", revision)
    await bills.time(matter, 60, narrative="Advised on the guarantee")
    body = {"matter_id": str(matter.id), "amount": usd("250.00"), "received_on": "2026-03-02"}
    await bills.made("/v1/trust-deposits", body)
    costs = await bills.got(path, **own)
    assert costs["terms"]["text"] == terms["text"]
    assert (costs["fees"], costs["unbilled"], costs["forecast"]) == (
        usd("900.00"),
        usd("300.00"),
        usd("900.00"),
    )
    assert (costs["open"], costs["in_trust"], costs["not_billable"]) == (
        usd("600.00"),
        usd("250.00"),
        1,
    )
    assert [(one["high"], one["agreed_at"] is not None) for one in costs["estimates"]] == [
        (usd("900.00"), True),
        (usd("1500.00"), False),
    ]
    said = " ".join(costs["summary"])
    for words in (
        "You agreed to fees by the hour (version 1 of our fee terms).",
        "1 piece of work cannot be billed as things are",
        "So far it has cost USD 900.00",
        "of which USD 300.00 is not billed yet",
        "In all we now expect USD 900.00; you agreed to up to USD 900.00.",
        "Version 2 of the estimate waits for your decision.",
        "the estimate changed: The landlord wants a guarantee.",
        "You owe USD 600.00 on 1 invoice in all.",
        "USD 250.00 of your money is in trust for this matter.",
    ):
        assert words in said
    page = await bills.call("GET", f"{path}.pdf", **own)
    assert page.content.startswith(b"%PDF-")
    assert early["state"] == "draft"


async def test_others_see_nothing_of_what_a_matter_costs(bills: Bills) -> None:
    matter, stranger = await bills.matter(), await bills.client("Marc")
    for kind in ("costs", "costs.pdf", "costs.html"):
        answer = await bills.call(
            "GET", f"/v1/matters/{matter.id}/{kind}", role="client", client_id=str(stranger)
        )
        assert answer.status_code == 404


async def test_newer_terms_that_wait_are_named(bills: Bills) -> None:
    matter = await bills.matter()
    terms = await bills.accepted(matter)
    body = {"terms": TERMS | {"payment_days": 14}, "changes": "Bills are due sooner."}
    await bills.made(f"/v1/fee-terms/{terms['id']}/versions", body)
    costs = await bills.got(f"/v1/matters/{matter.id}/costs")
    assert (costs["terms"]["version"], costs["terms_waiting"]) == (1, 2)
    said = " ".join(costs["summary"])
    assert "Version 2 of our fee terms waits for your decision." in said
    assert "we proposed new fee terms: Bills are due sooner." in said


async def test_the_page_says_the_same_fits_any_screen_and_lets_no_word_be_markup(
    bills: Bills,
) -> None:
    matter = await bills.matter(await bills.client("<b>Cleo</b>"))
    await bills.accepted(matter)
    await bills.made("/v1/estimates", {"matter_id": str(matter.id), "estimate": estimate("900.00")})
    await bills.time(matter, 120)
    invoice = await bills.issued(matter)
    credit = {"lines": [{"line": 1, "amount": usd("50.00")}], "reason": "The agent had the keys."}
    await bills.made(f"/v1/invoices/{invoice['id']}/credit-notes", credit)
    own = {"role": "client", "client_id": str(matter.client_id)}
    path = f"/v1/matters/{matter.id}/costs"
    page = await bills.call("GET", f"{path}.html", **own)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    text = " ".join(html.unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", page.text)).split())
    assert "width=device-width" in page.text
    assert "&lt;b&gt;Cleo&lt;/b&gt;" in page.text
    assert "You owe now USD 550.00" in text
    assert f"we credited USD 50.00 on invoice {invoice['number']}: The agent had the keys." in text
    for sentence in (await bills.got(path, **own))["summary"]:
        assert sentence in text


async def test_where_the_law_asks_for_an_estimate_its_absence_is_said(bills: Bills) -> None:
    matter = await bills.matter()
    terms = await bills.accepted(matter, profiles=["au-uniform-law"])
    assert "estimate of the total legal costs" in terms["text"]
    costs = await bills.got(f"/v1/matters/{matter.id}/costs")
    assert "We owe you an estimate of the whole in writing" in " ".join(costs["summary"])


async def test_estimates_are_measured_by_practice_area_against_what_was_first_likely(
    bills: Bills,
) -> None:
    for area, minutes in (("real-estate", 120), ("real-estate", 180), ("tax", 60)):
        matter = await bills.matter(area=area)
        await bills.accepted(matter)
        body = {"matter_id": str(matter.id), "estimate": estimate("900.00")}
        await bills.made("/v1/estimates", body)
        await bills.time(matter, minutes)
        await bills.issued(matter)
    unfinished = await bills.matter(area="tax")
    await bills.accepted(unfinished)
    await bills.made(
        "/v1/estimates", {"matter_id": str(unfinished.id), "estimate": estimate("900.00")}
    )
    await bills.time(unfinished)
    measured = await bills.got("/v1/estimates/accuracy")
    assert measured == [
        {"practice_area": "real-estate", "matters": 2, "median": 1.25, "worst": 1.5},
        {"practice_area": "tax", "matters": 1, "median": 0.5, "worst": 0.5},
    ]
    refused = await bills.call("GET", "/v1/estimates/accuracy", role="attorney")
    assert refused.status_code == 403


async def test_nothing_unbilled_of_a_closed_matter_is_forgotten_and_its_estimate_is_measured(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    await bills.made("/v1/estimates", {"matter_id": str(matter.id), "estimate": estimate("900.00")})
    await bills.time(matter, 120)
    await bills.issued(matter)
    await bills.time(matter, 60, narrative="Advised on the guarantee")
    assert (await bills.got("/v1/closed-matters/unbilled"))["items"] == []
    assert await bills.got("/v1/estimates/accuracy") == []
    reason = await bills.sealed(matter.client_id, "matter", "reason", "The lease is signed.")
    event = MatterClosed(
        matter_id=matter.id, client_id=matter.client_id, closed_at=clock.now(),
        closed_by=bills.partner.id, reason=reason,
    )  # fmt: skip
    for _ in range(2):
        await bills.hear(event)
    (left,) = (await bills.got("/v1/closed-matters/unbilled"))["items"]
    assert (left["matter_id"], left["entries"], left["amount"]) == (
        str(matter.id), 1, usd("300.00"),
    )  # fmt: skip
    (measured,) = await bills.got("/v1/estimates/accuracy")
    assert (measured["practice_area"], measured["median"]) == ("real-estate", 1.0)
    await bills.issued(matter)
    assert (await bills.got("/v1/closed-matters/unbilled"))["items"] == []
