"""What happens in a matter: told once, after its undo window, or never."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from matters import ticker
from matters.milestones.rules import SHIPPED, Plan, shipped
from shared.contracts.matters import (
    DeadlineScheduled,
    DevelopmentRecorded,
    MilestoneReached,
    MilestoneReverted,
)
from support.firm import FIRM, World, firm_in
from support.platform import Platform
from support.waiting import eventually


@pytest.fixture
async def swift(platform: Platform) -> AsyncIterator[World]:
    """A firm whose undo window is nothing."""
    async with firm_in(platform, matters_undo=0.0) as world:
        yield world


async def scene(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """A matter, and whoever may enter what happens in it."""
    ada = await world.staff("Ada")
    matter = await world.matter(await world.client(ada), ada)
    return matter, {"role": "attorney", "email": ada["email"]}


async def enter(
    world: World, matter: dict[str, Any], what: str, by: dict[str, Any], **body: Any
) -> Any:
    return await world.call("POST", f"/v1/matters/{matter['id']}/{what}", body, **by)


async def test_a_milestone_is_told_once_when_it_can_no_longer_be_taken_back(swift: World) -> None:
    matter, ada = await scene(swift)
    entered = await enter(swift, matter, "milestones", ada, slug="contract-signed", note="At last.")
    assert entered.status_code == 201, entered.text
    (told,) = await eventually(lambda: swift.told(MilestoneReached))
    assert (told.slug, told.plan, told.plan_version) == ("contract-signed", "real-estate", 1)
    assert told.note is not None
    assert await swift.opened(told.note) == "At last."
    for _ in range(3):
        await ticker.tick(swift.runtime)
    assert len(await swift.told(MilestoneReached)) == 1
    (draft,) = (await swift.call("GET", f"/v1/matters/{matter['id']}/updates")).json()["items"]
    assert (draft["about"], draft["state"]) == ("milestone", "draft")
    assert draft["subject"] == "The contract is signed: Tenancy of 12 Quay Street"
    for words in ("At last.", "dates run that must be kept", "We have examined the title", "Ada"):
        assert words in draft["body"]


async def test_what_is_taken_back_in_its_window_was_never_told(world: World) -> None:
    matter, ada = await scene(world)
    entered = (await enter(world, matter, "milestones", ada, slug="contract-signed")).json()
    await ticker.tick(world.runtime)
    path = f"/v1/happenings/{entered['id']}/revert"
    assert (await world.call("POST", path, {"reason": "Wrong matter."}, **ada)).status_code == 200
    again = await world.call("POST", path, {"reason": "Wrong matter."}, **ada)
    assert (again.status_code, again.json()["code"]) == (409, "already-reverted")
    await world.rows("UPDATE happenings SET tells_at = now() RETURNING 1")
    await ticker.tick(world.runtime)
    assert await world.told(MilestoneReached) + await world.told(MilestoneReverted) == []
    assert (await world.call("GET", f"/v1/matters/{matter['id']}/updates")).json()["items"] == []
    assert (
        await enter(world, matter, "milestones", ada, slug="contract-signed")
    ).status_code == 201


async def test_what_was_told_is_reverted_and_its_draft_cancelled(swift: World) -> None:
    matter, ada = await scene(swift)
    entered = (await enter(swift, matter, "milestones", ada, slug="contract-signed")).json()
    await eventually(lambda: swift.told(MilestoneReached))
    path = f"/v1/happenings/{entered['id']}/revert"
    assert (await swift.call("POST", path, {"reason": "Wrong matter."}, **ada)).status_code == 200
    (told,) = await swift.told(MilestoneReverted)
    assert await swift.opened(told.reason) == "Wrong matter."
    (draft,) = (await swift.call("GET", f"/v1/matters/{matter['id']}/updates")).json()["items"]
    assert draft["state"] == "cancelled"


async def test_of_two_who_reach_the_same_milestone_at_once_one_is_refused(world: World) -> None:
    matter, ada = await scene(world)
    answers = await asyncio.gather(
        *(enter(world, matter, "milestones", ada, slug="contract-signed") for _ in range(3))
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    assert {one.json().get("code") for one in answers} == {None, "already-reached"}


async def test_of_two_who_take_the_same_back_at_once_one_hears_it(swift: World) -> None:
    matter, ada = await scene(swift)
    reached = (await enter(swift, matter, "milestones", ada, slug="contract-signed")).json()
    await eventually(lambda: swift.told(MilestoneReached))
    path, why = f"/v1/happenings/{reached['id']}/revert", {"reason": "The wrong matter."}
    answers = await asyncio.gather(*(swift.call("POST", path, why, **ada) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [200, 409]
    assert {one.json().get("code") for one in answers} == {None, "already-reverted"}
    assert len(await swift.told(MilestoneReverted)) == 1


async def test_developments_and_deadlines_are_told_and_a_moved_deadline_again(
    swift: World,
) -> None:
    await swift.call("PUT", "/v1/firm", FIRM)
    matter, ada = await scene(swift)
    summary = "The seller has named another lawyer."
    await enter(swift, matter, "developments", ada, summary=summary, significant=False)
    year = datetime.now(UTC).year + 1
    due = {"title": "Closing", "due": f"{year}-07-15T17:00"}
    entered = (await enter(swift, matter, "deadlines", ada, **due)).json()
    assert entered["at"] == f"{year}-07-15T21:00:00Z"
    (development,) = await eventually(lambda: swift.told(DevelopmentRecorded))
    assert not development.significant
    await eventually(lambda: swift.told(DeadlineScheduled))
    moved = {"due": f"{year}-07-16T09:00"}
    await swift.call("PUT", f"/v1/deadlines/{entered['id']}", moved, **ada)
    told = await eventually(lambda: swift.told(DeadlineScheduled), lambda all: len(all) == 2)
    assert [(one.revision, one.due_at.day) for one in told] == [(1, 15), (2, 16)]
    drafts = (await swift.call("GET", f"/v1/matters/{matter['id']}/updates")).json()["items"]
    assert [one["about"] for one in drafts] == ["deadline"]


async def test_a_deadline_that_was_met_is_told_and_neither_moved_nor_called_off(
    swift: World,
) -> None:
    await swift.call("PUT", "/v1/firm", FIRM)
    matter, ada = await scene(swift)
    due = {"title": "Closing", "due": f"{datetime.now(UTC).year + 1}-07-15T17:00"}
    entered = (await enter(swift, matter, "deadlines", ada, **due)).json()
    await eventually(lambda: swift.told(DeadlineScheduled))
    path = f"/v1/deadlines/{entered['id']}"
    before = {"at": "2020-03-14T12:30:00Z"}
    assert (await swift.call("POST", f"{path}/met", before, **ada)).status_code == 422
    met = await swift.call("POST", f"{path}/met", {}, **ada)
    assert (met.status_code, met.json()["met_at"] is None) == (200, False)
    told = await eventually(lambda: swift.told(DeadlineScheduled), lambda all: len(all) == 2)
    assert (told[-1].revision, told[-1].met_at is None) == (2, False)
    again = await swift.call("POST", f"{path}/met", {}, **ada)
    moved = await swift.call("PUT", path, {"due": due["due"]}, **ada)
    body = {"reason": "Entered by mistake."}
    off = await swift.call("POST", f"/v1/happenings/{entered['id']}/revert", body, **ada)
    for refused in (again, moved, off):
        assert (refused.status_code, refused.json()["code"]) == (409, "already-met")
    standing = (await swift.call("GET", f"/v1/matters/{matter['id']}/standing")).json()
    assert [one for one in standing["owed"] if one["kind"] == "deadline"] == []


async def test_a_time_that_clocks_skip_is_refused_with_a_hint(world: World) -> None:
    await world.call("PUT", "/v1/firm", FIRM)
    matter, ada = await scene(world)
    gap = {"title": "Hearing", "due": "2027-03-14T02:30"}
    answer = await enter(world, matter, "deadlines", ada, **gap)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "skip 02:30" in answer.json()["detail"]
    past = {"title": "Hearing", "due": "2020-03-14T12:30"}
    assert (await enter(world, matter, "deadlines", ada, **past)).status_code == 422


async def test_a_plan_of_the_firms_own_takes_over_and_what_was_reached_keeps_its_name(
    swift: World,
) -> None:
    matter, ada = await scene(swift)
    await enter(swift, matter, "milestones", ada, slug="contract-signed")
    await eventually(lambda: swift.told(MilestoneReached))
    own = {"milestones": [{"slug": "keys", "name": "You have the keys", "meaning": "Move in."}]}
    path = "/v1/milestone-plans/real-estate"
    read = await swift.call("GET", path)
    match = {"If-Match": read.headers["etag"]}
    assert (await swift.call("PUT", path, own, headers=match)).status_code == 200
    assert (await swift.call("PUT", path, own, headers=match)).status_code == 412
    assert (await enter(swift, matter, "milestones", ada, slug="closed")).status_code == 422
    assert (await enter(swift, matter, "milestones", ada, slug="keys")).status_code == 201
    body = {"about": "report"}
    report = await swift.call("POST", f"/v1/matters/{matter['id']}/updates", body, **ada)
    assert "The contract is signed" in report.json()["body"]


@pytest.mark.parametrize("area", SHIPPED)
def test_each_shipped_plan_speaks_to_clients(area: str) -> None:
    plan = shipped(area)
    assert isinstance(plan, Plan)
    assert len(plan.milestones) >= 6
    for one in plan.milestones:
        assert len(one.meaning) > 60
        assert not any(word in one.meaning for word in ("plaintiff", "pursuant", "herein"))
    first, second = plan.milestones[:2]
    assert plan.after({first.slug}) == second
    assert plan.after({one.slug for one in plan.milestones}) is None


async def test_a_death_before_the_commit_tells_nothing_and_the_next_tick_everything(
    swift: World,
) -> None:
    matter, ada = await scene(swift)
    holder = await asyncpg.connect(swift.runtime.settings.database_url)
    waiting = """SELECT pid FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO progress_updates%'"""
    async with holder.transaction():
        await holder.execute("LOCK TABLE progress_updates IN SHARE MODE")
        await enter(swift, matter, "milestones", ada, slug="contract-signed")
        ((pid,),) = await eventually(lambda: swift.rows(waiting))
        await holder.execute("SELECT pg_terminate_backend($1)", pid)
        assert await swift.told(MilestoneReached) == []
    await holder.close()
    await eventually(lambda: swift.told(MilestoneReached))
    assert len(await swift.told(MilestoneReached)) == 1
    assert len(await swift.rows("SELECT * FROM progress_updates")) == 1


async def test_nothing_of_what_happened_is_in_the_clear(swift: World) -> None:
    matter, ada = await scene(swift)
    await enter(swift, matter, "developments", ada, summary="The seller is bankrupt.")
    await eventually(lambda: swift.told(DevelopmentRecorded))
    values = await swift.rows("SELECT encode(value, 'escape') FROM outbox")
    rows = await swift.rows("SELECT h.*::text, u.*::text FROM happenings h, progress_updates u")
    assert not any("bankrupt" in str(one) for one in (*values, *rows))


async def test_for_a_client_whose_key_was_destroyed_nothing_is_told_and_nothing_waits_for_ever(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with firm_in(platform, matters_undo=600.0) as world:
        matter, ada = await scene(world)
        await enter(world, matter, "developments", ada, summary="The seller is bankrupt.")
        admin = await asyncpg.connect(platform.postgres.url.rpartition("/")[0] + "/keyring")
        destroyed = "UPDATE data_keys SET destroyed_at = now() WHERE owner = $1"
        await admin.execute(destroyed, UUID(matter["client_id"]))
        await admin.close()
        monkeypatch.setattr("shared.keyring.REFRESHED_AFTER_SECONDS", 0.0)
        await world.rows("UPDATE happenings SET tells_at = now() RETURNING 1")
        ended = "SELECT 1 FROM happenings WHERE reverted_at IS NOT NULL"
        await eventually(lambda: world.rows(ended))
        assert await world.told(DevelopmentRecorded) == []
        assert await world.rows("SELECT * FROM progress_updates") == []
