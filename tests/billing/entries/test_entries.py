"""The gate of P-14: no bill before acceptance, nothing lost, everything a version."""

import asyncio
from base64 import b64encode
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from shared import clock
from shared.contracts.billing import EntryCorrected, ExpenseRecorded, TimeRecorded
from support.bills import NARRATIVE, Bills, usd


async def test_work_under_accepted_terms_is_billable_at_its_rate(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    entry = await bills.time(matter, 61, task_code="L120", activity_code="A103")
    assert (entry["state"], entry["missing"]) == ("billable", [])
    assert (entry["minutes"], entry["billed_minutes"]) == (61, 66)
    assert (entry["rate"], entry["cost"]) == (usd("300.00"), usd("330.00"))
    (told,) = await bills.told(TimeRecorded)
    assert (told.amount, told.rate, told.state) == (33000, 30000, "billable")
    assert await bills.opened(told.narrative) == NARRATIVE
    for (row,) in await bills.rows("SELECT entries::text FROM entries"):
        assert "clause" not in row


async def test_work_before_any_terms_is_kept_as_a_draft_that_says_what_is_missing(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    first = await bills.time(matter)
    assert first["state"] == "draft"
    assert [one["code"] for one in first["missing"]] == ["terms-not-disclosed"]
    assert first["missing"][0]["explanation"].startswith("No fee terms were explained")
    terms = await bills.terms(matter)
    second = await bills.time(matter)
    assert [one["code"] for one in second["missing"]] == ["terms-not-accepted"]
    assert second["cost"] == usd("300.00")  # what it would cost
    await bills.accept(terms)
    entries = (await bills.got(f"/v1/entries?matter_id={matter.id}"))["items"]
    assert [one["missing"][0]["code"] for one in entries] == ["worked-before-acceptance"] * 2
    assert [one["cost"] for one in entries] == [usd("300.00")] * 2


async def test_the_client_accepts_exactly_a_piece_of_earlier_work(bills: Bills) -> None:
    matter = await bills.matter()
    entry = await bills.time(matter)
    await bills.accepted(matter)
    path, client = f"/v1/entries/{entry['id']}", str(matter.client_id)
    seen = await bills.got(path, role="client", client_id=client)
    assert (seen["version"], seen["cost"]) == (3, usd("300.00"))
    for wrong in ({"version": 1, "cost": usd("300.00")}, {"version": 3, "cost": usd("299.00")}):
        answer = await bills.call(
            "POST", f"{path}/acceptance", wrong, role="client", client_id=client
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "changed-meanwhile")
    exact = {"version": 3, "cost": usd("300.00")}
    accepted = await bills.as_client(f"{path}/acceptance", exact, client)
    assert (accepted["state"], accepted["cause"], accepted["version"]) == (
        "billable",
        "acceptance",
        4,
    )
    # A correction is other work than what was accepted: it is a draft again.
    body = {"minutes": 90, "narrative": NARRATIVE, "started_at": entry["started_at"],
            "reason": "It was longer."}  # fmt: skip
    corrected = await bills.call("PUT", path, body)
    assert corrected.json()["state"] == "draft"


async def test_a_partner_excepts_emergency_work_with_a_reason_and_nobody_else_may(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    plain, urgent = await bills.time(matter), await bills.time(matter, emergency=True)
    reason = {"reason": "The injunction was heard within two hours."}
    early = await bills.call("POST", f"/v1/entries/{urgent['id']}/exception", reason)
    assert (early.status_code, early.json()["code"]) == (409, "not-waiting")  # no rate is known
    await bills.terms(matter)  # explained, and not accepted by anybody
    by_ada = await bills.call(
        "POST",
        f"/v1/entries/{urgent['id']}/exception",
        reason,
        role="attorney",
        email=bills.ada.email,
    )
    assert by_ada.status_code == 403
    excepted = await bills.made(f"/v1/entries/{urgent['id']}/exception", reason)
    assert (excepted["state"], excepted["reason"]) == ("billable", reason["reason"])
    told = (await bills.told(EntryCorrected))[-1]
    assert (told.cause, told.state) == ("exception", "billable")
    assert told.reason is not None
    assert await bills.opened(told.reason) == reason["reason"]
    refused = await bills.call("POST", f"/v1/entries/{plain['id']}/exception", reason)
    assert refused.status_code == 409


async def test_acceptance_and_work_lead_to_one_state_in_either_order(bills: Bills) -> None:
    states = []
    for work_first in (True, False):
        matter = await bills.matter()
        terms = await bills.terms(matter)
        signed_at = clock.now()
        signed = {
            "version": 1,
            "commitment": terms["commitment"],
            "signed_at": signed_at.isoformat(),
            "evidence": "Signed on paper, in the file.",
        }
        began = {"started_at": (signed_at + timedelta(milliseconds=1)).isoformat()}
        if work_first:
            entry = await bills.time(matter, **began)
            assert entry["state"] == "draft"
        await bills.made(f"/v1/fee-terms/{terms['id']}/acceptance", signed)
        if not work_first:
            entry = await bills.time(matter, **began)
        found = await bills.got(f"/v1/entries/{entry['id']}")
        states.append((found["state"], found["missing"], found["cost"], found["rate"]))
    assert states[0] == states[1] == ("billable", [], usd("300.00"), usd("300.00"))


async def test_on_the_day_of_acceptance_a_draft_asks_when_the_work_began(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    ((zone,),) = await bills.rows("SELECT (now() AT TIME ZONE 'America/New_York')::date::text")
    entry = await bills.time(matter, worked_on=zone)
    assert [one["code"] for one in entry["missing"]] == ["start-time-needed"]


async def test_rates_change_at_the_firms_midnight_and_not_at_that_of_utc(bills: Bills) -> None:
    matter = await bills.matter()
    rates = [{"per_hour": "300.00"}, {"per_hour": "350.00", "from_day": "2026-07-01"}]
    await bills.accepted_long_ago(matter, arrangements=[{"kind": "hourly", "rates": rates}])
    last = await bills.time(matter, started_at="2026-07-01T03:59:59Z")
    first = await bills.time(matter, started_at="2026-07-01T04:00:00Z")
    assert (last["worked_on"], last["rate"]) == ("2026-06-30", usd("300.00"))
    assert (first["worked_on"], first["rate"]) == ("2026-07-01", usd("350.00"))


async def test_a_correction_is_a_version_and_both_stay(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    entry = await bills.time(matter)
    path = f"/v1/entries/{entry['id']}"
    body = {"minutes": 30, "narrative": "Drafted half of it before noon",
            "started_at": entry["started_at"], "reason": "Typed the wrong time."}  # fmt: skip
    match = {"If-Match": '"1"'}
    answers = await asyncio.gather(
        *(bills.call("PUT", path, body, headers=match) for _ in range(2))
    )
    assert sorted(one.status_code for one in answers) == [200, 412]
    versions = await bills.got(f"{path}/versions")
    assert [(one["version"], one["cost"]) for one in versions] == [
        (1, usd("300.00")),
        (2, usd("150.00")),
    ]
    assert versions[1]["reason"] == "Typed the wrong time."
    with pytest.raises(DBAPIError, match="without a version"):
        await bills.rows("UPDATE entries SET amount = 1 RETURNING entry_id")
    with pytest.raises(DBAPIError, match="written once"):
        await bills.rows("DELETE FROM entry_versions RETURNING entry_id")


async def test_a_receipt_is_kept_sealed_and_given_back_as_it_was(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted_long_ago(matter)
    picture = b"\x89PNG of a receipt from the registry"
    receipt = {"media_type": "image/png", "content": b64encode(picture).decode()}
    entry = await bills.expense(matter, expense_code="E112", receipt=receipt)
    assert (entry["state"], entry["has_receipt"]) == ("billable", True)
    found = await bills.call("GET", f"/v1/entries/{entry['id']}/receipt")
    assert (found.content, found.headers["content-type"]) == (picture, "image/png")
    for (boxes,) in await bills.rows("SELECT boxes FROM documents WHERE kind = 'receipt'"):
        assert not any(b"registry" in box for box in boxes)
    (told,) = await bills.told(ExpenseRecorded)
    assert told.receipt is not None
    assert told.receipt.size == len(picture)


async def test_expenses_that_are_the_firms_are_never_billable(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted_long_ago(matter, expenses_paid_by="firm")
    entry = await bills.expense(matter)
    assert [one["code"] for one in entry["missing"]] == ["expenses-are-the-firms"]
    other = {"cost": {"amount": "40.00", "currency": "EUR"}}
    body = {"matter_id": str(matter.id), "incurred_on": "2026-03-02", "narrative": "Ferry ticket"}
    refused = await bills.call(
        "POST", "/v1/expenses", body | other, role="attorney", email=bills.ada.email
    )
    assert refused.status_code == 422
    assert "USD" in refused.json()["detail"]


async def test_one_timer_runs_at_a_time_however_often_it_is_started(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    own = {"role": "attorney", "email": bills.ada.email}
    answers = await asyncio.gather(
        *(bills.call("POST", "/v1/timers", {"matter_id": str(matter.id)}, **own) for _ in range(4))
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    (timer,) = [one.json() for one in answers if one.status_code == 201]
    path, said = f"/v1/timers/{timer['id']}/stop", {"narrative": NARRATIVE}
    foreign = await bills.call("POST", path, said, role="partner")
    assert foreign.status_code == 404
    stopped = await bills.call("POST", path, said, **own)
    (entry,) = stopped.json()
    assert (entry["minutes"], entry["billed_minutes"], entry["state"]) == (1, 6, "billable")
    assert (await bills.call("POST", path, said, **own)).status_code == 409


async def test_narratives_in_the_same_words_are_flagged_and_not_refused(bills: Bills) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    first, second = await bills.time(matter), await bills.time(matter)
    assert (first["flags"], second["flags"]) == ([], ["duplicate"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"minutes": 0}, {"minutes": 1441}, {"minutes": 1.5}, {"task_code": "L999"},
        {"activity_code": "A106x"}, {"narrative": ""}, {"narrative": "\x00"}, {"surprise": 1},
        {"worked_on": "2026-03-01"}, {"started_at": "2999-01-01T00:00:00Z"},
    ],
)  # fmt: skip
async def test_bad_input_is_refused_and_nothing_is_kept(bills: Bills, wrong: object) -> None:
    matter = await bills.matter()
    body = {"matter_id": str(matter.id), "minutes": 6, "narrative": NARRATIVE,
            "started_at": "2026-03-01T12:00:00Z"}  # fmt: skip
    assert isinstance(wrong, dict)
    answer = await bills.call(
        "POST", "/v1/time-entries", body | wrong, role="attorney", email=bills.ada.email
    )
    assert answer.status_code == 422
    assert await bills.rows("SELECT * FROM entries") == []


async def test_only_who_bills_records_for_others_and_strangers_see_no_matter(bills: Bills) -> None:
    matter = await bills.matter()
    body = {"matter_id": str(matter.id), "minutes": 6, "narrative": NARRATIVE,
            "worked_on": "2026-03-01"}  # fmt: skip
    other = body | {"staff_id": str(bills.partner.id)}
    ada = {"role": "attorney", "email": bills.ada.email}
    assert (await bills.call("POST", "/v1/time-entries", other, **ada)).status_code == 403
    assert (await bills.call("POST", "/v1/time-entries", other, role="billing")).status_code == 201
    noor = await bills.person("Noor")
    away = await bills.call("POST", "/v1/time-entries", body, role="attorney", email=noor.email)
    assert away.status_code == 404
