"""Updates: drafted from facts, approved by a person, sent once, and asked for with one click."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.updates.report import report
from matters.updates.rules import SUBJECTS, Facts, Named, draft
from shared.contracts.matters import (
    CadencePromised,
    ProgressUpdateApproved,
    ProgressUpdateSent,
    UpdateRequested,
)
from shared.contracts.messaging import CallLogged, MessageBounced, MessageFailed, MessageSent
from shared.contracts.sla_monitor import DeadlineBreached, UpdateDue
from shared.ids import new_id
from shared.keyring import seal
from support.firm import World, firm_in
from support.papers import right_edge
from support.platform import Platform
from support.waiting import eventually

NOW = datetime(2026, 7, 6, 14, tzinfo=UTC)


@pytest.fixture
async def swift(platform: Platform) -> AsyncIterator[World]:
    async with firm_in(platform, matters_undo=0.0) as world:
        yield world


class Scene:
    def __init__(self, world: World, ada: dict[str, Any], matter: dict[str, Any]) -> None:
        self.world, self.matter = world, matter
        self.ada = {"role": "attorney", "email": ada["email"]}
        self.client = {"role": "client", "client_id": matter["client_id"]}

    async def call(self, method: str, path: str, body: Any = None, **by: Any) -> Any:
        return await self.world.call(method, path, body, **(by or self.ada))

    async def draft(self, about: str = "no_news", **more: Any) -> Any:
        body = {"about": about, **more}
        return (await self.call("POST", f"/v1/matters/{self.matter['id']}/updates", body)).json()

    def message(self, update: dict[str, Any], **more: Any) -> dict[str, Any]:
        of = {"message_id": update["id"], "client_id": self.matter["client_id"]}
        return of | {"conversation_id": new_id(), "matter_id": self.matter["id"]} | more


async def scene(world: World, **preferences: str) -> Scene:
    ada = await world.staff("Ada")
    client = await world.client(ada, preferences=preferences)
    return Scene(world, ada, await world.matter(client, ada))


async def test_an_update_is_approved_by_a_person_released_and_sent_once(swift: World) -> None:
    at = await scene(swift)
    made = await at.draft(note="We wait for the surveyor.")
    assert "nothing new" in made["body"]
    assert "surveyor" in made["body"]
    read = await at.call("GET", f"/v1/updates/{made['id']}")
    words = {"subject": "How it stands", "body": "Dear Cleo,\n\nwe wait for the surveyor."}
    match = {"If-Match": read.headers["etag"]}
    changed = await at.call("PUT", f"/v1/updates/{made['id']}", words, headers=match, **at.ada)
    assert changed.status_code == 200, changed.text
    stale = await at.call("POST", f"/v1/updates/{made['id']}/approve", headers=match, **at.ada)
    assert stale.status_code == 412, "nobody approves words that they did not read"
    match = {"If-Match": changed.headers["etag"]}
    approved = await at.call("POST", f"/v1/updates/{made['id']}/approve", headers=match, **at.ada)
    assert approved.json()["state"] == "approved", approved.text
    (told,) = await eventually(lambda: swift.told(ProgressUpdateApproved))
    assert await swift.opened(told.body) == words["body"]
    sent = MessageSent(**at.message(made, kind="update", channel="email", sent_at=NOW))
    await swift.hear(sent, sent)
    (done,) = await swift.told(ProgressUpdateSent)
    assert (str(done.update_id), done.channel, done.message_id) == (
        made["id"], "email", UUID(made["id"]),
    )  # fmt: skip
    shown = (await at.call("GET", f"/v1/updates/{made['id']}", **at.client)).json()
    assert (shown["state"], shown["body"]) == ("sent", words["body"])
    pdf = await at.call("GET", f"/v1/updates/{made['id']}/report", **at.client)
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.headers["content-type"] == "application/pdf"


async def test_neither_subject_nor_words_promise_an_outcome(world: World) -> None:
    at = await scene(world)
    made = await at.draft()
    words = {"subject": "We will win", "body": "Dear Cleo,\n\nwe wait for the surveyor."}
    await at.call("PUT", f"/v1/updates/{made['id']}", words)
    refused = await at.call("POST", f"/v1/updates/{made['id']}/approve")
    assert (refused.status_code, refused.json()["sentences"]) == (422, ["We will win"])


async def test_of_two_who_approve_at_once_one_wins_and_the_other_hears_it(world: World) -> None:
    at = await scene(world)
    made = await at.draft()
    path = f"/v1/updates/{made['id']}/approve"
    answers = await asyncio.gather(*(at.call("POST", path) for _ in range(3)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409]
    assert {one.json().get("code") for one in answers} == {None, "update-decided"}


async def test_what_is_approved_can_be_taken_back_until_its_window_has_passed(
    world: World,
) -> None:
    at = await scene(world)
    made = await at.draft()
    await at.call("POST", f"/v1/updates/{made['id']}/approve")
    assert (await at.call("POST", f"/v1/updates/{made['id']}/cancel")).status_code == 200
    await world.rows("UPDATE progress_updates SET releases_at = now() RETURNING 1")
    await asyncio.sleep(1)
    assert await world.told(ProgressUpdateApproved) == []


async def test_what_came_back_was_not_heard_and_a_call_makes_it_good(swift: World) -> None:
    at = await scene(swift)
    made = await at.draft()
    await at.call("POST", f"/v1/updates/{made['id']}/approve")
    await eventually(lambda: swift.told(ProgressUpdateApproved))
    failed = at.message(made, failed_at=NOW, status="5.1.1")
    await swift.hear(MessageFailed(**failed))
    await swift.hear(MessageSent(**at.message(made, kind="update", channel="email", sent_at=NOW)))
    bounced = at.message(made, bounced_at=NOW, status="5.1.1")
    await swift.hear(MessageBounced(**bounced))
    assert (await at.call("GET", f"/v1/updates/{made['id']}")).json()["state"] == "failed"
    told = {"channel": "phone", "held_at": datetime.now(UTC).isoformat(), "note": "Told her all."}
    answer = await at.call("POST", f"/v1/updates/{made['id']}/told", told)
    assert (answer.status_code, answer.json()["state"]) == (200, "sent"), answer.text
    assert [one.channel for one in await swift.told(ProgressUpdateSent)] == ["email", "phone"]


async def test_who_prefers_a_call_is_called_and_the_note_counts(world: World) -> None:
    at = await scene(world, updates="call")
    made = await at.draft()
    assert made["format"] == "call"
    refused = await at.call("POST", f"/v1/updates/{made['id']}/approve")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    told = {"channel": "phone", "held_at": datetime.now(UTC).isoformat(), "note": "Told her all."}
    assert (await at.call("POST", f"/v1/updates/{made['id']}/told", told)).status_code == 200
    (done,) = await world.told(ProgressUpdateSent)
    assert done.note is not None
    assert await world.opened(done.note) == "Told her all."
    again = await at.call("POST", f"/v1/updates/{made['id']}/told", told)
    assert (again.status_code, again.json()["code"]) == (409, "update-decided")


async def test_what_is_drafted_follows_the_clients_wish_of_now(world: World) -> None:
    at = await scene(world, updates="phone")
    made = await at.draft()
    assert made["format"] == "call", "a wish may be named as the channel is"
    path = f"/v1/clients/{at.matter['client_id']}/preferences"
    for wish, answer in (("meeting", 422), ("portal", 200)):
        wished = {"preferences": {"updates": wish}}
        assert (await at.call("PUT", path, wished, **at.client)).status_code == 200
        approved = await at.call("POST", f"/v1/updates/{made['id']}/approve")
        assert approved.status_code == answer, approved.text


async def test_a_client_asks_with_one_click_and_sees_by_when_it_is_due(world: World) -> None:
    at = await scene(world)
    path = f"/v1/matters/{at.matter['id']}/update-requests"
    first = (await at.call("POST", path, **at.client)).json()
    assert first["due_at"] is None
    (told,) = await world.told(UpdateRequested)
    due = UpdateDue(
        clock_id=new_id(),
        matter_id=at.matter["id"],
        client_id=at.matter["client_id"],
        opened_at=told.requested_at,
        target_at=told.requested_at + timedelta(days=1),
        limit_at=told.requested_at + timedelta(days=2),
        prompted_at=told.requested_at,
        time_zone="UTC",
        policy_version=1,
        calendar_version=0,
    )
    await world.hear(due)
    again = (await at.call("POST", path, **at.client)).json()
    assert again["id"] == first["id"]
    assert datetime.fromisoformat(again["due_at"]) == due.limit_at
    assert len(await world.told(UpdateRequested)) == 1
    made = await at.draft("request")
    held = {"channel": "video", "held_at": datetime.now(UTC).isoformat(), "note": "Explained it."}
    await at.call("POST", f"/v1/updates/{made['id']}/told", held)
    third = (await at.call("POST", path, **at.client)).json()
    assert third["id"] != first["id"], "answered: the next click is a new question"
    other = {"role": "client", "client_id": str(new_id())}
    assert (await at.call("POST", path, **other)).status_code == 404


async def test_a_client_who_was_answered_in_another_way_asks_anew(world: World) -> None:
    at = await scene(world)
    path = f"/v1/matters/{at.matter['id']}/update-requests"
    asked = [(await at.call("POST", path, **at.client)).json()["id"]]
    author = {"conversation_id": new_id(), "staff_id": new_id(), "matter_id": at.matter["id"]}
    of = {"message_id": new_id(), "client_id": at.matter["client_id"], **author}
    answer = MessageSent(kind="answer", channel="email", sent_at=datetime.now(UTC), **of)
    await world.hear(answer)
    asked.append((await at.call("POST", path, **at.client)).json()["id"])
    await world.hear(answer)  # heard again: it was sent before they asked again
    early = {"two_way": True, "channel": "phone", "direction": "outbound", "held_at": NOW}
    async with world.runtime.db.transaction() as session:
        note = seal(session, UUID(at.matter["client_id"]), new_id(), "call", "note", "Told all.")
    await world.hear(
        CallLogged(**of | {"message_id": new_id()}, **early, entered_at=NOW, note=note)
    )
    assert (await at.call("POST", path, **at.client)).json()["id"] == asked[1], "a call before it"
    assert asked[0] != asked[1]
    assert len(await world.told(UpdateRequested)) == 2


async def test_a_cadence_is_promised_told_and_not_overwritten_unseen(world: World) -> None:
    at = await scene(world)
    path = f"/v1/matters/{at.matter['id']}/cadence"
    match = {"If-Match": '"0"'}
    answer = await at.call("PUT", path, {"days": 14}, headers=match, **at.ada)
    assert answer.status_code == 200, answer.text
    stale = await at.call("PUT", path, {"days": 30}, headers=match, **at.ada)
    assert stale.status_code == 412
    assert (await at.call("PUT", path, {"days": 0})).status_code == 422
    (told,) = await world.told(CadencePromised)
    assert (told.days, told.revision) == (14, 1)


async def test_clients_see_what_was_sent_and_nothing_that_is_being_written(world: World) -> None:
    at = await scene(world)
    made = await at.draft()
    listed = await at.call("GET", f"/v1/matters/{at.matter['id']}/updates", **at.client)
    assert listed.json()["items"] == []
    assert (await at.call("GET", f"/v1/updates/{made['id']}", **at.client)).status_code == 404
    paralegal = {"role": "paralegal", "email": at.ada["email"]}
    answer = await at.call("POST", f"/v1/updates/{made['id']}/approve", **paralegal)
    assert answer.status_code == 403


async def test_an_older_due_that_is_heard_again_changes_nothing(world: World) -> None:
    at = await scene(world)
    facts = {
        "clock_id": new_id(), "matter_id": at.matter["id"], "client_id": at.matter["client_id"],
        "opened_at": NOW, "time_zone": "UTC", "policy_version": 1, "calendar_version": 0,
    }  # fmt: skip

    def due(revision: int, days: int) -> UpdateDue:
        at_last = NOW + timedelta(days=days)
        return UpdateDue(revision=revision, target_at=at_last, limit_at=at_last, **facts)

    await world.hear(due(1, 28), due(2, 3), due(1, 28))
    of = {name: facts[name] for name in ("clock_id", "matter_id", "client_id")}
    of |= {"kind": "update", "conversation_id": at.matter["id"], "message_ids": ()}
    breached = {"due_at": NOW + timedelta(days=3), "detected_at": NOW, "policy_version": 1}
    await world.hear(DeadlineBreached(**of, **breached))
    ((state, limit_at, breached_at),) = await world.rows(
        "SELECT state, limit_at, breached_at FROM owed"
    )
    assert (state, limit_at, breached_at) == ("breached", NOW + timedelta(days=3), limit_at)


@given(
    st.sampled_from(sorted(SUBJECTS)),
    st.lists(st.text(min_size=1, max_size=80), max_size=4),
    st.text(max_size=80),
)
def test_a_draft_says_everything_that_it_was_given(about: Any, news: list[str], note: str) -> None:
    facts = Facts(
        client="Cleo",
        contact="Ada",
        matter="Tenancy",
        zone=ZoneInfo("Europe/Lisbon"),
        news=[Named(name=one, at=NOW) for one in news],
        note=note,
        upcoming=[Named(name="Hearing", at=NOW)],
    )
    made = draft(about, facts)
    assert made.subject
    for words in (*news, note, "Cleo", "Ada", "Hearing (Monday, 6 July 2026)."):
        assert words in made.body
    assert ("nothing new" in made.body) == (not news)


def test_no_word_of_a_report_runs_off_the_page_however_long_it_is() -> None:
    link = "https://courts.example.org/" + "a" * 160
    pdf = report(
        firm="Harbour & Vale",
        matter=link,
        subject=link,
        body=f"See\n{link}.",
        date="Monday",
        at=NOW,
    )
    assert right_edge(pdf) < 0.95


def test_a_report_is_the_same_bytes_for_the_same_words_and_no_word_is_markup() -> None:
    words = {"firm": "Harbour & Vale", "matter": "2026-1 Tenancy", "subject": "#panic() *stands*"}
    words |= {"body": 'Dear Cleo,\n\n#read("x") $x^2$ @a <b>\n– one\n– two', "date": "Monday"}
    one, two = report(**words, at=NOW), report(**words, at=NOW)
    assert one == two
    assert one.startswith(b"%PDF-")
    assert len(one) < 120_000, "it travels, sealed, in an event of at most 256 KiB"
