"""A request is checked before anybody listens; nothing goes on while a conflict stands."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from intake.consultations.room import CallInstead, Room
from shared import clock
from shared.contracts.intake import (
    ConflictCheckCompleted,
    ConflictCleared,
    ConsultationDeclined,
    ConsultationHeld,
    ConsultationRequested,
    ConsultationScheduled,
)
from shared.contracts.matters import ClientChanged, MatterParty, PartiesChanged
from shared.ids import new_id
from support.platform import Platform
from support.prospects import ASKING, NOTE, Intake, intake_in


def a_time(intake: Intake, **more: Any) -> dict[str, Any]:
    starts_at = datetime.now(UTC) + timedelta(days=2)
    return {
        "staff_id": str(intake.staff["Daniel Okafor"]),
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=1)).isoformat(),
        "channel": "video",
        "place": "https://meet.firm.test/okafor",
    } | more


def was_held(intake: Intake) -> dict[str, Any]:
    return {
        "staff_id": str(intake.staff["Daniel Okafor"]),
        "channel": "video",
        "held_at": datetime.now(UTC).isoformat(),
        "note": NOTE,
    }


async def test_a_stranger_asks_without_an_account_and_is_told_that_it_binds_nobody(
    intake: Intake,
) -> None:
    asking = ASKING | {
        "email": "Ann@Clients.TEST",
        "phone": "+1 (212) 555-0190",
        "parties": [{"role": "adverse", "name": "Carl Ivanov"}],
    }
    taken = await intake.done("POST", "/v1/consultation-requests", asking, role="nobody")
    assert "no attorney-client relationship" in taken["statement"]
    (told,) = await intake.told(ConsultationRequested)
    assert str(told.consultation_id) == taken["id"]
    assert (told.source, told.known_client, told.practice_area) == ("form", False, "family")
    assert await intake.opened(told.email) == "ann@clients.test"
    assert told.phone is not None
    assert await intake.opened(told.phone) == "+12125550190"
    (checked,) = await intake.told(ConflictCheckCompleted)
    assert (checked.outcome, checked.names, checked.client_id) == ("clear", 2, told.client_id)
    values = await intake.rows("SELECT encode(value, 'escape') FROM outbox")
    assert not any("Example" in value or "Ivanov" in value for (value,) in values)


async def test_the_form_has_no_place_for_the_story_and_says_what_is_wrong(intake: Intake) -> None:
    for wrong in (
        {"story": "He hit me."},
        {"understood": False},
        {"email": "ann@nowhere"},
        {"phone": "555-0190"},
        {"name": "Ann\r\nBcc: all@firm.test"},
        {"practice_area": "Family law!"},
        {"parties": [{"role": "client", "name": "Bob"}]},
    ):
        answer = await intake.call(
            "POST", "/v1/consultation-requests", ASKING | wrong, role="nobody"
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request"), wrong
    assert await intake.told(ConsultationRequested) == []


async def test_the_same_request_twice_under_one_key_is_one_consultation(intake: Intake) -> None:
    headers = {"Idempotency-Key": "0b5fb1f4-6a0f-4a53-8f3c"}
    one, other = [
        await intake.call(
            "POST", "/v1/consultation-requests", ASKING, role="nobody", headers=headers
        )
        for _ in range(2)
    ]
    assert one.json() == other.json()
    assert len(await intake.told(ConsultationRequested)) == 1


async def test_a_flood_of_strangers_is_asked_to_call(platform: Platform, moved_clock: Path) -> None:
    async with intake_in(platform, intake_requests_an_hour=2) as intake:
        await intake.asked()
        await intake.asked()
        statements: list[str] = []

        def note(_: Any, __: Any, statement: str, *more: Any) -> None:
            statements.append(statement)

        form, page = "/v1/consultation-requests", "/v1/pages/consultation"
        answer = await intake.call("POST", form, ASKING, role="nobody")
        assert (answer.status_code, answer.json()["code"]) == (429, "call-instead")
        assert 3500 < int(answer.headers["retry-after"]) <= 3600
        await intake.call("GET", page, role="nobody")
        event.listen(intake.runtime.db.engine.sync_engine, "before_cursor_execute", note)
        for path in (form, page):  # not even read, or this were a 422
            answer = await intake.call("POST", path, {"story": "x"}, role="nobody")
            assert (answer.status_code, "call us" in answer.text) == (429, True)
        event.remove(intake.runtime.db.engine.sync_engine, "before_cursor_execute", note)
        assert not [one for one in statements if "consultations" in one or "firms" in one]
        by_phone = {key: ASKING[key] for key in ("name", "email", "practice_area")}
        await intake.done("POST", "/v1/consultations", by_phone | {"source": "phone"})
        clock.follow(moved_clock)  # each service that starts follows its own
        moved_clock.write_text("3601")
        assert clock.offset() == timedelta(seconds=3601)
        await intake.asked()


async def test_who_sends_slowly_keeps_nobody_else_out(platform: Platform) -> None:
    async with intake_in(platform, intake_requests_at_once=1) as intake:
        goes_on = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield b"{"
            await goes_on.wait()
            yield b"}"

        sending = asyncio.create_task(
            intake.service.http.post("/v1/consultation-requests", content=slowly())
        )
        await asyncio.sleep(0.1)
        await intake.asked()
        goes_on.set()
        assert (await sending).status_code == 422


def test_who_finds_no_place_waits_a_moment_and_a_full_hour_is_remembered() -> None:
    room = Room(at_once=2)
    with room.place(), room.place():
        with pytest.raises(CallInstead) as refused, room.place():
            pass
        assert refused.value.headers == {"Retry-After": "5"}
    full_until = clock.now() + timedelta(minutes=20)
    with pytest.raises(CallInstead), room.place():
        raise CallInstead(full_until)
    with pytest.raises(CallInstead) as refused, room.place():
        pass
    assert refused.value.until == full_until
    with pytest.raises(KeyError), Room(at_once=1).place():
        raise KeyError


async def test_who_may_be_the_same_person_is_proposed_and_nothing_is_joined(
    intake: Intake,
) -> None:
    known = await intake.client("Anne Example", email="other@clients.test")
    same_mail = await intake.client("Bob Else", email="ann@clients.test")
    consultation_id = await intake.asked()
    shown = await intake.done("GET", f"/v1/consultations/{consultation_id}")
    reasons = {one["client_id"]: one["because"] for one in shown["duplicates"]}
    assert reasons.keys() == {str(known), str(same_mail)}
    assert reasons[str(same_mail)] == "same email address"
    assert shown["client_id"] not in reasons
    assert (await intake.check(consultation_id))["state"] == "clear"


async def test_a_clear_consultation_is_scheduled_moved_cancelled_held_and_noted(
    intake: Intake,
) -> None:
    consultation_id = await intake.asked()
    path = f"/v1/consultations/{consultation_id}"
    await intake.done("POST", f"{path}/schedule", a_time(intake))
    await intake.done("POST", f"{path}/schedule", a_time(intake, place="Room 4"))
    await intake.done("POST", f"{path}/cancel")
    await intake.done("POST", f"{path}/schedule", a_time(intake))
    told = await intake.told(ConsultationScheduled)
    assert [(one.sequence, one.cancelled) for one in told] == [
        (0, False),
        (1, False),
        (2, True),
        (3, False),
    ]
    shown = await intake.done("POST", f"{path}/hold", was_held(intake))
    assert shown["note"] == NOTE
    (held,) = await intake.told(ConsultationHeld)
    assert "Mediation first." in await intake.opened(held.note)
    stored = await intake.rows("SELECT note::text FROM consultations")
    assert "Mediation" not in stored[0][0]
    assert await intake.refused("POST", f"{path}/hold", was_held(intake)) == (
        "409 consultation-moved-on"
    )


async def test_nothing_goes_on_while_a_possible_conflict_stands(intake: Intake) -> None:
    await intake.client("Carl Ivanov")
    consultation_id = await intake.asked(parties=[{"role": "adverse", "name": "Карл Иванов"}])
    path = f"/v1/consultations/{consultation_id}"
    check = await intake.check(consultation_id)
    assert check["state"] == "possible"
    assert check["hits"][0]["serious"]
    assert "their adversary reads like a client" in check["hits"][0]["because"]
    for door, body in (("schedule", a_time(intake)), ("hold", was_held(intake))):
        assert await intake.refused("POST", f"{path}/{door}", body) == "409 conflict-stands"
    cleared = {"revision": check["revision"], "reasons": "Another Carl: born 1990, not 1951."}
    await intake.done("POST", f"{path}/conflict-check/clear", cleared)
    await intake.done("POST", f"{path}/schedule", a_time(intake))
    (told,) = await intake.told(ConflictCleared)
    assert await intake.opened(told.reasons) == cleared["reasons"]


async def test_only_a_partner_decides_and_only_with_reasons(intake: Intake) -> None:
    await intake.client("Carl Ivanov")
    consultation_id = await intake.asked(parties=[{"role": "adverse", "name": "Carl Ivanov"}])
    door = f"/v1/consultations/{consultation_id}/conflict-check/clear"
    good = {"revision": 1, "reasons": "Not the same person at all."}
    for role in ("attorney", "paralegal", "compliance", "client", "integration"):
        who = {"client_id": str(intake.staff["Eleanor Vale"])} if role == "client" else {}
        assert await intake.refused("POST", door, good, role=role, **who) == "403 forbidden"
    assert await intake.refused("POST", door, good | {"reasons": "ok"}) == "422 invalid-request"
    assert await intake.refused("POST", door, good | {"revision": 2}) == "409 decided-meanwhile"


async def test_of_two_partners_who_decide_at_once_one_wins_and_the_other_hears_it(
    intake: Intake,
) -> None:
    await intake.client("Carl Ivanov")
    consultation_id = await intake.asked(parties=[{"role": "adverse", "name": "Carl Ivanov"}])
    door = f"/v1/consultations/{consultation_id}/conflict-check/clear"
    body = {"revision": 1, "reasons": "Not the same person at all."}
    answers = await asyncio.gather(*(intake.call("POST", door, body) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert len(await intake.told(ConflictCleared)) == 1


async def test_of_two_opponents_who_ask_at_once_one_sees_the_other(intake: Intake) -> None:
    """The race that would let both in: each is compared before the other is kept."""
    for ann, bob in (("Ann Example", "Bob Rezvani"), ("Mei Tanaka", "Olu Adeyemi")):
        pair = [
            {"name": ann, "parties": [{"role": "adverse", "name": bob}]},
            {"name": bob, "parties": [{"role": "adverse", "name": ann}]},
        ]
        ids = await asyncio.gather(*(intake.asked(**one) for one in pair))
        states = [(await intake.check(one))["state"] for one in ids]
        assert sorted(states) == ["clear", "possible"]


async def test_parties_heard_of_later_run_the_check_again_and_take_back_what_was_decided(
    intake: Intake,
) -> None:
    await intake.client("Carl Ivanov")
    await intake.client("Mega Holdings GmbH")
    consultation_id = await intake.asked(parties=[{"role": "adverse", "name": "Carl Ivanov"}])
    path = f"/v1/consultations/{consultation_id}"
    cleared = {"revision": 1, "reasons": "Not the same person at all."}
    await intake.done("POST", f"{path}/conflict-check/clear", cleared)
    more = {"parties": [{"role": "adverse", "kind": "company", "name": "MEGA Holding AG"}]}
    await intake.done("POST", f"{path}/parties", more)
    check = await intake.check(consultation_id)
    assert (check["state"], check["revision"], check["decided_by"]) == ("possible", 2, None)
    assert await intake.refused("POST", f"{path}/schedule", a_time(intake)) == (
        "409 conflict-stands"
    )
    told = await intake.told(ConflictCheckCompleted)
    assert [(one.revision, one.outcome) for one in told] == [(1, "possible"), (2, "possible")]


async def test_who_becomes_a_client_elsewhere_reopens_the_check_of_who_is_against_them(
    intake: Intake,
) -> None:
    """Nobody asked by the form: a partner registered a client, or hired somebody."""
    consultation_id = await intake.asked(parties=[{"role": "adverse", "name": "Carl Ivanov"}])
    assert (await intake.check(consultation_id))["state"] == "clear"
    carl = await intake.client("Карл Иванов")
    check = await intake.check(consultation_id)
    assert (check["state"], check["revision"]) == ("possible", 2)
    path = f"/v1/consultations/{consultation_id}"
    cleared = {"revision": 2, "reasons": "Not the same person at all."}
    await intake.done("POST", f"{path}/conflict-check/clear", cleared)
    again = await intake.sealed(carl, "name", "Карл Иванов")
    mail = await intake.sealed(carl, "email", "carl@clients.test")
    await intake.hear(ClientChanged(client_id=carl, name=again, email=mail, time_zone="UTC"))
    assert (await intake.check(consultation_id))["state"] == "cleared", "nothing new was heard"
    await intake.client("Zoe Unrelated")
    assert (await intake.check(consultation_id))["revision"] == 2
    await intake.member("Carla Ivanova", email="carla@firm.test")
    assert (await intake.check(consultation_id))["state"] == "possible"


async def test_a_party_of_a_matter_counts_on_the_side_where_they_stand(intake: Intake) -> None:
    consultation_id = await intake.asked(name="Carl Ivanov")
    assert (await intake.check(consultation_id))["state"] == "clear"
    client, party = await intake.client("Zoe Unrelated"), new_id()
    adversary = MatterParty(
        party_id=party,
        role="adverse",
        kind="person",
        name=await intake.sealed(client, "party", "Karl Schmidt"),
        also=(await intake.sealed(client, "party", "Карл Иванов"),),
    )
    changed = PartiesChanged(matter_id=new_id(), client_id=client, revision=1, parties=(adversary,))
    await intake.hear(changed)
    check = await intake.check(consultation_id)
    assert (check["state"], check["revision"]) == ("possible", 2)
    assert [one["found_role"] for one in check["hits"]] == ["adverse"]
    await intake.hear(changed)
    assert (await intake.check(consultation_id))["revision"] == 2, "nothing new was heard"


async def test_a_prospect_who_becomes_a_client_is_no_conflict_of_their_own(
    intake: Intake,
) -> None:
    consultation_id = await intake.asked()
    (row,) = await intake.rows("SELECT client_id FROM consultations")
    name = await intake.sealed(row[0], "name", "Ann Example")
    mail = await intake.sealed(row[0], "email", "ann@clients.test")
    await intake.hear(ClientChanged(client_id=row[0], name=name, email=mail, time_zone="UTC"))
    assert (await intake.check(consultation_id))["revision"] == 1


async def test_interests_of_the_firms_own_people_count(intake: Intake) -> None:
    interest = {
        "staff_id": str(intake.staff["Daniel Okafor"]),
        "kind": "company",
        "name": "Blue Harbour Ferries Ltd",
    }
    await intake.call("POST", "/v1/staff-interests", interest, role="attorney")
    consultation_id = await intake.asked(
        parties=[{"role": "related", "kind": "company", "name": "Blue Harbor Ferries"}]
    )
    assert (await intake.check(consultation_id))["state"] == "possible"
    against_us = await intake.asked(parties=[{"role": "adverse", "name": "E. Vale"}])
    assert (await intake.check(against_us))["state"] == "possible"


async def test_a_declined_prospect_is_erased_when_due_and_still_found_by_name(
    intake: Intake, moved_clock: Path
) -> None:
    consultation_id = await intake.asked(name="Zebulon Quackenbush")
    path = f"/v1/consultations/{consultation_id}"
    await intake.done("POST", f"{path}/hold", was_held(intake))
    await intake.done("POST", f"{path}/decline", {"by": "firm", "reasons": "Not our field."})
    (told,) = await intake.told(ConsultationDeclined)
    assert (told.by, await intake.opened(told.reasons)) == ("firm", "Not our field.")
    moved_clock.write_text(str(366 * 86_400))
    assert clock.offset() == timedelta(days=366)

    async def erased() -> bool:
        rows = await intake.rows("SELECT name, email, note, erased_at FROM consultations")
        return rows[0][:3] == (None, None, None) and rows[0][3] is not None

    for _ in range(50):
        if await erased():
            break
        await asyncio.sleep(0.1)
    assert await erased()
    again = await intake.asked(parties=[{"role": "adverse", "name": "Zeb Quackenbush"}])
    assert (await intake.check(again))["state"] == "possible"


async def test_who_never_became_a_client_is_erased_and_who_did_is_not(
    intake: Intake, moved_clock: Path
) -> None:
    await intake.asked(name="Una Heard", email="una@clients.test")
    row, holders = await intake.proposed()
    for one in holders:
        await one.signs()
    await intake.step(await intake.reread(row), "countersign")
    await intake.until(row, "signed")
    moved_clock.write_text(str(366 * 86_400))
    for _ in range(50):
        names = await intake.rows("SELECT name FROM consultations ORDER BY consultation_id")
        if names == [(None,), ("Ann Example",)]:
            break
        await asyncio.sleep(0.1)
    assert names == [(None,), ("Ann Example",)]


async def test_others_see_only_what_is_theirs(intake: Intake) -> None:
    contact = str(intake.staff["Daniel Okafor"])
    asking = {key: ASKING[key] for key in ("name", "email", "practice_area")}
    theirs = await intake.done(
        "POST", "/v1/consultations", asking | {"source": "phone", "point_of_contact_id": contact}
    )
    foreign = await intake.asked(name="Somebody Else", email="else@clients.test")
    who = {"role": "attorney", "email": "attorney@firm.test"}
    await intake.done("GET", f"/v1/consultations/{theirs['id']}", **who)
    assert await intake.refused("GET", f"/v1/consultations/{foreign}", **who) == "404 not-found"
    listed = await intake.done("GET", "/v1/consultations", **who)
    assert [one["id"] for one in listed["items"]] == [theirs["id"]]
    shown = await intake.done("GET", f"/v1/consultations/{foreign}")
    own = {"role": "client", "client_id": shown["client_id"]}
    mine = await intake.done("GET", f"/v1/consultations/{foreign}", **own)
    assert (mine["duplicates"], mine["note"]) == ([], None)
    assert await intake.refused("GET", f"/v1/consultations/{theirs['id']}", **own) == (
        "404 not-found"
    )
