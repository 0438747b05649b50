"""One call says what the client was told, when, by whom, what is owed next and why."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.told.rules import LONGEST, counts, gist
from shared.contracts.messaging import (
    CallLogged,
    MessageAcknowledged,
    MessageBounced,
    MessageSent,
)
from shared.contracts.sla_monitor import ClockPaused
from shared.ids import new_id
from shared.keyring import seal
from support.firm import World, firm_in
from support.matter import Scene, scene_in
from support.platform import Platform
from support.statements import statements_of


@pytest.fixture
async def world(platform: Platform) -> AsyncIterator[World]:
    async with firm_in(platform, matters_undo=0.0) as made:
        yield made


@pytest.fixture
async def at(world: World) -> Scene:
    return await scene_in(world)


async def test_one_call_says_what_was_told_by_whom_and_what_is_owed_next_and_why(
    at: Scene,
) -> None:
    await at.tell("Told her all.")
    await at.put()
    await at.owe()
    await at.post("updates", about="report")
    shown = await at.standing()
    assert [(one["what"], one["by"], one["channel"]) for one in shown["told"]] == [
        ("decision", "Ada", "email"), ("update", "Ada", "phone"),
    ]  # fmt: skip
    assert {one["kind"] for one in shown["owed"]} == {"update", "response", "decision", "draft"}
    assert all(one["why"] for one in shown["owed"])
    assert "you asked" in next(o["why"] for o in shown["owed"] if o["kind"] == "update")
    assert shown["silent_days"] == 0
    theirs = await at.standing(**at.client)
    assert "draft" not in {one["kind"] for one in theirs["owed"]}
    assert shown["told"][1]["subject"] == "Told her all.", "what was said, to the firm"
    assert theirs["told"][1]["subject"].startswith("How your matter stands")


async def sent(at: Scene, kind: str, words: str = "", **more: Any) -> MessageSent:
    """As messaging tells it."""
    client_id, message_id = UUID(at.matter["client_id"]), new_id()
    await at.world.runtime.keys.hold(client_id)
    async with at.world.runtime.db.transaction() as session:
        body = seal(session, client_id, message_id, "message", "body", words) if words else None
    of = {"conversation_id": new_id(), "client_id": client_id, "matter_id": at.matter["id"]}
    facts = {"channel": "email", "sent_at": datetime.now(UTC), "kind": kind, "body": body}
    told = MessageSent(**{"message_id": message_id} | of | facts | more)
    await at.world.hear(told)
    return told


async def test_what_others_told_the_client_stands_there_with_who_said_it(at: Scene) -> None:
    ada = await at.world.rows("SELECT staff_id FROM staff WHERE name = 'Ada'")
    by = {"staff_id": ada[0][0]}
    await sent(at, "answer", "Dear Cleo,\n\nthe court sits in May.\nAda", **by)
    await sent(at, "notice", "Dear Cleo,\n\nyour invoice 2026-0007 is due.", automatic=True)
    of = {"conversation_id": new_id(), "client_id": at.matter["client_id"]}
    of |= {"matter_id": at.matter["id"]}
    now = datetime.now(UTC) - timedelta(seconds=1)
    arrived = {"covers": (new_id(),), "automatic": True, "channel": "email"}
    await at.world.hear(
        MessageAcknowledged(acknowledgment_id=new_id(), acknowledged_at=now, **arrived, **of)
    )
    note = (await sent(at, "answer", "Told her that we wait.", matter_id=None)).body
    call = {"direction": "outbound", "held_at": now, "entered_at": now, "note": note, **by}
    for two_way in (True, False):
        one = CallLogged(message_id=new_id(), channel="phone", two_way=two_way, **call, **of)
        await at.world.hear(one, one)
    told = (await at.standing(**at.client))["told"]
    assert sorted((one["what"], one["by"], one["subject"]) for one in told) == [
        ("acknowledgment", "The firm's system", "Your message arrived"),
        ("answer", "Ada", "The court sits in May."),
        ("call", "Ada", "A call with you"),
        ("notice", "The firm's system", "Your invoice 2026-0007 is due."),
    ]
    noted = [one["subject"] for one in (await at.standing())["told"] if one["what"] == "call"]
    assert noted == ["Told her that we wait."], "what she was told, the firm's own note says"


async def test_who_the_clients_are_and_who_answers_them_is_said_by_name(at: Scene) -> None:
    ada = {"id": (await at.world.rows("SELECT staff_id FROM staff WHERE name = 'Ada'"))[0][0]}
    joint = await at.world.client({"id": str(ada["id"])}, "Dora")
    couple = {"client_id": joint["id"], "reason": "A couple."}
    joined = await at.world.call("POST", f"{at.path}/joint-clients", couple)
    assert joined.status_code == 201, joined.text
    shown = await at.standing()
    assert shown["point_of_contact"] == "Ada"
    assert [one["name"] for one in shown["clients"]] == ["Cleo", "Dora"]
    theirs = await at.standing(role="client", client_id=joint["id"])
    assert [one["name"] for one in theirs["clients"]] == ["Dora"]


async def test_an_answer_for_which_the_client_is_awaited_is_not_late(at: Scene) -> None:
    clock_id, weeks = new_id(), datetime.now(UTC) - timedelta(days=20)
    due = {"opened_at": weeks, "target_at": weeks, "limit_at": weeks + timedelta(days=2)}
    await at.owe(clock_id=clock_id, **due)

    async def response() -> dict[str, Any]:
        owed = (await at.standing())["owed"]
        found: dict[str, Any] = next(one for one in owed if one["kind"] == "response")
        return found

    assert (await response())["late"]
    of = {"client_id": at.matter["client_id"], "conversation_id": new_id()}
    fact = {"clock_id": clock_id, "kind": "response", "cause_id": new_id(), "message_ids": ()}
    await at.world.hear(ClockPaused(paused_at=weeks, **fact, **of))
    waiting = await response()
    assert (waiting["due_at"], waiting["late"]) == (None, False)
    assert "wait for you" in waiting["why"]


async def test_what_is_approved_is_owed_until_it_is_sent(platform: Platform) -> None:
    async with firm_in(platform) as world:
        at = await scene_in(world)
        draft = (await at.post("updates", about="report")).json()
        approve = f"/v1/updates/{draft['id']}/approve"
        approved = (await world.call("POST", approve, **at.ada)).json()
        (owed,) = (await at.standing())["owed"]
        assert (owed["kind"], owed["due_at"]) == ("approved", approved["releases_at"])
        assert (await at.standing(**at.client))["owed"] == []


async def test_the_answer_to_a_question_of_theirs_stands_there_and_breaks_the_silence(
    at: Scene,
) -> None:
    ada = (await at.world.rows("SELECT staff_id FROM staff WHERE name = 'Ada'"))[0][0]
    path, words = f"/v1/matters/{at.matter['id']}/questions", {"text": "Why no appeal?"}
    asked = (await at.world.call("POST", path, words, **at.client)).json()
    await sent(at, "update", "The time is over.", staff_id=ada, message_id=UUID(asked["id"]))
    shown = await at.standing()
    (told,) = shown["told"]
    assert (told["what"], told["by"], told["subject"]) == ("answer", "Ada", "The time is over.")
    assert shown["last_told_at"] is not None


async def test_what_the_entry_that_stayed_was_told_breaks_the_silence_of_the_merged_ones_matter(
    at: Scene,
) -> None:
    ada = (await at.world.rows("SELECT staff_id FROM staff WHERE name = 'Ada'"))[0][0]
    stays = await at.world.client({"id": str(ada)}, "Cleopatra")
    merging = {"merged_id": at.matter["client_id"], "reason": "Entered twice."}
    merged = await at.world.call("POST", f"/v1/clients/{stays['id']}/merge", merging)
    assert merged.status_code == 200, merged.text
    await sent(at, "answer", "In May.", staff_id=ada, client_id=UUID(stays["id"]), body=None)
    shown = await at.standing()
    assert shown["last_told_at"] is not None
    assert [one["client_id"] for one in shown["told"]] == [at.matter["client_id"]]


async def test_a_machines_word_and_one_that_came_back_break_no_silence(at: Scene) -> None:
    ada = (await at.world.rows("SELECT staff_id FROM staff WHERE name = 'Ada'"))[0][0]
    weeks = datetime.now(UTC) - timedelta(days=41)
    opened = "UPDATE matters SET opened_at = :weeks WHERE matter_id = :id RETURNING 1"
    await at.world.rows(opened, weeks=weeks, id=at.matter["id"])
    await sent(at, "notice", "A bill.", automatic=True)
    await sent(at, "question", "Which lease?", staff_id=ada)
    back = await sent(at, "answer", "In May.", staff_id=ada)
    assert (await at.standing())["silent_days"] == 0
    facts = back.model_dump(include={"message_id", "conversation_id", "client_id", "matter_id"})
    await at.world.hear(MessageBounced(bounced_at=datetime.now(UTC), status="5.1.1", **facts))
    shown = await at.standing()
    assert (shown["silent_days"], shown["last_told_at"]) == (41, None)
    assert "answer" not in {one["what"] for one in shown["told"]}


async def test_a_deadline_that_can_be_taken_back_is_not_shown_to_the_client(
    platform: Platform,
) -> None:
    async with firm_in(platform) as world:
        at = await scene_in(world)
        due = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%dT12:00")
        assert (await at.post("deadlines", title="Reply to court", due=due)).status_code == 201
        assert {one["kind"] for one in (await at.standing())["owed"]} == {"deadline"}
        assert (await at.standing(**at.client))["owed"] == []


def test_only_a_persons_answer_or_word_breaks_a_silence() -> None:
    kinds = ("answer", "question", "acknowledgment", "notice", "call", "meeting")
    assert [one for one in kinds if counts(one, by_person=True)] == ["answer", "call", "meeting"]
    assert not any(counts(one, by_person=False) for one in kinds)


@given(st.text(max_size=400))
def test_the_gist_is_one_short_line_of_the_text(text: str) -> None:
    said = gist(text)
    assert len(said) <= LONGEST
    assert "\n" not in said
    assert said.rstrip("…")[3:] in " ".join(text.split())


def test_what_comes_after_the_salutation_is_the_gist_also_on_the_same_line() -> None:
    line = "Dear Mr Whitby, yes: show it, but sign nothing and take no deposit until the grant."
    assert gist(line) == "Yes: show it, but sign nothing and take no deposit until the grant."
    assert gist("Hello Ann!\n\nThe court sits in May.") == "The court sits in May."
    assert gist("Dear Ann") == "Dear Ann"


async def test_it_takes_the_same_number_of_statements_however_much_there_is(
    world: World, at: Scene
) -> None:
    counts = []
    await at.tell("The first.")
    await at.put()
    await at.standing()
    for _ in range(2):
        with statements_of(world) as statements:
            await at.standing()
        counts.append(len(statements))
        for _ in range(3):
            await at.tell("More.")
            await at.put()
            await sent(at, "answer", "More.")
    assert counts[0] == counts[1] < 20


async def test_others_see_nothing_of_how_it_stands(world: World, at: Scene) -> None:
    noor = await world.staff("Noor")
    for by in (
        {"role": "attorney", "email": noor["email"]},
        {"role": "client", "client_id": str(new_id())},
    ):
        answer = await world.call("GET", f"{at.path}/standing", **by)
        assert answer.status_code == 404
