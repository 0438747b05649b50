"""A matter closes when nothing is owed, the client's file least of all; and its client hears it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError

from matters.closing.rules import about_the_file
from shared.contracts.matters import (
    DecisionWithdrawn,
    FileHandedOver,
    MatterClosed,
    ProgressUpdateApproved,
    ProgressUpdateSent,
)
from shared.contracts.messaging import MessageFailed
from shared.ids import new_id
from support.firm import World, firm_in
from support.matter import Scene, scene_in
from support.platform import Platform
from support.waiting import eventually

CLOSING = {"reason": "Settled.", "letter": "Dear Cleo,\n\nyour matter is closed.\n\nAda"}


@pytest.fixture
async def world(platform: Platform) -> AsyncIterator[World]:
    async with firm_in(platform, matters_undo=0.0) as made:
        yield made


@pytest.fixture
async def at(world: World) -> Scene:
    return await scene_in(world)


async def test_a_matter_is_not_closed_while_something_is_owed(world: World, at: Scene) -> None:
    clock_id = new_id()
    await at.owe(clock_id=clock_id)
    put = await at.put()
    refused = await at.post("close", **CLOSING)
    assert (refused.status_code, refused.json()["code"]) == (409, "still-open")
    kinds = {one["kind"]: one["id"] for one in refused.json()["open"]}
    assert kinds == {"response": str(clock_id), "decision": put["id"], "file": at.matter["id"]}
    assert await world.told(MatterClosed) == []
    give_up = [{"id": one, "reason": "Settled with everything else."} for one in kinds.values()]
    closed = await at.post("close", **CLOSING, give_up=give_up)
    assert closed.status_code == 201, closed.text
    (told,) = await world.told(MatterClosed)
    assert {str(one) for one in told.given_up} == set(kinds.values())
    reasons = {one.kind: await world.opened(one.reason) for one in told.left_open}
    assert reasons == dict.fromkeys(kinds, "Settled with everything else.")
    shown = await world.call("GET", f"{at.path}/closing", **at.ada)
    assert {one["kind"]: one["reason"] for one in shown.json()["given_up"]} == reasons
    assert len(await world.told(DecisionWithdrawn)) == 1
    (letter,) = await eventually(lambda: world.told(ProgressUpdateApproved))
    assert (await world.opened(letter.body)).startswith(CLOSING["letter"])
    for what, body in (
        ("milestones", {"slug": "closed"}), ("updates", {"about": "no_news"}), ("close", CLOSING),
    ):  # fmt: skip
        after = await at.post(what, **body)
        assert (after.status_code, after.json()["code"]) == (409, "matter-closed")


async def test_a_concern_about_a_bill_stands_in_the_way_of_closing(world: World, at: Scene) -> None:
    await at.hand_over_file()
    await at.be_concerned()
    refused = await at.post("close", **CLOSING)
    assert [one["kind"] for one in refused.json()["open"]] == ["concern"]
    (owed,) = [one for one in (await at.standing(**at.client))["owed"] if one["kind"] == "concern"]
    give_up = [{"id": owed["id"], "reason": "Answered by phone today."}]
    assert (await at.post("close", **CLOSING, give_up=give_up)).status_code == 201


async def test_of_two_who_close_at_once_one_wins(world: World, at: Scene) -> None:
    await at.hand_over_file()
    answers = await asyncio.gather(*(at.post("close", **CLOSING) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert len(await world.told(MatterClosed)) == 1
    assert await world.told(ProgressUpdateSent) == []


async def test_the_client_gets_their_file_and_the_letter_says_how(world: World, at: Scene) -> None:
    given = await at.hand_over_file(note="Signed for by Cleo.")
    assert given.status_code == 201, given.text
    closed = await at.post("close", **CLOSING)
    assert (closed.status_code, closed.json()["given_up"]) == (201, []), closed.text
    assert closed.json()["file_handover_id"] == given.json()["id"]
    (told,) = await world.told(FileHandedOver)
    assert (told.entries, told.channel, str(told.given_to)) == (
        42,
        "courier",
        at.client["client_id"],
    )
    (letter,) = await eventually(lambda: world.told(ProgressUpdateApproved))
    words = await world.opened(letter.body)
    assert "by courier" in words
    assert told.digest in words
    entry = next(one for one in (await at.standing(**at.client))["told"] if one["what"] == "file")
    assert (entry["by"], entry["subject"]) == ("Ada", "Your file, 42 entries")
    theirs = (await world.call("GET", f"{at.path}/file-handovers", **at.client)).json()["items"]
    assert [one["digest"] for one in theirs] == [told.digest]
    assert (await world.call("GET", f"{at.path}/closing", **at.client)).status_code == 403


async def test_who_did_not_get_their_file_reads_why_and_is_owed_it_until_they_do(
    world: World, at: Scene
) -> None:
    give_up = [{"id": at.matter["id"], "reason": "You asked us to keep it for now"}]
    assert (await at.post("close", **CLOSING, give_up=give_up)).status_code == 201
    (letter,) = await eventually(lambda: world.told(ProgressUpdateApproved))
    assert "You asked us to keep it for now." in await world.opened(letter.body)
    (told,) = await world.told(MatterClosed)
    assert told.file_handover_id is None
    assert {one["kind"] for one in (await at.standing(**at.client))["owed"]} == {"file"}
    assert (await at.hand_over_file()).status_code == 201
    assert (await at.standing(**at.client))["owed"] == []


async def test_only_a_finished_bundle_of_this_very_matter_is_its_file(
    world: World, at: Scene
) -> None:
    other = await world.client(await world.staff("Alan"), "Other")
    for foreign in ({"client_id": other["id"], "matter_id": None}, {"matter_id": new_id()}):
        pack = await at.export(**foreign)
        refused = await at.post("file-handovers", export_id=str(pack.export_id), channel="email")
        assert (refused.status_code, refused.json()["code"]) == (422, "no-such-pack")
    whole = await at.export(matter_id=None)
    for when in (whole.exported_at - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)):
        refused = await at.hand_over_file(given_at=when.isoformat())
        assert refused.status_code == 422
    stranger = await at.hand_over_file(representative_id=str(new_id()))
    assert stranger.status_code == 422
    assert await world.told(FileHandedOver) == []
    given = await at.post("file-handovers", export_id=str(whole.export_id), channel="portal")
    assert given.status_code == 201, given.text


async def test_a_closing_letter_is_not_taken_back_and_one_that_failed_is_owed(
    platform: Platform,
) -> None:
    async with firm_in(platform, matters_undo=600.0) as world:
        at = await scene_in(world)
        await at.hand_over_file()
        assert (await at.post("close", **CLOSING)).status_code == 201
        (letter,) = (await world.call("GET", f"{at.path}/updates", **at.ada)).json()["items"]
        assert letter["state"] == "approved"
        taken = await world.call("POST", f"/v1/updates/{letter['id']}/cancel", {}, **at.ada)
        assert (taken.status_code, taken.json()["code"]) == (409, "matter-closed")
        passed = "UPDATE progress_updates SET releases_at = now() RETURNING 1"
        await world.rows(passed)
        (told,) = await eventually(lambda: world.told(ProgressUpdateApproved))
        of = {"client_id": told.client_id, "matter_id": told.matter_id, "status": "5.1.1"}
        of |= {"conversation_id": new_id(), "failed_at": datetime.now(UTC)}
        await world.hear(MessageFailed(message_id=told.update_id, **of))
        assert {one["kind"] for one in (await at.standing())["owed"]} == {"undelivered"}
        body = {"channel": "phone", "held_at": datetime.now(UTC).isoformat(), "note": "Told her."}
        path = f"/v1/updates/{letter['id']}/told"
        assert (await world.call("POST", path, body, **at.ada)).status_code == 200
        assert (await at.standing())["owed"] == []


async def test_the_database_itself_refuses_a_closing_without_a_file_or_a_reason(
    world: World, at: Scene
) -> None:
    closing = """
        INSERT INTO closings (matter_id, client_id, reason, given_up, closed_by, closed_at)
        SELECT matter_id, client_id, '{}', '[{"kind": "response"}]', staff_id, now()
        FROM matters, staff RETURNING 1
    """
    with pytest.raises(IntegrityError, match="closings_file"):
        await world.rows(closing)


def test_the_letter_says_why_there_is_no_file() -> None:
    assert "not been given" in about_the_file(None, why_not="You asked us to keep it.")


async def test_what_is_put_while_somebody_closes_is_either_owed_or_refused(
    world: World, at: Scene
) -> None:
    await at.hand_over_file()
    waiting = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock' AND query LIKE '%FROM matters%FOR %'"""
    holder = await asyncpg.connect(world.runtime.settings.database_url)
    try:
        await holder.execute("BEGIN; SELECT FROM matters FOR UPDATE")
        racing = asyncio.gather(
            at.post("close", **CLOSING),
            at.ask_to_decide(),
            at.post("milestones", slug="contract-signed"),
        )
        await eventually(lambda: world.rows(waiting), lambda rows: rows[0].count == 3)
        await holder.execute("ROLLBACK")
    finally:
        await holder.close()
    closed, put, reached = (one.status_code for one in await racing)
    assert (closed, put) in ((201, 409), (409, 201))
    assert reached in (201, 409)
    open_ones = """SELECT 1 FROM decisions JOIN matters USING (matter_id)
                   WHERE state = 'requested' AND closed_at IS NOT NULL"""
    assert await world.rows(open_ones) == []


async def test_an_answer_while_somebody_closes_is_never_written_over(
    world: World, at: Scene
) -> None:
    await at.hand_over_file()
    for _ in range(3):
        await at.put()
    put = (await at.ask_to_decide()).json()
    owed = [one["id"] for one in (await at.standing())["owed"] if one["kind"] == "decision"]
    give_up = [{"id": one, "reason": "Settled."} for one in owed]
    answer = world.call("POST", f"/v1/decisions/{put['id']}/answer", {"option": "no"}, **at.client)
    closed, answered = await asyncio.gather(at.post("close", **CLOSING, give_up=give_up), answer)
    assert closed.status_code == 201, closed.text
    assert answered.status_code in (200, 409)
    (state,) = await world.rows("SELECT state FROM decisions WHERE decision_id = :id", id=put["id"])
    assert state[0] == ("recorded" if answered.status_code == 200 else "withdrawn")
