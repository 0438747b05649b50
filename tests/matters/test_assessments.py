"""How the firm sees a case: in versions, acknowledged, and never a promise of an outcome."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.assessments.rules import promises_in
from matters.milestones.rules import SHIPPED, shipped
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
        "Don’t worry, we’ll win.",
        "Do not worry, you will win.",
        "We will\nwin.",
        "We will\u00a0win.",
        "We will wi\u00adn.",
        "We w\u200bill w\u0456n.",
        "\uff37\uff45 \uff57\uff49\uff4c\uff4c \uff57\uff49\uff4e.",
        "We are-going-to-win.",
        "No doubt we will win.",
        "Without question you will win.",
        "Even if they appeal, we will win.",
        "They have no case and you will absolutely win.",
        "You will of course keep the children.",
        "You can’t lose.",
        "You won’t lose this case.",
        "There is no way that we lose.",
        "You are not going to go to prison.",
        "The judge will find in our favour.",
        "The court is certainly going to rule for you.",
        "The jury will believe you.",
        "Your visa will be approved.",
        "The charges will be dropped.",
        "Their claim will fail.",
        "Success is guaranteed.",
        "I give you my word that your claim will hold.",
        "I can promise you a good outcome.",
        "Your chances are 100 per cent.",
        "It is a slam-dunk.",
        "Victory is certain.",
        "I have no doubt about the outcome.",
        "You certainly will win in May.",
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
        "We will keep you informed.",
        "We will keep your file for seven years.",
        "You will receive a copy by post.",
        "You will receive the judgment by post.",
        "I will get back to you on Monday.",
        "We will obtain the police report.",
        "We will avoid the holidays.",
        "Please be sure to keep your receipts.",
        "The bank's guarantee of 2019 may not be valid.",
        "The seller guaranteed the roof for ten years.",
        "The rent is guaranteed by the parent company.",
        "You own 100% of the shares.",
        "You have no doubt heard from the landlord.",
        "The court will decide, and we will write to you.",
        "The judge will find a date that suits us.",
        "I assure you that we read every page.",
        "I promise you the papers by Friday.",
        "You will probably win.",
        "It is likely that we will succeed.",
        "You will win if the court believes the witness.",
        "If the court believes Mrs Miller, we will win.",
        "You will win or lose on the evidence of two people.",
        "Your application will be granted or refused by June.",
        "We don’t know whether you’ll get the house.",
        "We will not lose sight of it.",
        "You will succeed your father as trustee.",
        "You will be released from the lease in May.",
        "You may ask whether we will win: nobody knows.",
    ],
)
def test_honest_words_are_let_through(words: str) -> None:
    assert promises_in(words) == []


@pytest.mark.parametrize("area", SHIPPED)
def test_no_shipped_plan_promises_an_outcome(area: str) -> None:
    plan = shipped(area)
    assert plan is not None
    assert promises_in("\n\n".join(f"{one.name}\n{one.meaning}" for one in plan.milestones)) == []


@given(st.text(max_size=300))
def test_whatever_is_found_stands_in_the_text(text: str) -> None:
    assert all(sentence in text for sentence in promises_in(text))
