"""Decisions: put once, answered by who may, in the form that they need; the first answer counts."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.decisions.rules import IN_WRITING, needs_writing
from shared.contracts.matters import (
    ClientChanged,
    DecisionExplained,
    DecisionQuestioned,
    DecisionRecorded,
    DecisionRequested,
    DecisionWithdrawn,
    StrategyExplained,
    StrategyQuestioned,
)
from shared.ids import new_id
from support.firm import World

OFFER: dict[str, Any] = {
    "kind": "settlement_offer",
    "question": "The landlord offers 12,000 to end the case. Do you accept?",
    "options": [
        {"key": "accept", "text": "Accept", "consequences": "The case ends; no more is paid."},
        {"key": "refuse", "text": "Refuse", "consequences": "The trial goes on, with its costs."},
    ],
    "recommendation": "Accept: the risk of the trial is greater than what it may bring.",
}


class Scene:
    def __init__(self, world: World, ada: dict[str, Any], matter: dict[str, Any]) -> None:
        self.world, self.matter = world, matter
        self.ada = {"role": "attorney", "email": ada["email"]}
        self.client = {"role": "client", "client_id": matter["client_id"]}

    async def put(self, hours: float = 72, **more: Any) -> Any:
        reply_by = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        body = OFFER | {"reply_by": reply_by} | more
        path = f"/v1/matters/{self.matter['id']}/decisions"
        return await self.world.call("POST", path, body, **self.ada)

    async def answer(self, decision: Any, option: str = "accept", **more: Any) -> Any:
        by = more.pop("by", self.client)
        path = f"/v1/decisions/{decision['id']}/answer"
        return await self.world.call("POST", path, {"option": option, **more}, **by)


@pytest.fixture
async def at(world: World) -> Scene:
    ada = await world.staff("Ada")
    return Scene(world, ada, await world.matter(await world.client(ada), ada))


async def test_a_decision_is_put_answered_in_the_portal_and_told_once(
    world: World, at: Scene
) -> None:
    put = await at.put()
    assert put.status_code == 201, put.text
    assert put.json()["in_writing"], "settlement offers are in writing, asked for or not"
    (told,) = await world.told(DecisionRequested)
    assert await world.opened(told.options[1].consequences) == "The trial goes on, with its costs."
    answered = await at.answer(put.json(), comment="Please hurry.")
    assert (answered.status_code, answered.json()["chosen"]) == (200, "accept"), answered.text
    (done,) = await world.told(DecisionRecorded)
    assert (done.option, done.channel, done.in_writing, done.late) == (
        "accept", "portal", True, False,
    )  # fmt: skip
    assert str(done.decided_by) == at.matter["client_id"]
    values = await world.rows("SELECT encode(value, 'escape') FROM outbox")
    assert not any("12,000" in value or "hurry" in value for (value,) in values)


async def test_no_choice_is_put_with_a_promise(world: World, at: Scene) -> None:
    promise = {"key": "refuse", "text": "Refuse: we’ll win", "consequences": "The trial goes on."}
    refused = await at.put(options=[OFFER["options"][0], promise])
    assert (refused.status_code, refused.json()["code"]) == (422, "promises-outcome")
    assert await world.told(DecisionRequested) == []


async def test_of_two_answers_at_once_the_first_counts(world: World, at: Scene) -> None:
    put = (await at.put()).json()
    answers = await asyncio.gather(at.answer(put, "accept"), at.answer(put, "refuse"))
    assert sorted(one.status_code for one in answers) == [200, 409]
    assert {one.json().get("code") for one in answers} == {None, "already-decided"}
    assert len(await world.told(DecisionRecorded)) == 1


async def test_what_needs_writing_is_not_taken_over_the_phone(world: World, at: Scene) -> None:
    put = (await at.put()).json()
    for told in ({"channel": "phone"}, {"channel": "email"}):
        answer = await at.answer(put, by=at.ada, **told)
        assert (answer.status_code, answer.json()["code"]) == (422, "must-be-in-writing")
    assert (await at.answer(put, by=at.ada)).json()["code"] == "invalid"
    message_id = str(new_id())
    answer = await at.answer(put, by=at.ada, channel="email", writing_id=message_id)
    assert answer.status_code == 200, answer.text
    assert str((await world.told(DecisionRecorded))[0].writing_id) == message_id
    other = (await at.put(kind="strategy")).json()
    assert (await at.answer(other, by=at.ada, channel="phone")).status_code == 200


async def test_only_who_may_decide_decides(world: World, at: Scene) -> None:
    path = f"/v1/clients/{at.matter['client_id']}/representatives"
    people = {}
    for name, authority in (("Marc", "decide"), ("Iris", "inform")):
        body = {"name": name, "email": f"{name}@clients.test", "authority": authority}
        answer = await world.call("POST", path, body, **at.ada)
        assert answer.status_code == 201, answer.text
        people[name] = answer.json()
    (changed,) = (await world.told(ClientChanged))[-1:]
    assert [one.authority for one in changed.contacts] == ["decide", "inform"]
    put = (await at.put()).json()
    iris = at.client | {"email": "iris@clients.test"}
    for refused in (
        await at.answer(put, by=iris),
        await at.answer(put, by=at.client | {"email": "stranger@clients.test"}),
        await at.answer(put, by=at.ada, channel="letter", writing_id=str(new_id()),
                        representative_id=people["Iris"]["id"]),
    ):  # fmt: skip
        assert (refused.status_code, refused.json()["code"]) == (409, "without-authority")
    assert (await at.answer(put, by=at.client | {"email": "marc@clients.test"})).status_code == 200
    (done,) = await world.told(DecisionRecorded)
    assert str(done.decided_by) == people["Marc"]["id"]


async def test_whose_authority_ended_decides_no_more_and_addresses_are_not_shared(
    world: World, at: Scene
) -> None:
    path = f"/v1/clients/{at.matter['client_id']}/representatives"
    body = {"name": "Marc", "email": "marc@clients.test", "authority": "decide"}
    marc = (await world.call("POST", path, body, **at.ada)).json()
    twice = await world.call("POST", path, body, **at.ada)
    assert (twice.status_code, twice.json()["code"]) == (409, "speaks-already")
    gone = await world.call("DELETE", f"/v1/representatives/{marc['id']}", **at.ada)
    assert gone.status_code == 204
    put = (await at.put()).json()
    refused = await at.answer(put, by=at.client | {"email": "marc@clients.test"})
    assert refused.json()["code"] == "without-authority"
    assert (await world.call("POST", path, body, **at.ada)).status_code == 201


async def test_a_decision_after_the_last_hour_counts_and_says_so(world: World, at: Scene) -> None:
    put = (await at.put(hours=0.0002)).json()
    await asyncio.sleep(1)
    assert (await at.answer(put)).status_code == 200
    assert (await world.told(DecisionRecorded))[0].late
    for never in (-1, 24 * 400):
        assert (await at.put(hours=never)).status_code == 422, "no clock counts so far"
    assert (await at.put(reply_by="9999-12-31T23:59:59-12:00")).status_code == 422


async def test_questions_stay_open_until_a_person_answers_them(world: World, at: Scene) -> None:
    put = (await at.put()).json()
    path = f"/v1/decisions/{put['id']}/questions"
    asked = (await world.call("POST", path, {"text": "What if they appeal?"}, **at.client)).json()
    answer = f"/v1/decision-questions/{asked['id']}/answer"
    promise = await world.call("POST", answer, {"text": "Then we will win."}, **at.ada)
    assert promise.json()["code"] == "promises-outcome"
    assert (await world.call("POST", answer, {"text": "It takes a year."}, **at.ada)).is_success
    again = await world.call("POST", answer, {"text": "Or two."}, **at.ada)
    assert (again.status_code, again.json()["code"]) == (409, "already-answered")
    (shown,) = (await world.call("GET", path, **at.client)).json()["items"]
    assert (shown["question"], shown["answer"]) == ("What if they appeal?", "It takes a year.")
    assert (
        len(await world.told(DecisionQuestioned)) == len(await world.told(DecisionExplained)) == 1
    )


async def test_a_concern_about_the_strategy_is_owed_an_answer_and_stands_before_closing(
    world: World, at: Scene
) -> None:
    matter, worry = f"/v1/matters/{at.matter['id']}", {"text": "Why do we not settle?"}
    path = f"{matter}/questions"
    for nobody in (at.ada, {"role": "client", "client_id": str(new_id())}):
        assert (await world.call("POST", path, worry, **nobody)).status_code in (403, 404)
    asked = (await world.call("POST", path, worry, **at.client)).json()
    put = (await at.put()).json()
    about = {"text": "What if they appeal?"}
    await world.call("POST", f"/v1/decisions/{put['id']}/questions", about, **at.client)
    listed = (await world.call("GET", path, **at.ada)).json()["items"]
    assert [one["decision_id"] for one in listed] == [None, put["id"]]
    closing = await world.call(
        "POST", f"{matter}/close", {"reason": "Over.", "letter": "Dear Cleo"}, **at.ada
    )
    assert asked["id"] in {one["id"] for one in closing.json()["open"]}
    answer = f"/v1/decision-questions/{asked['id']}/answer"
    why = await world.call("POST", answer, {"text": "They offered nothing yet."}, **at.ada)
    assert why.status_code == 200, why.text
    assert len(await world.told(StrategyQuestioned)) == 1
    (told,) = await world.told(StrategyExplained)
    assert await world.opened(told.answer) == "They offered nothing yet."
    assert len(await world.told(DecisionQuestioned)) == 1
    assert await world.told(DecisionExplained) == []


async def test_what_is_withdrawn_is_not_decided(world: World, at: Scene) -> None:
    put = (await at.put()).json()
    path = f"/v1/decisions/{put['id']}/withdraw"
    assert (await world.call("POST", path, {"text": "Offer revoked."}, **at.ada)).is_success
    assert (await at.answer(put)).json()["code"] == "already-decided"
    assert len(await world.told(DecisionWithdrawn)) == 1
    assert await world.told(DecisionRecorded) == []


async def test_an_option_that_was_not_put_is_refused_and_others_see_nothing(
    world: World, at: Scene
) -> None:
    put = (await at.put()).json()
    assert (await at.answer(put, "haggle")).status_code == 422
    stranger = {"role": "client", "client_id": str(new_id())}
    assert (await at.answer(put, by=stranger)).status_code == 404


@given(st.sampled_from(sorted(IN_WRITING)), st.booleans())
def test_what_the_rule_needs_in_writing_nobody_waives(kind: Any, asked: bool) -> None:
    assert needs_writing(kind, asked)
    assert needs_writing("strategy", asked) == asked
