"""Several clients of one matter: each is told, asked, answered and walled off on their own, and
what they decided together is what all of them answered."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.decisions.rules import jointly
from shared.contracts.intake import JointlyEngaged
from shared.contracts.matters import (
    CaseAssessmentAcknowledged,
    CaseAssessmentShared,
    ClientRegistered,
    DecisionRecorded,
    DecisionRequested,
    DecisionWithdrawn,
    JointClientJoined,
    JointClientLeft,
    ProgressUpdateApproved,
    ProgressUpdateSent,
    UpdateRequested,
    WallLowered,
    WallRaised,
)
from shared.contracts.messaging import MessageSent
from shared.ids import new_id
from shared.keyring import seal
from support.firm import World, firm_in
from support.platform import Platform
from support.prospect import Prospect
from support.statements import statements_of
from support.waiting import eventually

REASON = "Both asked for it, and signed that nothing stays secret between them."
VIEW = {
    "prospects": "Between 40 and 60 in a hundred.",
    "risks": "The expert may see it otherwise.",
    "limits": "We have not seen the file of the court.",
    "timeline": "Nine to fifteen months.",
}


class Scene:
    """Cleo's matter; Marc is a client of the firm who may join it."""

    def __init__(self, world: World, ada: Any, cleo: Any, marc: Any, matter: Any) -> None:
        self.world, self.matter = world, matter
        self.path = f"/v1/matters/{matter['id']}"
        self.ids = {"cleo": cleo["id"], "marc": marc["id"]}
        self.ada = {"role": "attorney", "email": ada["email"]}
        self.cleo = {"role": "client", "client_id": cleo["id"]}
        self.marc = {"role": "client", "client_id": marc["id"]}

    async def join(self, name: str = "marc") -> Any:
        body = {"client_id": self.ids[name], "reason": REASON}
        return await self.world.call("POST", f"{self.path}/joint-clients", body)

    async def leave(self, name: str = "marc") -> Any:
        path = f"{self.path}/joint-clients/{self.ids[name]}/leave"
        return await self.world.call("POST", path, {"reason": "They part."})

    async def call(self, method: str, path: str, body: Any = None, **by: Any) -> Any:
        answer = await self.world.call(method, path, body, **(by or self.ada))
        assert answer.is_success, answer.text
        return answer.json()

    async def items(self, path: str, **by: Any) -> Any:
        return (await self.call("GET", path, **by))["items"]

    async def put(self) -> Any:
        """A settlement offer; the decisions of both by name."""
        body = {
            "kind": "settlement_offer",
            "question": "They offer 9,000 for all.",
            "options": [
                {"key": "accept", "text": "Accept", "consequences": "It ends."},
                {"key": "refuse", "text": "Refuse", "consequences": "It goes on."},
            ],
            "recommendation": "Accept.",
            "reply_by": (datetime.now(UTC) + timedelta(days=3)).isoformat(),
        }
        await self.call("POST", f"{self.path}/decisions", body)
        put = await self.items(f"{self.path}/decisions")
        names = {client_id: name for name, client_id in self.ids.items()}
        return {names[one["client_id"]]: one for one in put}

    async def answer(self, decision: Any, option: str, **by: Any) -> Any:
        body = {"option": option}
        return await self.call("POST", f"/v1/decisions/{decision['id']}/answer", body, **by)


async def scene_in(world: World, **marcs: Any) -> Scene:
    ada = await world.staff("Ada")
    cleo, marc = await world.client(ada), await world.client(ada, "Marc", **marcs)
    return Scene(world, ada, cleo, marc, await world.matter(cleo, ada))


@pytest.fixture
async def at(world: World) -> Scene:
    return await scene_in(world)


@pytest.fixture
async def swift(platform: Platform) -> AsyncIterator[World]:
    async with firm_in(platform, matters_undo=0.0) as world:
        yield world


async def test_who_joins_reads_the_matter_until_they_leave(world: World, at: Scene) -> None:
    assert (await world.call("GET", at.path, **at.marc)).status_code == 404
    assert (await at.join()).status_code == 201
    shown = await at.call("GET", at.path, **at.marc)
    assert shown["joint_client_ids"] == [at.ids["marc"]]
    assert [one["id"] for one in await at.items("/v1/matters", **at.marc)] == [at.matter["id"]]
    (joined,) = await world.told(JointClientJoined)
    assert (str(joined.client_id), str(joined.joint_client_id)) == (*at.ids.values(),)
    assert await world.opened(joined.reason) == REASON
    again = await at.join()
    assert (again.status_code, again.json()["code"]) == (409, "already-joint")
    own = await at.join("cleo")
    assert (own.status_code, own.json()["code"]) == (409, "already-joint")
    assert (await at.leave()).status_code == 204
    assert (await at.leave()).status_code == 404
    assert (await at.leave("cleo")).status_code == 404, "the matter's own client stays"
    assert (await world.call("GET", at.path, **at.marc)).status_code == 404
    assert len(await world.told(JointClientLeft)) == 1
    assert (await at.join()).status_code == 201, "they may come again"
    memberships = {one.membership_id for one in await world.told(JointClientJoined)}
    assert len(memberships) == 2


async def test_of_two_who_enter_the_same_client_at_once_one_hears_it(at: Scene) -> None:
    answers = await asyncio.gather(*(at.join() for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [201, 409]


async def test_only_partners_and_integrations_change_who_the_clients_are(
    world: World, at: Scene
) -> None:
    body = {"client_id": at.ids["marc"], "reason": REASON}
    for by in (at.ada, at.cleo, {"role": "paralegal"}):
        refused = await world.call("POST", f"{at.path}/joint-clients", body, **by)
        assert refused.status_code == 403


async def test_who_works_on_the_matter_reads_the_joint_client_too(world: World) -> None:
    """Marc's own contact is somebody else."""
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    cleo, marc = await world.client(ada), await world.client(alan, "Marc")
    at = Scene(world, ada, cleo, marc, await world.matter(cleo, ada))
    assert (await world.call("GET", f"/v1/clients/{marc['id']}", **at.ada)).status_code == 404
    await at.join()
    assert (await at.call("GET", f"/v1/clients/{marc['id']}"))["name"] == "Marc"
    assert {one["name"] for one in await at.items("/v1/clients")} == {"Cleo", "Marc"}


async def test_what_is_approved_once_goes_to_each_under_their_own_key(swift: World) -> None:
    at = await scene_in(swift)
    await at.join()
    draft = await at.call("POST", f"{at.path}/updates", {"about": "no_news"})
    assert draft["body"].startswith("Dear Cleo and Marc,")
    await at.call("POST", f"/v1/updates/{draft['id']}/approve")
    approved = await eventually(
        lambda: swift.told(ProgressUpdateApproved), lambda told: len(told) == 2
    )
    assert {str(one.client_id) for one in approved} == set(at.ids.values())
    for one in approved:
        assert one.body.owner == one.client_id
        assert await swift.opened(one.body) == draft["body"]
        assert one.report is not None, "each has a report of their own"
    marcs = next(one for one in approved if str(one.client_id) == at.ids["marc"])
    sent = MessageSent(
        message_id=marcs.update_id,
        conversation_id=new_id(),
        client_id=marcs.client_id,
        matter_id=marcs.matter_id,
        kind="update",
        channel="email",
        sent_at=datetime.now(UTC),
    )
    await swift.hear(sent, sent)
    (told,) = await swift.told(ProgressUpdateSent)
    assert told.client_id == marcs.client_id, "Cleo has not heard it"
    shown = await at.items(f"{at.path}/updates", **at.marc)
    assert [one["id"] for one in shown] == [str(marcs.update_id)]
    assert await at.items(f"{at.path}/updates", **at.cleo) == []
    foreign = next(one for one in approved if one is not marcs)
    path = f"/v1/updates/{foreign.update_id}"
    assert (await swift.call("GET", path, **at.marc)).status_code == 404
    standing = await at.call("GET", f"{at.path}/standing")
    assert (standing["last_told_at"], standing["silent_days"]) == (None, 0)
    marc_sees = await at.call("GET", f"{at.path}/standing", **at.marc)
    assert [one["client_id"] for one in marc_sees["told"]] == [at.ids["marc"]]
    assert marc_sees["last_told_at"] is not None


async def test_who_prefers_a_call_is_called_while_the_other_gets_a_letter(world: World) -> None:
    at = await scene_in(world, preferences={"updates": "call"})
    await at.join()
    draft = await at.call("POST", f"{at.path}/updates", {"about": "no_news"})
    await at.call("POST", f"/v1/updates/{draft['id']}/approve")
    cleos, marcs = sorted(
        await at.items(f"{at.path}/updates"), key=lambda one: one["client_id"] != at.ids["cleo"]
    )
    assert (cleos["state"], marcs["state"], marcs["format"]) == ("approved", "draft", "call")
    assert cleos["draft_id"] == marcs["draft_id"]
    said = {"channel": "phone", "held_at": datetime.now(UTC).isoformat(), "note": "Told him."}
    await at.call("POST", f"/v1/updates/{marcs['id']}/told", said)
    (told,) = await world.told(ProgressUpdateSent)
    assert (str(told.client_id), told.channel) == (at.ids["marc"], "phone")


async def test_a_meeting_of_all_is_entered_once_and_counts_for_each(
    world: World, at: Scene
) -> None:
    await at.join()
    draft = await at.call("POST", f"{at.path}/updates", {"about": "no_news"})
    met = {"channel": "in_person", "held_at": datetime.now(UTC).isoformat(), "note": "Both came."}
    await at.call("POST", f"/v1/updates/{draft['id']}/told", met | {"together": True})
    told = await world.told(ProgressUpdateSent)
    assert {str(one.client_id) for one in told} == set(at.ids.values())


async def test_who_left_is_not_told_what_was_approved_before(world: World, at: Scene) -> None:
    await at.join()
    draft = await at.call("POST", f"{at.path}/updates", {"about": "no_news"})
    await at.call("POST", f"/v1/updates/{draft['id']}/approve")
    await at.leave()
    states = {one["client_id"]: one["state"] for one in await at.items(f"{at.path}/updates")}
    assert states == {at.ids["cleo"]: "approved", at.ids["marc"]: "cancelled"}


async def test_while_it_is_a_draft_of_several_its_words_change_for_all_of_them(
    world: World, at: Scene
) -> None:
    """One was told in person: to the two others it is still owed."""
    contact = {"id": (await at.call("GET", at.path))["point_of_contact_id"]}
    at.ids["mara"] = (await world.client(contact, "Mara"))["id"]
    await at.join()
    await at.join("mara")
    draft = await at.call("POST", f"{at.path}/updates", {"about": "no_news"})
    said = {"channel": "phone", "held_at": datetime.now(UTC).isoformat(), "note": "Told her."}
    await at.call("POST", f"/v1/updates/{draft['id']}/told", said)
    left = [one for one in await at.items(f"{at.path}/updates") if one["state"] == "draft"]
    words = {"subject": "How it stands", "body": "The court sits in May."}
    await at.call("PUT", f"/v1/updates/{left[0]['id']}", words)
    bodies = {one["client_id"]: one["body"] for one in await at.items(f"{at.path}/updates")}
    assert bodies[at.ids["marc"]] == bodies[at.ids["mara"]] == words["body"]
    assert bodies[at.ids["cleo"]] == draft["body"], "what she was told stands"


async def test_each_asks_for_an_update_of_their_own(world: World, at: Scene) -> None:
    await at.join()
    for by in (at.cleo, at.marc, at.marc):
        await at.call("POST", f"{at.path}/update-requests", **by)
    asked = [str(one.client_id) for one in await world.told(UpdateRequested)]
    assert asked == [at.ids["cleo"], at.ids["marc"]]


async def test_each_answers_for_themselves_and_divided_they_decided_nothing(
    world: World, at: Scene
) -> None:
    await at.join()
    put = await at.put()
    assert {one["jointly"] for one in put.values()} == {"waiting"}
    requested = await world.told(DecisionRequested)
    assert {one.question.owner for one in requested} == {one.client_id for one in requested}
    foreign = {"option": "accept"}
    path = f"/v1/decisions/{put['cleo']['id']}/answer"
    assert (await world.call("POST", path, foreign, **at.marc)).status_code == 404
    waiting = await at.answer(put["cleo"], "accept", **at.cleo)
    assert (waiting["chosen"], waiting["jointly"]) == ("accept", "waiting")
    assert (await at.answer(put["marc"], "refuse", **at.marc))["jointly"] == "divided"
    recorded = [(one.option, one.jointly) for one in await world.told(DecisionRecorded)]
    assert recorded == [("accept", "waiting"), ("refuse", "divided")]
    (marc_sees,) = await at.items(f"{at.path}/decisions", **at.marc)
    assert (marc_sees["chosen"], marc_sees["jointly"]) == ("refuse", "divided")
    again = await at.put()
    for name, by in (("cleo", at.cleo), ("marc", at.marc)):
        agreed = await at.answer(again[name], "refuse", **by)
    assert agreed["jointly"] == "agreed"


async def test_of_two_who_answer_at_once_one_sees_both(world: World, at: Scene) -> None:
    await at.join()
    put = await at.put()
    await asyncio.gather(
        at.answer(put["cleo"], "accept", **at.cleo), at.answer(put["marc"], "accept", **at.marc)
    )
    told = [one.jointly for one in await world.told(DecisionRecorded)]
    assert told == ["waiting", "agreed"]


async def test_a_withdrawn_decision_is_asked_of_nobody_and_who_leaves_is_asked_no_more(
    world: World, at: Scene
) -> None:
    await at.join()
    first = await at.put()
    path = f"/v1/decisions/{first['cleo']['id']}/withdraw"
    await at.call("POST", path, {"text": "They took it back."})
    assert len(await world.told(DecisionWithdrawn)) == 2
    await at.put()
    await at.leave()
    withdrawn = await world.told(DecisionWithdrawn)
    assert str(withdrawn[-1].client_id) == at.ids["marc"]
    (left,) = [one for one in await at.items(f"{at.path}/decisions") if one["state"] == "requested"]
    assert left["client_id"] == at.ids["cleo"]
    assert (await at.answer(left, "accept", **at.cleo))["jointly"] == "agreed"


ANSWERS = st.lists(
    st.tuples(st.sampled_from(["requested", "recorded", "withdrawn"]), st.sampled_from("ab")),
    min_size=1,
    max_size=5,
)


@given(ANSWERS)
def test_together_is_what_all_who_are_asked_answered_alike(answers: list[tuple[str, str]]) -> None:
    """Said another way than the rule says it."""
    given = [(state, chosen if state == "recorded" else None) for state, chosen in answers]
    chosen = {one for state, one in given if state == "recorded"}
    open_ones = [state for state, _ in given if state == "requested"]
    expected = "divided" if len(chosen) == 2 else "waiting" if open_ones else "agreed"
    assert jointly(given) == expected


async def test_an_assessment_is_shared_with_each_and_acknowledged_by_each(
    world: World, at: Scene
) -> None:
    await at.join()
    await at.call("POST", f"{at.path}/assessments", VIEW)
    shared = await world.told(CaseAssessmentShared)
    assert {str(one.client_id) for one in shared} == set(at.ids.values())
    for by in (at.cleo, at.marc):
        (own,) = await at.items(f"{at.path}/assessments", **by)
        await at.call("POST", f"/v1/assessments/{own['id']}/acknowledge", **by)
    acknowledged = await world.told(CaseAssessmentAcknowledged)
    assert [str(one.client_id) for one in acknowledged] == [at.ids["cleo"], at.ids["marc"]]
    await at.call("POST", f"{at.path}/assessments", VIEW | {"follows": 1})
    owed = (await at.call("GET", f"{at.path}/standing"))["owed"]
    waiting = {one["client_id"] for one in owed if one["kind"] == "assessment"}
    assert waiting == set(at.ids.values())


async def test_a_wall_around_either_stands_around_the_matter_and_falls_with_it(
    world: World, at: Scene
) -> None:
    alan = await world.staff("Alan", "partner")
    seen = {"role": "partner", "email": alan["email"]}
    wall = {"kind": "screen", "reason": "His brother is opposed.", "staff_ids": [alan["id"]]}
    for name, before in (("marc", True), ("cleo", False)):
        raised = wall | {"client_id": at.ids[name]}
        if before:
            first = await world.made("/v1/walls", **raised)
            await at.join()
        else:
            first = await world.made("/v1/walls", **raised)
        assert (await world.call("GET", at.path, **seen)).status_code == 404
        assert (await world.call("GET", at.path)).status_code == 200
        around = [one for one in await world.told(WallRaised) if one.matter_id]
        assert around[-1].client_id == UUID(at.ids["cleo"])
        assert around[-1].reason.owner == UUID(at.ids[name]), "why is told to nobody else"
        body = {"reason": "It is settled."}
        apart = f"/v1/walls/{around[-1].wall_id}/lower"
        refused = await world.call("POST", apart, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "stands-for-another")
        await at.call("POST", f"/v1/walls/{first['id']}/lower", body, role="partner")
        assert (await world.call("GET", at.path, **seen)).status_code == 200
    assert len(await world.told(WallLowered)) == 4


async def test_nobody_joins_before_a_wall_that_shuts_out_who_answers(
    world: World, at: Scene
) -> None:
    alan = await world.staff("Alan", "partner")
    body = {"staff_id": alan["id"]}
    await at.call("PUT", f"/v1/clients/{at.ids['marc']}/point-of-contact", body, role="partner")
    ada = (await world.call("GET", at.path)).json()["point_of_contact_id"]
    wall = {"kind": "screen", "reason": "Opposed.", "staff_ids": [ada]}
    await world.made("/v1/walls", client_id=at.ids["marc"], **wall)
    refused = await at.join()
    assert (refused.status_code, refused.json()["code"]) == (409, "wall-before-contact")
    assert await world.told(JointClientJoined) == [], "refused whole"


async def test_a_wall_and_a_joining_at_once_leave_no_gap(world: World, at: Scene) -> None:
    alan = await world.staff("Alan", "partner")
    wall = {"client_id": at.ids["marc"], "kind": "screen", "reason": "Opposed."}
    wall |= {"staff_ids": [alan["id"]]}
    await asyncio.gather(world.made("/v1/walls", **wall), at.join())
    seen = await world.call("GET", at.path, role="partner", email=alan["email"])
    assert seen.status_code == 404


async def test_an_entry_that_is_merged_gives_its_place_to_the_one_that_stays(
    world: World, at: Scene
) -> None:
    ada = (await world.call("GET", at.path)).json()["point_of_contact_id"]
    twin = await world.client({"id": ada}, "Marc2")
    await at.join()
    merging = {"merged_id": at.ids["marc"], "reason": "Entered twice."}
    await at.call("POST", f"/v1/clients/{twin['id']}/merge", merging, role="partner")
    (left,) = await world.told(JointClientLeft)
    joined = (await world.told(JointClientJoined))[-1]
    assert (str(left.joint_client_id), str(joined.joint_client_id)) == (at.ids["marc"], twin["id"])
    assert (await at.call("GET", at.path))["joint_client_ids"] == [twin["id"]]


async def test_who_signs_as_a_joint_client_is_one_once(world: World) -> None:
    prospect = Prospect(world)
    ada = await world.staff("Ada")
    await world.hear(await prospect.requested(point_of_contact_id=ada["id"]))
    marc_id = new_id()
    await world.runtime.keys.hold(marc_id, create=True)
    async with world.runtime.db.transaction() as session:
        name = seal(session, marc_id, marc_id, "client", "name", "Marc")
        email = seal(session, marc_id, marc_id, "client", "email", "Marc@clients.test")
    marc = JointlyEngaged(client_id=marc_id, signer_id=new_id(), name=name, email=email)
    signed = (await prospect.signed(ada)).model_copy(update={"joint_clients": (marc,)})
    await world.hear(signed, signed)
    registered = [one for one in await world.told(ClientRegistered) if one.client_id == marc_id]
    assert [one.state for one in registered] == ["active"]
    shown = (await world.call("GET", f"/v1/clients/{marc_id}")).json()
    assert (shown["email"], shown["point_of_contact_id"]) == ("marc@clients.test", ada["id"])
    (joined,) = await world.told(JointClientJoined)
    assert (joined.matter_id, joined.joint_client_id) == (prospect.matter_id, marc_id)


async def test_a_company_speaks_through_somebody_who_is_named(world: World) -> None:
    ada = await world.staff("Ada")
    works = await world.client(ada, "Works", kind="company")
    at = Scene(world, ada, works, works, await world.matter(works, ada))
    put = await at.put()
    decision = next(iter(put.values()))
    path = f"/v1/decisions/{decision['id']}/answer"
    body = {"option": "accept", "channel": "letter", "writing_id": str(new_id())}
    refused = await world.call("POST", path, body, **at.ada)
    assert (refused.status_code, refused.json()["code"]) == (422, "company-needs-voice")
    speaks = {"name": "Dana", "email": "dana@clients.test", "authority": "decide"}
    dana = await world.made(f"/v1/clients/{works['id']}/representatives", **speaks)
    decided = await at.call("POST", path, body | {"representative_id": dana["id"]})
    assert decided["decided_by"] == dana["id"]


async def test_as_many_statements_for_many_clients_as_for_one(world: World, at: Scene) -> None:
    async def statements(path: str) -> int:
        with statements_of(world) as seen:
            await at.call("GET", path)
        return len(seen)

    paths = (at.path, "/v1/matters", f"{at.path}/standing", f"{at.path}/decisions")
    await at.put()
    before = [await statements(path) for path in paths]
    for name in ("Mara", "Mo", "Max"):
        ada = (await world.call("GET", at.path)).json()["point_of_contact_id"]
        at.ids[name] = (await world.client({"id": ada}, name))["id"]
        await at.join(name)
    await at.put()
    after = [await statements(path) for path in paths]
    assert [b <= a + 1 for a, b in zip(before, after, strict=True)] == [True] * len(paths)
