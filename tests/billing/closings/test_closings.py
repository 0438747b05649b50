"""The closing statement: outcome, remittance and how it was determined, as data, paper and fact."""

import asyncio
from typing import Any

from shared.contracts.billing import ClosingStatementIssued
from support.bills import Bills, Matter, usd

STAGES = [
    {"code": "settled", "name": "Before a claim is filed", "percent": "25"},
    {"code": "trial", "name": "After trial began", "percent": "33.3333"},
]
OUTCOME = "The other side's insurer settled after the first exchange of letters."


def contingent(**changes: str) -> dict[str, Any]:
    how = {"expenses_deducted": "before", "expenses_if_lost": "firm"} | changes
    return {"kind": "contingent", "stages": STAGES} | how


async def injured(bills: Bills, **changes: str) -> Matter:
    """A matter whose contingent terms were signed on paper, and 440.00 laid out for it."""
    matter = await bills.matter(area="personal-injury")
    terms = await bills.terms(matter, arrangements=[contingent(**changes)])
    signed = {"version": 1, "commitment": terms["commitment"], "signed_at": terms["disclosed_at"],
              "evidence": "Signed before me."}  # fmt: skip
    await bills.made(f"/v1/fee-terms/{terms['id']}/acceptance", signed)
    await bills.as_owner(
        "ALTER TABLE fee_acceptances DISABLE TRIGGER written_once",
        "UPDATE fee_acceptances SET accepted_at = '2026-01-02'",
        "ALTER TABLE fee_acceptances ENABLE TRIGGER written_once",
    )
    await bills.expense(matter, "40.00")
    await bills.expense(matter, "400.00", narrative="Report of the medical expert")
    return matter


def ended(matter: Matter, **changes: Any) -> dict[str, Any]:
    body = {"matter_id": str(matter.id), "recovered": usd("100000.00"), "stage": "settled",
            "outcome": OUTCOME}  # fmt: skip
    return {name: value for name, value in (body | changes).items() if value is not None}


async def test_a_client_reads_the_outcome_what_they_receive_and_how_it_was_counted(
    bills: Bills,
) -> None:
    matter = await injured(bills)
    lien = {"to": "St. Ann's Hospital", "amount": usd("5000.00")}
    made = await bills.made("/v1/closing-statements", ended(matter, others=[lien]))
    assert (made["expenses"], made["base"], made["percent"], made["fee"]) == (
        usd("440.00"), usd("99560.00"), "25", usd("24890.00"),
    )  # fmt: skip
    assert made["to_client"] == usd("69670.00")
    own = {"role": "client", "client_id": str(matter.client_id)}
    path = f"/v1/closing-statements/{made['id']}"
    read = await bills.got(path, **own)
    for words in (
        OUTCOME,
        "our fee is 25 % of what you recover at this stage (Before a claim is filed)",
        "expenses are deducted before it is counted",
        "Our share is of: USD 99,560.00",
        "Report of the medical expert: USD 400.00",
        "St. Ann's Hospital: USD 5,000.00",
        "You receive: USD 69,670.00",
    ):
        assert words in read["text"]
    page = await bills.call("GET", f"{path}.pdf", **own)
    again = await bills.call("GET", f"{path}.pdf", **own)
    assert page.content.startswith(b"%PDF-")
    assert page.content == again.content
    (told,) = await bills.told(ClosingStatementIssued)
    assert (told.fee, told.to_client, told.percent) == (24_890_00, 69_670_00, "25")
    assert await bills.opened(told.outcome) == OUTCOME
    listed = await bills.got(f"/v1/closing-statements?matter_id={matter.id}", **own)
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    stranger = str(await bills.client("Marc"))
    for one in (path, f"{path}.pdf"):
        answer = await bills.call("GET", one, role="client", client_id=stranger)
        assert answer.status_code == 404


async def test_the_share_is_billed_and_paid_from_the_recovery_in_trust(bills: Bills) -> None:
    matter = await injured(bills)
    body = {"matter_id": str(matter.id), "amount": usd("100000.00"), "received_on": "2026-03-02"}
    await bills.made("/v1/trust-deposits", body)
    made = await bills.made("/v1/closing-statements", ended(matter))
    invoice = await bills.issued(matter)
    assert invoice["total"] == usd("25330.00")  # the share and the expenses
    pay = {"invoice_id": invoice["id"], "amount": invoice["total"]}
    left = await bills.made("/v1/trust-applications", pay)
    assert left["in_trust"] == made["to_client"] == usd("74670.00")


async def test_a_matter_that_was_lost_costs_what_the_terms_say_and_no_more(bills: Bills) -> None:
    for whose, owed, unbilled in (("firm", "0.00", "0.00"), ("client", "-440.00", "440.00")):
        matter = await injured(bills, expenses_if_lost=whose)
        lost = ended(matter, recovered=usd("0.00"), stage=None, outcome="The claim was dismissed.")
        made = await bills.made("/v1/closing-statements", lost)
        assert (made["fee"], made["to_client"], made["entry_id"]) == (
            usd("0.00"), usd(owed), None,
        )  # fmt: skip
        assert "Nothing was recovered" in made["text"]
        costs = await bills.got(f"/v1/matters/{matter.id}/costs")
        assert costs["unbilled"] == usd(unbilled)


async def test_a_corrected_statement_is_a_version_with_one_fee_and_both_stay(bills: Bills) -> None:
    matter = await injured(bills, expenses_deducted="after")
    first = await bills.made("/v1/closing-statements", ended(matter))
    stale = await bills.call("POST", "/v1/closing-statements", ended(matter))
    assert (stale.status_code, stale.json()["code"]) == (409, "closed-otherwise")
    right = ended(matter, recovered=usd("120000.00"), replaces=1)
    answers = await asyncio.gather(
        *(bills.call("POST", "/v1/closing-statements", right) for _ in range(3))
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    listed = (await bills.got(f"/v1/closing-statements?matter_id={matter.id}"))["items"]
    assert [(one["version"], one["fee"]["amount"]) for one in listed] == [
        (1, "25000.00"), (2, "30000.00"),
    ]  # fmt: skip
    rows = await bills.rows(
        "SELECT state, amount FROM entries WHERE kind = 'fee' ORDER BY entry_id"
    )
    assert [tuple(one) for one in rows] == [("written_off", 25_000_00), ("billable", 30_000_00)]
    await bills.issued(matter)
    late = await bills.call("POST", "/v1/closing-statements", ended(matter, replaces=2))
    assert (late.status_code, late.json()["code"]) == (409, "entry-on-invoice")
    assert first["version"] == 1


async def test_what_makes_no_statement_is_refused(bills: Bills) -> None:
    matter, hourly = await injured(bills), await bills.matter()
    await bills.accepted(hourly)
    for wrong in (
        ended(hourly),
        ended(matter, stage="appeal"),
        ended(matter, stage=None),
        ended(matter, recovered=usd("0.00")),
        ended(matter, recovered={"amount": "1.00", "currency": "EUR"}),
        ended(matter, recovered=usd("0.00"), stage=None,
              others=[{"to": "A bank", "amount": usd("1.00")}]),
    ):  # fmt: skip
        answer = await bills.call("POST", "/v1/closing-statements", wrong)
        assert answer.status_code == 422, answer.text
    foreign = await bills.call(
        "POST", "/v1/closing-statements", ended(matter), role="client",
        client_id=str(matter.client_id),
    )  # fmt: skip
    assert foreign.status_code == 403
    assert await bills.told(ClosingStatementIssued) == []
