"""Fees without surprises, from outside: from portal calls and mail alone a client can say what was
agreed, what changed and why, and what is owed; and her concern is answered in time."""

import html
from datetime import UTC, datetime
from typing import Any

from support.bills import TERMS
from support.office import Client, Office, until


def estimate(high: str = "700.00") -> dict[str, Any]:
    fees = {"low": "100.00", "likely": "400.00", "high": high}
    task = {"code": "L120", "name": "The lease", "fees": fees}
    return {"currency": "USD", "assumptions": ["One round of talks."],
            "phases": [{"code": "L100", "name": "Advice", "tasks": [task]}]}  # fmt: skip


def test_a_client_knows_it_all_from_mail_and_portal_and_an_answer_meets_the_clock(
    office: Office, client: Client
) -> None:
    def mail(word: str) -> str:
        found = until(lambda: [one for one in office.inbox(client.email) if word in one.subject])
        return str(found[0].text).replace("\n", " ")

    def as_client(path: str, body: dict[str, Any]) -> Any:
        return office.post(path, body, "client", client_id=client.id)

    matter = {"client_id": client.id, "matter_id": client.matter_id}

    def disclosed() -> Any:
        """Billing hears of a new matter a moment later than matters says it."""
        with office.http("partner") as http:
            answer = http.post("/v1/fee-terms", json=matter | {"terms": TERMS})
            return answer.json() if answer.status_code == 201 else None

    terms = until(disclosed)
    assert "Nothing can be billed to you before you have accepted it" in mail("Our fees")
    accepted = {"version": 1, "commitment": terms["commitment"]}
    as_client(f"/v1/fee-terms/{terms['id']}/acceptance", accepted)
    office.post("/v1/estimates", {"matter_id": client.matter_id, "estimate": estimate()})
    as_client(f"/v1/matters/{client.matter_id}/estimate/agreement", {"version": 1})

    work = {"matter_id": client.matter_id, "minutes": 80, "staff_id": client.contact_id,
            "narrative": "Drafted the assignment clause",
            "started_at": datetime.now(UTC).isoformat()}  # fmt: skip
    entry = office.post("/v1/time-entries", work)
    assert (entry["state"], entry["cost"]["amount"]) == ("billable", "420.00")
    assert "Our fees have passed 50 % of the USD 700.00 that you agreed to" in mail("passed 50 %")

    draft = {"matter_id": client.matter_id, "approver_id": client.contact_id,
             "period_to": "2199-12-31"}  # fmt: skip
    invoice = office.post("/v1/invoices", draft)
    path = f"/v1/invoices/{invoice['id']}"
    office.post(f"{path}/approval", {}, "attorney", email="attorney@firm.test")
    invoice = office.post(f"{path}/issue", {})
    assert "USD 420.00" in mail(f"Invoice {invoice['number']}")

    concern = as_client(
        "/v1/billing-concerns",
        {"invoice_id": invoice["id"], "lines": [1], "kind": "time", "disputes": True,
         "text": "That was an hour, not more."},
    )  # fmt: skip
    assert "Your answer comes from" in mail("We have your question about a bill")

    def clock(state: str) -> Any:
        items = office.get("/v1/clocks", matter_id=client.matter_id)["items"]
        return [one for one in items if one["kind"] == "concern" and one["state"] == state]

    until(lambda: clock("running"))
    answer = {"text": "You are right: it was an hour."}
    office.post(f"/v1/billing-concerns/{concern['id']}/answers", answer)
    until(lambda: clock("met"))
    assert "You are right: it was an hour." in mail("Your question about a bill")

    # A guarantee is wanted: the estimate changes, and she hears why before it costs anything.
    revision = {"estimate": estimate("1200.00"), "reason": "The landlord wants a guarantee."}
    office.post(f"/v1/matters/{client.matter_id}/estimate/versions", revision)
    assert "The landlord wants a guarantee." in mail("has changed")
    line = {"line": 1, "amount": {"amount": "120.00", "currency": "USD"}}
    credit = {"outcome": "credit", "text": "Credited to an hour.", "credit": [line]}
    office.post(f"/v1/billing-concerns/{concern['id']}/resolution", credit)
    assert "We have credited USD 120.00" in mail("Credit note")
    paid = {"invoice_id": invoice["id"], "amount": {"amount": "100.00", "currency": "USD"},
            "method": "bank_transfer", "received_on": "2026-03-02"}  # fmt: skip
    office.post("/v1/payments", paid)
    assert "USD 200.00" in mail("We have received your payment")

    with office.http("client", client_id=client.id) as http:
        costs = http.get(f"/v1/matters/{client.matter_id}/costs").json()
        page = http.get(f"/v1/matters/{client.matter_id}/costs.html").text
    said = " ".join(costs["summary"])
    for sentence in costs["summary"]:
        assert sentence in html.unescape(page)
    assert "You agreed to fees by the hour (version 1 of our fee terms)." in said
    assert "In all we now expect USD 400.00; you agreed to up to USD 700.00." in said
    assert "Version 2 of the estimate waits for your decision." in said
    assert "the estimate changed: The landlord wants a guarantee." in said
    assert f"we credited USD 120.00 on invoice {invoice['number']}: Credited to an hour." in said
    assert "You owe USD 200.00 on 1 invoice in all." in said

    def kinds() -> list[str]:
        items = office.get(f"/v1/matters/{client.matter_id}/timeline", limit=100)["items"]
        return [one["kind"] for one in items]

    until(lambda: {"FeesDisclosed", "InvoiceIssued", "ConcernDue", "ClockMet"} <= set(kinds()))
