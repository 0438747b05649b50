"""What is asked for is chased until it is there or waived, and arrives only where it belongs."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from intake.information.rules import after_quiet_hours, next_reminder
from intake.pages.api import COOKIE
from shared.contracts.intake import (
    InformationProvided,
    InformationRequested,
    InformationWaived,
    LinkIssued,
)
from support.prospects import Holder, Intake
from support.waiting import eventually

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
CHECKLIST = {
    "checklist": "divorce",
    "practice_area": "family",
    "items": [
        {"kind": "document", "text": "The marriage certificate"},
        {"kind": "fact", "text": "Since when have you lived apart?"},
        {"kind": "proceeding", "text": "Is anything pending at a court?"},
    ],
}


async def asked(intake: Intake, days: float = 7) -> tuple[dict[str, Any], Holder]:
    await intake.done("POST", "/v1/checklists", CHECKLIST)
    consultation_id = await intake.held()
    due_at = datetime.now(UTC) + timedelta(days=days)
    row = await intake.done(
        "POST",
        f"/v1/consultations/{consultation_id}/information-requests",
        {"checklist": "divorce", "due_at": due_at.isoformat()},
    )
    (holder,) = await intake.holders("information")
    return row, await holder.enter()


async def upload(holder: Holder, content: bytes, name: str) -> dict[str, Any]:
    begun = (await holder.call("POST", "/files", {"name": name, "size": len(content)})).json()
    door = f"/v1/links/{holder.token}/files/{begun['id']}"
    answer = await holder.intake.service.http.put(
        f"{door}/parts/0", content=content, headers={"Link-Session": holder.session}
    )
    assert answer.status_code == 204, answer.text
    kept: dict[str, Any] = (await holder.call("POST", f"/files/{begun['id']}/complete")).json()
    return kept


async def test_a_client_sends_documents_and_facts_and_the_rest_is_waived(intake: Intake) -> None:
    row, ann = await asked(intake)
    (told,) = await intake.told(InformationRequested)
    assert (told.checklist_version, len(told.items)) == (1, 3)
    assert "marriage certificate" in await intake.opened(told.asked)
    listed = (await ann.call("GET", "/information")).json()
    document, fact, proceeding = [one["id"] for one in listed["items"]]
    kept = await upload(ann, b"%PDF-1.7 a certificate", "certificate.pdf")
    assert (await ann.call("POST", f"/items/{document}", {"file_id": kept["id"]})).is_success
    assert (await ann.call("POST", f"/items/{fact}", {"text": "Since May."})).is_success
    twice = await ann.call("POST", f"/items/{fact}", {"text": "Since June."})
    assert (twice.status_code, twice.json()["code"]) == (409, "already-settled")
    path = f"/v1/information-requests/{row['id']}/items/{proceeding}/waive"
    shown = await intake.done("POST", path, {"reasons": "She told us on the phone: nothing."})
    assert [one["state"] for one in shown["items"]] == ["provided", "provided", "waived"]
    assert shown["remind_at"] is None
    first, second = await intake.told(InformationProvided)
    assert first.file is not None
    assert first.file.commitment == kept["commitment"]
    assert first.media_type == "application/pdf"
    assert second.text is not None
    assert await intake.opened(second.text) == "Since May."
    (waived,) = await intake.told(InformationWaived)
    assert [first.complete, second.complete, waived.complete] == [False, False, True]
    stored = await intake.rows(
        "SELECT asked::text || coalesce(answer::text, '') FROM information_items"
    )
    assert not any("Since May" in value or "marriage" in value for (value,) in stored)


async def test_of_two_who_settle_the_last_items_at_once_one_completes(intake: Intake) -> None:
    _, ann = await asked(intake)
    listed = (await ann.call("GET", "/information")).json()
    answers = await asyncio.gather(
        *(ann.call("POST", f"/items/{one['id']}", {"text": "Yes."}) for one in listed["items"] * 2)
    )
    assert sorted(one.status_code for one in answers) == [200] * 3 + [409] * 3
    assert sorted(one.complete for one in await intake.told(InformationProvided)) == [
        False,
        False,
        True,
    ]


async def test_a_file_of_another_request_answers_nothing(intake: Intake) -> None:
    row, ann = await asked(intake)
    foreign = await intake.uploaded(await intake.held(name="Zoe Other"), b"%PDF-1.7 x")
    item = row["items"][0]["id"]
    answer = await ann.call("POST", f"/items/{item}", {"file_id": foreign.json()["id"]})
    assert answer.status_code == 404
    both = {"file_id": foreign.json()["id"], "text": "x"}
    for wrong in ({}, both):
        assert (await ann.call("POST", f"/items/{item}", wrong)).status_code == 422
    for door in ("/agreement", "/sign"):
        method = "GET" if door == "/agreement" else "POST"
        assert (await ann.call(method, door, {})).status_code in (404, 422)


async def test_what_is_missing_is_chased_until_it_is_there(
    intake: Intake, moved_clock: Path
) -> None:
    row, ann = await asked(intake, days=1)

    async def reminders(count: int) -> list[LinkIssued]:
        for _ in range(80):
            found = [one for one in await intake.told(LinkIssued) if one.purpose == "reminder"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError("nobody was reminded")

    moved_clock.write_text(str(2 * 86_400))
    assert len(await reminders(1)) == 1
    assert (await ann.call("GET", "/information")).status_code == 410
    moved_clock.write_text(str(6 * 86_400))
    assert len(await reminders(2)) == 2
    newest = await (await intake.holders("reminder"))[-1].enter()
    for one in row["items"]:
        assert (await newest.call("POST", f"/items/{one['id']}", {"text": "Here."})).is_success
    moved_clock.write_text(str(30 * 86_400))
    await asyncio.sleep(2.5)
    assert len(await reminders(2)) == 2


async def test_what_is_needed_sooner_has_a_time_of_its_own_and_is_chased_sooner(
    intake: Intake, moved_clock: Path
) -> None:
    soon = [CHECKLIST["items"][0] | {"days": 2}, CHECKLIST["items"][1] | {"days": 60}]
    await intake.done("POST", "/v1/checklists", CHECKLIST | {"items": soon})
    consultation_id = await intake.held()
    due_at = datetime.now(UTC) + timedelta(days=20)
    path = f"/v1/consultations/{consultation_id}/information-requests"
    body = {"checklist": "divorce", "due_at": due_at.isoformat(), "more": CHECKLIST["items"][2:]}
    row = await intake.done("POST", path, body)
    dues = [datetime.fromisoformat(one["due_at"]) for one in row["items"]]
    asked_at = datetime.fromisoformat(row["requested_at"])
    assert dues == [asked_at + timedelta(days=2), due_at, due_at]
    (holder,) = await intake.holders("information")
    ann = await holder.enter()
    page = await intake.service.http.get(
        f"/v1/pages/{ann.token}", headers={"Cookie": f"{COOKIE}={ann.session}"}
    )
    assert page.text.count("Please send this by") == 1
    first = row["items"][0]["id"]
    assert (await ann.call("POST", f"/items/{first}", {"text": "Here."})).is_success
    moved_clock.write_text(str(5 * 86_400))

    async def next_reminder() -> datetime:
        (shown,) = await intake.done("GET", path)
        return datetime.fromisoformat(shown["remind_at"])

    await eventually(next_reminder, lambda at: at >= due_at)
    assert "reminder" not in {one.purpose for one in await intake.told(LinkIssued)}


async def test_what_falls_due_between_two_reminders_is_chased_at_that_instant(
    intake: Intake, moved_clock: Path
) -> None:
    items = [CHECKLIST["items"][0] | {"days": 2}, CHECKLIST["items"][1] | {"days": 4}]
    await intake.done("POST", "/v1/checklists", CHECKLIST | {"items": items})
    path = f"/v1/consultations/{await intake.held()}/information-requests"
    due_at = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    row = await intake.done("POST", path, {"checklist": "divorce", "due_at": due_at})
    second = after_quiet_hours(
        datetime.fromisoformat(row["items"][1]["due_at"]), "America/New_York"
    )

    async def reminded() -> tuple[int, datetime]:
        letters = [one for one in await intake.told(LinkIssued) if one.purpose == "reminder"]
        (shown,) = await intake.done("GET", path)  # not before: the ticker writes both at once
        return len(letters), datetime.fromisoformat(shown["remind_at"])

    moved_clock.write_text(str(2.9 * 86_400))
    await eventually(reminded, lambda found: found == (1, second))
    moved_clock.write_text(str((second - datetime.now(UTC)).total_seconds()))
    count, third = await eventually(reminded, lambda found: found[0] == 2)
    assert count == 2
    assert third >= second + timedelta(days=3)


@given(
    st.lists(st.integers(-30, 30).map(lambda days: BEGINNING + timedelta(days=days)), min_size=1),
    st.integers(1, 30).map(lambda days: timedelta(days=days)),
)
def test_the_next_reminder_lies_ahead_and_not_behind_what_falls_due(
    dues: list[datetime], every: timedelta
) -> None:
    at = next_reminder(dues, BEGINNING, every)
    assert BEGINNING < at <= BEGINNING + every
    assert not any(BEGINNING < due < at for due in dues)


async def test_who_was_declined_is_chased_no_more(intake: Intake, moved_clock: Path) -> None:
    row, ann = await asked(intake, days=1)
    path = f"/v1/consultations/{row['consultation_id']}"
    await intake.done("POST", f"{path}/decline", {"by": "firm", "reasons": "Not our field."})
    told = await intake.told(InformationWaived)
    assert [one.complete for one in told] == [False, False, True]
    assert (await ann.call("GET", "/information")).status_code == 410
    moved_clock.write_text(str(5 * 86_400))
    await asyncio.sleep(2.5)
    assert "reminder" not in {one.purpose for one in await intake.told(LinkIssued)}
    (shown,) = await intake.done("GET", f"{path}/information-requests")
    assert shown["remind_at"] is None


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: BEGINNING + timedelta(minutes=minutes)),
    st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Europe/Berlin"]),
)
def test_nobody_is_reminded_at_night_nor_much_later(instant: datetime, zone: str) -> None:
    at = after_quiet_hours(instant, zone)
    assert time(8) <= at.astimezone(ZoneInfo(zone)).time() < time(20)
    assert timedelta() <= at - instant <= timedelta(hours=13)
    assert after_quiet_hours(at, zone) == at
