"""Fee terms: explained in writing, accepted exactly as explained, by whom and when."""

import asyncio
import html
from typing import Any

import pytest

from shared.contracts import FIRM_ID
from shared.contracts.billing import FeesAccepted, FeesDisclosed
from support.bills import HOURLY, TERMS, Bills

FLAT = {"kind": "flat", "phases": [{"code": "draft", "name": "The draft", "amount": "900.00"}]}
CONTINGENT = {
    "kind": "contingent",
    "stages": [{"code": "settled", "name": "Before a claim is filed", "percent": "25"}],
    "expenses_deducted": "before",
    "expenses_if_lost": "firm",
}


async def test_terms_are_explained_as_page_and_pdf_and_told_without_a_word_in_the_clear(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    terms = await bills.terms(matter)
    assert (terms["version"], terms["acceptance"]) == (1, None)
    assert "USD 450.00" in terms["text"]
    assert "8 % a year" in terms["text"]
    assert "Nothing that we do before you accept these terms can be billed" in terms["text"]
    pdf = await bills.call("GET", f"/v1/fee-terms/{terms['id']}.pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    page = await bills.call("GET", f"/v1/fee-terms/{terms['id']}.html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    shown = html.unescape(page.text)
    assert all(line in shown for line in terms["text"].splitlines())
    missing = await bills.call("GET", f"/v1/fee-terms/{terms['id']}.html?version=2")
    assert missing.status_code == 404
    (told,) = await bills.told(FeesDisclosed)
    assert (told.document.commitment, told.document.size) == (
        terms["commitment"],
        len(pdf.content),
    )
    assert await bills.opened(told.text) == terms["text"]
    for (value,) in await bills.rows("SELECT encode(value, 'escape') FROM outbox"):
        assert "quay street" not in value.lower()
    for (row,) in await bills.rows("SELECT fee_terms::text FROM fee_terms"):
        assert "quay street" not in row.lower()


async def test_the_client_accepts_exactly_what_was_disclosed_once(bills: Bills) -> None:
    matter = await bills.matter()
    terms = await bills.terms(matter)
    path, client = f"/v1/fee-terms/{terms['id']}/acceptance", str(matter.client_id)
    wrong = {"version": 1, "commitment": "of another document"}
    refused = await bills.call("POST", path, wrong, role="client", client_id=client)
    assert refused.status_code == 422
    body = {"version": 1, "commitment": terms["commitment"]}
    answers = await asyncio.gather(
        *(bills.call("POST", path, body, role="client", client_id=client) for _ in range(4))
    )
    assert {one.status_code for one in answers} == {201}
    (told,) = await bills.told(FeesAccepted)
    assert (told.method, told.commitment, told.accepted_by) == (
        "portal",
        terms["commitment"],
        matter.client_id,
    )
    assert len({one.text for one in answers}) == 1


async def test_a_change_is_a_new_version_and_the_old_one_binds_until_it_is_accepted(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    terms = await bills.accepted(matter)
    dearer = TERMS | {"arrangements": [HOURLY | {"rates": [{"per_hour": "350.00"}]}]}
    body = {"terms": dearer, "changes": "From now on each of us costs USD 350 an hour."}
    path = f"/v1/fee-terms/{terms['id']}/versions"
    second = await bills.made(path, body)
    assert second["version"] == 2
    assert "From now on" in second["text"]
    assert (await bills.time(matter))["rate"]["amount"] == "300.00"
    await bills.accept(second)
    assert (await bills.time(matter))["rate"]["amount"] == "350.00"
    stale = {"version": 1, "commitment": terms["commitment"]}
    again = await bills.as_client(
        f"/v1/fee-terms/{terms['id']}/acceptance", stale, matter.client_id
    )
    assert again["method"] == "portal"  # it was accepted, and stays so
    old = await bills.got(f"/v1/fee-terms/{terms['id']}?version=1")
    assert old["commitment"] == terms["commitment"]


async def test_of_two_who_amend_at_once_one_wins_and_the_other_hears_it(bills: Bills) -> None:
    matter = await bills.matter()
    terms = await bills.terms(matter)
    body = {"terms": TERMS, "changes": "A second thought."}
    path = f"/v1/fee-terms/{terms['id']}/versions"
    match = {"If-Match": '"1"'}
    answers = await asyncio.gather(
        *(bills.call("POST", path, body, headers=match) for _ in range(2))
    )
    assert sorted(one.status_code for one in answers) == [201, 412]


async def test_what_was_superseded_before_it_was_accepted_is_refused(bills: Bills) -> None:
    matter = await bills.matter()
    terms = await bills.terms(matter)
    body = {"terms": TERMS, "changes": "A second thought."}
    await bills.made(f"/v1/fee-terms/{terms['id']}/versions", body)
    answer = await bills.call(
        "POST",
        f"/v1/fee-terms/{terms['id']}/acceptance",
        {"version": 1, "commitment": terms["commitment"]},
        role="client",
        client_id=str(matter.client_id),
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "terms-changed-meanwhile")


async def test_standing_terms_cover_later_matters_of_their_practice_areas(bills: Bills) -> None:
    client = await bills.client()
    body = {"client_id": str(client), "practice_areas": ["real-estate"], "terms": TERMS}
    await bills.accept(await bills.made("/v1/fee-terms", body))
    covered = await bills.matter(client)
    other = await bills.matter(client, area="tax")
    assert (await bills.time(covered))["state"] == "billable"
    assert (await bills.time(other))["missing"][0]["code"] == "terms-not-disclosed"
    own = await bills.accepted(covered, arrangements=[FLAT])
    entry = await bills.time(covered)
    assert (entry["cost"]["amount"], entry["rate"]) == ("0.00", None)
    assert own["matter_id"] == str(covered.id)


@pytest.mark.parametrize(
    ("area", "nature"),
    [("criminal-defence", "other"), ("family-law", "other"), ("real-estate", "criminal_defence")],
)
async def test_contingent_fees_are_refused_where_the_rules_forbid_them(
    bills: Bills, area: str, nature: str
) -> None:
    matter = await bills.matter(area=area)
    terms = TERMS | {"arrangements": [CONTINGENT], "nature": nature}
    body = {"client_id": str(matter.client_id), "matter_id": str(matter.id), "terms": terms}
    answer = await bills.call("POST", "/v1/fee-terms", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "contingent-fee-forbidden")
    standing = {"client_id": str(matter.client_id), "terms": terms | {"nature": "other"}}
    assert (await bills.call("POST", "/v1/fee-terms", standing)).status_code == 422
    assert await bills.told(FeesDisclosed) == []


async def test_a_contingent_fee_needs_a_signed_writing(bills: Bills) -> None:
    matter = await bills.matter(area="personal-injury")
    terms = await bills.terms(matter, arrangements=[CONTINGENT])
    path = f"/v1/fee-terms/{terms['id']}/acceptance"
    body = {"version": 1, "commitment": terms["commitment"]}
    portal = await bills.call("POST", path, body, role="client", client_id=str(matter.client_id))
    assert (portal.status_code, portal.json()["code"]) == (422, "signature-needed")
    signed = body | {"signed_at": terms["disclosed_at"], "evidence": "Signed before me, file 12."}
    accepted = await bills.made(path, signed)
    assert accepted["method"] == "signature"


async def test_a_california_contract_above_a_thousand_dollars_is_signed(bills: Bills) -> None:
    for expected, code in (("1000.00", 201), ("1000.01", 422), (None, 422)):
        matter = await bills.matter()
        terms = await bills.terms(matter, profiles=["us-california"], expected_cost=expected)
        assert "arbitration" in terms["text"]
        answer = await bills.call(
            "POST",
            f"/v1/fee-terms/{terms['id']}/acceptance",
            {"version": 1, "commitment": terms["commitment"]},
            role="client",
            client_id=str(matter.client_id),
        )
        assert answer.status_code == code


@pytest.mark.parametrize(
    "wrong",
    [
        {"arrangements": []},
        {"arrangements": [HOURLY, HOURLY]},
        {"arrangements": [{"kind": "capped", "cap": "100"}]},
        {"arrangements": [{"kind": "retainer", "amount": "100"}]},
        {"arrangements": [HOURLY, {"kind": "none", "reason": "pro bono"}]},
        {"arrangements": [{"kind": "hourly", "rates": [{"per_hour": "300.001"}]}]},
        {"arrangements": [{"kind": "hourly", "rates": [{"per_hour": "-1"}]}]},
        {"arrangements": [HOURLY | {"increment_minutes": 7}]},
        {"arrangements": [HOURLY | {"rates": [{"per_hour": "1"}, {"per_hour": "2"}]}]},
        {"currency": "XXX"},
        {"late_penalty": {"annual_percent": "0"}},
        {"late_penalty": {"annual_percent": "NaN"}},
        {"payment_days": -1},
        {"surprise": "fee"},
    ],
)
async def test_terms_that_could_not_be_billed_are_refused(
    bills: Bills, wrong: dict[str, Any]
) -> None:
    matter = await bills.matter()
    body = {"client_id": str(matter.client_id), "matter_id": str(matter.id)}
    answer = await bills.call("POST", "/v1/fee-terms", body | {"terms": TERMS | wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


async def test_foreign_and_missing_terms_are_one_answer_and_reads_are_counted(bills: Bills) -> None:
    matter, stranger = await bills.matter(), await bills.client("Marc")
    terms = await bills.terms(matter)
    paths = (f"/v1/fee-terms/{terms['id']}", f"/v1/fee-terms/{FIRM_ID}")
    answers = [
        await bills.call("GET", path, role="client", client_id=str(stranger)) for path in paths
    ]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    noor = await bills.person("Noor")
    away = await bills.call("GET", paths[0], role="attorney", email=noor.email)
    near = await bills.call("GET", paths[0], role="attorney", email=bills.ada.email)
    assert (away.status_code, near.status_code) == (404, 200)
    await bills.got(paths[0], role="client", client_id=str(matter.client_id))
    counted = await bills.rows("SELECT role, purpose, count FROM accesses ORDER BY role")
    assert [tuple(row) for row in counted] == [("attorney", "client", 1), ("client", "client", 1)]
    denied = await bills.call("POST", "/v1/fee-terms", {}, role="operations")
    assert denied.status_code == 422
    body = {"client_id": str(matter.client_id), "terms": TERMS}
    denied = await bills.call("POST", "/v1/fee-terms", body, role="operations")
    assert (denied.status_code, denied.json()["code"]) == (403, "forbidden")
