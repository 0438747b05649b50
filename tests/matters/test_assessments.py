"""How the firm sees a case: in versions, acknowledged, and never a promise of an outcome."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.assessments.rules import promises_in
from shared.contracts.matters import (
    CaseAssessmentAcknowledged,
    CaseAssessmentShared,
    ProgressUpdateApproved,
)
from shared.ids import new_id
from support.firm import World, firm_in
from support.platform import Platform
from support.waiting import eventually

VIEW = {
    "prospects": "We think that between 40 and 60 of a hundred such cases end well for the tenant.",
    "risks": "The lease of 2019 may not be valid; then the claim fails.",
    "limits": "We have not seen the landlord's papers.",
    "timeline": "Nine to fifteen months until a judgment.",
}


async def scene(world: World) -> tuple[str, dict[str, Any], dict[str, Any]]:
    ada = await world.staff("Ada")
    matter = await world.matter(await world.client(ada), ada)
    path = f"/v1/matters/{matter['id']}/assessments"
    client = {"role": "client", "client_id": matter["client_id"]}
    return path, {"role": "attorney", "email": ada["email"]}, client


async def test_versions_are_shared_kept_and_the_newest_acknowledged(world: World) -> None:
    path, ada, client = await scene(world)
    first = await world.call("POST", path, VIEW, **ada)
    assert first.status_code == 201, first.text
    changed = VIEW | {"prospects": "Less likely than before: 20 to 40 of a hundred."}
    second = (await world.call("POST", path, changed | {"follows": 1}, **ada)).json()
    stale = await world.call("POST", f"/v1/assessments/{first.json()['id']}/acknowledge", **client)
    assert (stale.status_code, stale.json()["code"]) == (409, "another-is-newest")
    for _ in range(2):
        answer = await world.call("POST", f"/v1/assessments/{second['id']}/acknowledge", **client)
        assert answer.status_code == 200, answer.text
    versions = (await world.call("GET", path, **client)).json()["items"]
    assert [one["version"] for one in versions] == [1, 2]
    assert versions[0]["prospects"] == VIEW["prospects"]
    told = await world.told(CaseAssessmentShared)
    assert await world.opened(told[1].prospects) == changed["prospects"]
    (read,) = await world.told(CaseAssessmentAcknowledged)
    assert (read.assessment_version, str(read.acknowledged_by)) == (2, client["client_id"])


async def test_a_changed_view_asks_the_client_anew_by_itself_in_writing(platform: Platform) -> None:
    async with firm_in(platform, matters_undo=0.0) as world:
        path, ada, client = await scene(world)
        standing = f"{path.removesuffix('/assessments')}/standing"

        async def asked() -> list[str]:
            owed = (await world.call("GET", standing, **client)).json()["owed"]
            return [one["id"] for one in owed if one["kind"] == "assessment"]

        first = (await world.call("POST", path, VIEW, **ada)).json()
        assert await asked() == [first["id"]]
        await world.call("POST", f"/v1/assessments/{first['id']}/acknowledge", **client)
        assert await asked() == []
        second = (await world.call("POST", path, VIEW | {"follows": 1}, **ada)).json()
        assert await asked() == [second["id"]]
        letters = await eventually(
            lambda: world.told(ProgressUpdateApproved), lambda found: len(found) == 2
        )
        words = [await world.opened(one.body) for one in letters]
        assert all(VIEW["risks"] in one and "you have read this" in one for one in words)
        assert "differently now" in words[1]
        assert all(one.report for one in letters)


async def test_who_does_not_use_the_portal_acknowledges_through_a_person_who_notes_how(
    world: World,
) -> None:
    path, ada, client = await scene(world)
    shared = (await world.call("POST", path, VIEW, **ada)).json()
    acknowledge = f"/v1/assessments/{shared['id']}/acknowledge"
    how = {"channel": "letter", "writing_id": str(new_id())}
    for body, by in ((None, ada), (how, client), (how | {"channel": "portal"}, ada)):
        assert (await world.call("POST", acknowledge, body, **by)).status_code == 422
    noted = await world.call("POST", acknowledge, how, **ada)
    assert (noted.status_code, noted.json()["channel"]) == (200, "letter"), noted.text
    (read,) = await world.told(CaseAssessmentAcknowledged)
    assert (str(read.acknowledged_by), read.channel) == (client["client_id"], "letter")
    assert (str(read.writing_id), read.recorded_by) == (how["writing_id"], read.recorded_by)
    assert read.recorded_by is not None


async def test_of_two_who_share_at_once_one_wins(world: World) -> None:
    path, ada, _ = await scene(world)
    answers = await asyncio.gather(*(world.call("POST", path, VIEW, **ada) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert {one.json().get("code") for one in answers} == {None, "shared-meanwhile"}


async def test_words_that_promise_an_outcome_are_refused_and_shown(world: World) -> None:
    path, ada, _ = await scene(world)
    promise = VIEW | {"prospects": "The lease is clear. We will win this case. Do not worry."}
    answer = await world.call("POST", path, promise, **ada)
    assert (answer.status_code, answer.json()["code"]) == (422, "promises-outcome")
    assert answer.json()["sentences"] == ["We will win this case."]
    assert await world.told(CaseAssessmentShared) == []


@pytest.mark.parametrize(
    "words",
    [
        "We guarantee a good result.",
        "You will certainly win.",
        "We are certain to succeed.",
        "There is no risk.",
        "We cannot lose!",
        "I promise you that the court will agree.",
        "The judge will surely decide in your favor.",
        "This is a sure thing.",
        "There is a 100% chance.",
        "You will be acquitted",
        "YOU WILL GET THE HOUSE.",
    ],
)
def test_promises_are_found(words: str) -> None:
    assert promises_in(f"The file is complete. {words}") == [words]


@pytest.mark.parametrize(
    "words",
    [
        "We cannot guarantee any result.",
        "Nobody can promise you that the court will agree.",
        "If you win, the other side pays part of the costs.",
        "Whether we will succeed depends on the witness.",
        "The court will decide in June.",
        "We send you the judgment by post.",
        "Between 40 and 60 of a hundred such cases succeed.",
        "We do not say that there is no risk.",
    ],
)
def test_honest_words_are_let_through(words: str) -> None:
    assert promises_in(words) == []


@given(st.text(max_size=300))
def test_whatever_is_found_stands_in_the_text(text: str) -> None:
    assert all(sentence in text for sentence in promises_in(text))
