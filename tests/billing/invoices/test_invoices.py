"""Invoices: one entry on one invoice, approved by name, numbered without gaps, never edited."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from billing.invoices import actions
from billing.invoices import queries as invoices
from shared.contracts.billing import CreditNoteIssued, InvoiceIssued, LedgerPosted
from support.bills import HOURLY, Bills, Matter, usd

CODES = {"task_code": "L120", "activity_code": "A103"}


async def working(bills: Bills, **terms: Any) -> Matter:
    """A matter with an hour and a half of Ada's and a filing fee, under accepted terms."""
    matter = await bills.matter()
    await bills.accepted_long_ago(matter, **terms)
    await bills.time(matter, 60, **CODES)
    await bills.time(matter, 30, narrative="Called the landlord's agent about keys", **CODES)
    await bills.expense(matter, expense_code="E112")
    return matter


async def test_an_invoice_goes_from_draft_over_its_named_approver_to_a_number(
    bills: Bills,
) -> None:
    matter = await working(bills, tax_percent="10")
    drafted = await bills.draft(matter)
    assert (drafted["state"], drafted["number"], len(drafted["lines"])) == ("draft", None, 3)
    sums = {name: drafted[name]["amount"] for name in ("fees", "expenses", "tax", "total")}
    assert sums == {"fees": "450.00", "expenses": "40.00", "tax": "49.00", "total": "539.00"}
    path = f"/v1/invoices/{drafted['id']}"
    early = await bills.call("POST", f"{path}/issue")
    assert (early.status_code, early.json()["code"]) == (409, "not-approved")
    other = await bills.call("POST", f"{path}/approval", role="attorney", email=bills.ada.email)
    assert (other.status_code, other.json()["code"]) == (403, "not-the-approver")
    approved = await bills.made(f"{path}/approval", None)
    assert approved["approved_by"] == str(bills.partner.id)
    issued = await bills.made(f"{path}/issue", None)
    assert issued["number"] == f"{issued['issued_at'][:4]}-00001"
    assert issued["open"] == usd("539.00")
    again = await bills.made(f"{path}/issue", None)
    assert again["number"] == issued["number"]
    (told,) = await bills.told(InvoiceIssued)
    assert (told.fees, told.expenses, told.tax, told.total) == (45_000, 4_000, 4_900, 53_900)
    assert told.line_count == 3
    (posted,) = await bills.told(LedgerPosted)
    assert {one.account: one.amount for one in posted.postings} == {
        "receivable": 53_900, "fees": -45_000, "expenses": -4_000, "taxes": -4_900,
    }  # fmt: skip
    entries = (await bills.got(f"/v1/entries?matter_id={matter.id}"))["items"]
    assert {one["state"] for one in entries} == {"invoiced"}


async def test_of_two_who_invoice_the_same_time_one_gets_it(bills: Bills) -> None:
    matter = await working(bills)
    body = {"matter_id": str(matter.id), "approver_id": str(bills.partner.id),
            "period_to": "2099-12-31"}  # fmt: skip
    answers = await asyncio.gather(*(bills.call("POST", "/v1/invoices", body) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    refused = {one.json()["code"] for one in answers if one.status_code == 409}
    assert refused <= {"nothing-to-invoice", "draft-exists"}
    ((lines, entries),) = await bills.rows(
        "SELECT count(*), count(DISTINCT entry_id) FROM invoice_lines"
    )
    assert lines == entries == 3


async def test_numbers_have_no_gap_when_issues_race_and_one_is_rolled_back(bills: Bills) -> None:
    drafted = []
    for _ in range(6):
        matter = await bills.matter()
        await bills.accepted_long_ago(matter)
        await bills.time(matter)
        drafted.append((await bills.draft(matter))["id"])
        await bills.made(f"/v1/invoices/{drafted[-1]}/approval", None)
    with pytest.raises(RuntimeError):
        async with bills.runtime.db.transaction() as session:
            invoice = await invoices.invoice(session, drafted[0], lock=True)
            await actions.issue(session, invoice, bills.partner.id)
            raise RuntimeError("dies after the number was given")
    answers = await asyncio.gather(
        *(bills.call("POST", f"/v1/invoices/{one}/issue") for one in drafted)
    )
    numbers = sorted(one.json()["number"][-5:] for one in answers)
    assert numbers == [f"{number:05d}" for number in range(1, 7)]
    told = [one.number for one in await bills.told(InvoiceIssued)]
    assert len(told) == len(set(told)) == 6


async def test_write_downs_and_discounts_take_an_approval_back_and_say_why(bills: Bills) -> None:
    matter = await working(bills, tax_percent="10")
    drafted = await bills.draft(matter)
    path = f"/v1/invoices/{drafted['id']}"
    await bills.made(f"{path}/approval", None)
    less = {"line": 1, "less": usd("50.00"), "reason": "It took us too long."}
    written = await bills.made(f"{path}/write-downs", less)
    assert (written["state"], written["approved_by"]) == ("draft", None)
    line = written["lines"][0]
    assert (line["adjustment"], line["total"]) == (usd("-50.00"), usd("250.00"))
    assert line["reason"] == "It took us too long."
    more = await bills.call("POST", f"{path}/write-downs", less | {"less": usd("250.01")})
    assert (more.status_code, more.json()["code"]) == (409, "too-much")
    reduced = await bills.made(f"{path}/discounts", {"percent": "10", "reason": "A long client"})
    assert (reduced["adjustments"], reduced["tax"]) == (usd("-44.00"), usd("39.60"))
    assert reduced["total"] == usd("435.60")
    lines_tax = sum(round(float(one["tax"]["amount"]) * 100) for one in reduced["lines"])
    assert lines_tax == 3960
    stale = {"If-Match": f'"{drafted["revision"]}"'}
    late = await bills.call("POST", f"{path}/write-downs", less, headers=stale)
    assert late.status_code == 412


async def test_what_is_taken_off_or_discarded_can_be_invoiced_again(bills: Bills) -> None:
    matter = await working(bills)
    drafted = await bills.draft(matter)
    path = f"/v1/invoices/{drafted['id']}"
    rest = await bills.call("DELETE", f"{path}/lines/2")
    assert [one["number"] for one in rest.json()["lines"]] == [1, 3]
    gone = await bills.made(f"{path}/discard", None)
    assert gone["state"] == "discarded"
    again = await bills.draft(matter)
    assert len(again["lines"]) == 3


async def test_what_was_issued_is_never_changed_not_even_by_hand(bills: Bills) -> None:
    matter = await working(bills)
    invoice = await bills.issued(matter)
    path = f"/v1/invoices/{invoice['id']}"
    less = {"line": 1, "less": usd("1.00"), "reason": "Too late."}
    for call in (("POST", f"{path}/write-downs", less), ("POST", f"{path}/discard", None)):
        assert (await bills.call(*call)).json()["code"] == "wrong-state"
    for statement in (
        "UPDATE invoices SET total = 1, fees = 1, expenses = 0 RETURNING invoice_id",
        "DELETE FROM invoices RETURNING invoice_id",
        "UPDATE invoice_lines SET total = 1 RETURNING number",
        "DELETE FROM invoice_lines RETURNING number",
        "UPDATE entries SET version = version + 1, amount = 1 RETURNING entry_id",
    ):
        with pytest.raises(DBAPIError, match="credited, never changed"):
            await bills.rows(statement)


async def test_credit_notes_are_exact_by_line_and_never_more_than_is_left(bills: Bills) -> None:
    matter = await working(bills, tax_percent="10")
    invoice = await bills.issued(matter)
    path = f"/v1/invoices/{invoice['id']}/credit-notes"
    body = {"lines": [{"line": 1, "amount": usd("200.00")}], "reason": "The agent had the keys."}
    answers = await asyncio.gather(*(bills.call("POST", path, body) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [201, 409]  # a line of 330 with tax
    (note,) = [one.json() for one in answers if one.status_code == 201]
    assert note["number"].startswith("CN-")
    shown = await bills.got(f"/v1/invoices/{invoice['id']}")
    assert (shown["total"], shown["credited"], shown["open"]) == (
        usd("539.00"),
        usd("200.00"),
        usd("339.00"),
    )
    (told,) = await bills.told(CreditNoteIssued)
    assert await bills.opened(told.reason) == "The agent had the keys."
    posted = (await bills.told(LedgerPosted))[-1]
    assert {one.account: one.amount for one in posted.postings} == {
        "receivable": -20_000, "fees": 18_182, "taxes": 1_818,
    }  # fmt: skip


async def test_a_cap_that_was_agreed_is_kept_over_all_invoices(bills: Bills) -> None:
    matter = await bills.matter()
    capped = [HOURLY, {"kind": "capped", "cap": "500.00"}]
    await bills.accepted_long_ago(matter, arrangements=capped)
    await bills.time(matter, 60)
    first = await bills.issued(matter)
    assert (first["total"], first["adjustments"]) == (usd("300.00"), usd("0.00"))
    await bills.time(matter, 120, narrative="Negotiated the rent review clause")
    second = await bills.draft(matter)
    assert (second["fees"], second["adjustments"]) == (usd("600.00"), usd("-400.00"))
    assert "limited to USD 500.00" in second["lines"][-1]["narrative"]
    path = f"/v1/invoices/{second['id']}"
    down = {"line": 1, "less": usd("300.00"), "reason": "It took us too long."}
    written = await bills.made(f"{path}/write-downs", down)
    assert (written["adjustments"], written["total"]) == (usd("-100.00"), usd("200.00"))
    less = {"less": usd("150.00"), "reason": "With our thanks."}
    discounted = await bills.made(f"{path}/discounts", less)
    assert (discounted["adjustments"], discounted["total"]) == (usd("-150.00"), usd("150.00"))


async def test_drafts_and_work_beyond_what_was_agreed_stay_off_invoices(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.time(matter, narrative="Advised before any terms were there")
    await bills.accepted(matter)
    task = {"code": "L120", "name": "The draft",
            "fees": {"low": "0", "likely": "300", "high": "300"}}  # fmt: skip
    estimate = {"currency": "USD", "assumptions": ["None."],
                "phases": [{"code": "L100", "name": "Advice", "tasks": [task]}]}  # fmt: skip
    await bills.made("/v1/estimates", {"matter_id": str(matter.id), "estimate": estimate})
    agreement = f"/v1/matters/{matter.id}/estimate/agreement"
    await bills.as_client(agreement, {"version": 1}, matter.client_id)
    await bills.time(matter, 60, narrative="Drafted what was agreed to")
    await bills.time(matter, 60, narrative="Drafted more than was agreed to")
    drafted = await bills.draft(matter)
    assert [one["narrative"] for one in drafted["lines"]] == ["Drafted what was agreed to"]


async def test_the_pdf_of_what_is_issued_is_the_same_bytes_for_ever(bills: Bills) -> None:
    matter = await working(bills, tax_percent="8.25")
    drafted = await bills.draft(matter)
    path = f"/v1/invoices/{drafted['id']}"
    draft_pdf = await bills.call("GET", f"{path}.pdf")
    assert draft_pdf.content.startswith(b"%PDF-")
    client = {"role": "client", "client_id": str(matter.client_id)}
    assert (await bills.call("GET", f"{path}.pdf", **client)).status_code == 404
    await bills.made(f"{path}/approval", None)
    await bills.made(f"{path}/issue", None)
    first, second = await asyncio.gather(
        bills.call("GET", f"{path}.pdf", **client), bills.call("GET", f"{path}.pdf")
    )
    assert first.content == second.content != draft_pdf.content
    kept = await bills.rows("SELECT count(*) FROM documents WHERE kind = 'invoice'")
    assert kept[0][0] == 1


async def test_ledes_is_given_once_the_receivers_checks_pass_and_issue_waits_for_them(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    await bills.accepted_long_ago(matter, tax_percent="10")
    await bills.time(matter, 60)
    profile = {"client_id": "ACME", "law_firm_id": "98-7654321",
               "client_matter_ids": {str(matter.id): "REAL-7"}}  # fmt: skip
    put = await bills.call("PUT", f"/v1/clients/{matter.client_id}/ledes-profile", profile)
    assert put.status_code == 200
    drafted = await bills.draft(matter)
    path = f"/v1/invoices/{drafted['id']}"
    await bills.made(f"{path}/approval", None)
    refused = await bills.call("POST", f"{path}/issue")
    assert (refused.status_code, refused.json()["code"]) == (409, "ledes-refused")
    assert refused.json()["findings"][0]["code"] == "code-missing"
    findings = await bills.got(f"{path}/preflight")
    assert [one["code"] for one in findings] == ["code-missing"]
    await bills.call("DELETE", f"{path}/lines/1")
    await bills.made(f"{path}/discard", None)
    await bills.time(matter, 60, narrative="Drafted the letter | of intent []", **CODES)
    uncoded = await bills.rows("SELECT entry_id FROM entries WHERE task_code IS NULL")
    off = {"reason": "Nobody chose a code."}
    await bills.made(f"/v1/entries/{uncoded[0][0]}/write-off", off)
    invoice = await bills.issued(matter)
    text = (await bills.call("GET", f"/v1/invoices/{invoice['id']}.ledes")).text
    assert text.startswith("LEDES1998B[]\r\nINVOICE_DATE|")
    fee, tax = text.split("\r\n")[2:4]
    assert "Drafted the letter / of intent ()" in fee
    assert fee.endswith("|REAL-7[]")
    assert "|IE||30.00|30.00|" in tax


async def test_an_invoice_cannot_be_seen_by_others_nor_made_by_attorneys(bills: Bills) -> None:
    matter = await working(bills)
    body = {"matter_id": str(matter.id), "approver_id": str(bills.partner.id),
            "period_to": "2099-12-31"}  # fmt: skip
    ada = {"role": "attorney", "email": bills.ada.email}
    assert (await bills.call("POST", "/v1/invoices", body, **ada)).status_code == 403
    invoice = await bills.issued(matter)
    stranger = str(await bills.client("Marc"))
    foreign = await bills.call(
        "GET", f"/v1/invoices/{invoice['id']}", role="client", client_id=stranger
    )
    assert foreign.status_code == 404
    own = {"role": "client", "client_id": str(matter.client_id)}
    listed = await bills.got(f"/v1/invoices?client_id={matter.client_id}", **own)
    assert [one["number"] for one in listed["items"]] == [invoice["number"]]
