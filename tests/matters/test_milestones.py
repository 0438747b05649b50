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
    ProgressUpdateApproved,
)
from shared.contracts.messaging import MessageSent
from shared.ids import new_id
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
    before, after = await drafts_of(swift, matter, 2)
    assert (before["state"], after["state"]) == ("cancelled", "draft"), (
        "nobody approves the old day"
    )
    assert f"16 July {year} at 09:00" in after["body"]
    assert "moved" not in after["body"], "they never heard of the other day"


async def drafts_of(world: World, matter: dict[str, Any], count: int) -> list[dict[str, Any]]:
    async def listed() -> list[dict[str, Any]]:
        found = await world.call("GET", f"/v1/matters/{matter['id']}/updates")
        items: list[dict[str, Any]] = found.json()["items"]
        return items

    return await eventually(listed, lambda found: len(found) == count)


async def send(world: World, update: dict[str, Any], by: dict[str, Any]) -> None:
    """A person approves it, and messaging has it accepted."""
    answer = await world.call("POST", f"/v1/updates/{update['id']}/approve", **by)
    assert answer.status_code == 200, answer.text
    released = [UUID(update["id"])]
    await eventually(
        lambda: world.told(ProgressUpdateApproved),
        lambda told: released == [one.update_id for one in told][-1:],
    )
    of = {name: update[name] for name in ("client_id", "matter_id")}
    of |= {"message_id": update["id"], "conversation_id": new_id(), "sent_at": datetime.now(UTC)}
    await world.hear(MessageSent(kind="update", channel="email", **of))


async def test_a_client_who_knows_a_date_is_told_that_it_moved_and_that_it_was_called_off(
    swift: World,
) -> None:
    await swift.call("PUT", "/v1/firm", FIRM)
    matter, ada = await scene(swift)
    year = datetime.now(UTC).year + 1
    hearing = {"title": "Hearing, room 4", "due": f"{year}-07-15T09:30"}
    entered = (await enter(swift, matter, "deadlines", ada, **hearing)).json()
    (first,) = await drafts_of(swift, matter, 1)
    assert f"15 July {year} at 09:30, New York time" in first["body"], (
        "who is to be there needs the hour"
    )
    await send(swift, first, ada)
    path, later = f"/v1/deadlines/{entered['id']}", {"due": f"{year}-07-22T11:00"}
    assert (await swift.call("PUT", path, later, **ada)).status_code == 200
    moved = (await drafts_of(swift, matter, 2))[1]
    assert "This date has moved: Hearing, room 4" in moved["body"]
    assert f"22 July {year} at 11:00" in moved["body"]
    assert "15 July" not in moved["body"]
    await send(swift, moved, ada)
    off = {"reason": "They settled."}
    await swift.call("POST", f"/v1/happenings/{entered['id']}/revert", off, **ada)
    called_off = (await drafts_of(swift, matter, 3))[2]
    assert "This date was called off: Hearing, room 4" in called_off["body"]
    await send(swift, called_off, ada)
    (told,) = (await swift.told(ProgressUpdateApproved))[2:]
    assert told.tells_of is None, "it is not taken back with what it speaks of"


async def test_a_client_who_was_told_of_a_milestone_by_mistake_is_told_that_it_was_one(
    swift: World,
) -> None:
    matter, ada = await scene(swift)
    entered = (await enter(swift, matter, "milestones", ada, slug="contract-signed")).json()
    (told,) = await drafts_of(swift, matter, 1)
    await send(swift, told, ada)
    why = {"reason": "Only the seller signed."}
    await swift.call("POST", f"/v1/happenings/{entered['id']}/revert", why, **ada)
    mended = (await drafts_of(swift, matter, 2))[1]
    assert "We told you of this by mistake: The contract is signed" in mended["body"]
    assert "It has not happened in your matter." in mended["body"]
    assert "dates run" not in mended["body"], "what it would have meant is not said again"


async def test_a_draft_names_only_dates_that_lie_ahead_the_next_first(swift: World) -> None:
    await swift.call("PUT", "/v1/firm", FIRM)
    matter, ada = await scene(swift)
    year = datetime.now(UTC).year + 1
    for title, day in (("Trial", "09-01"), ("Gone by", "02-01"), ("Mediation", "03-01")):
        await enter(swift, matter, "deadlines", ada, title=title, due=f"{year}-{day}T09:00")
    await eventually(lambda: swift.told(DeadlineScheduled), lambda told: len(told) == 3)
    passed = "UPDATE happenings SET at = now() - interval '1 day' WHERE at < :until RETURNING 1"
    await swift.rows(passed, until=datetime(year, 2, 15, tzinfo=UTC))
    report = await enter(swift, matter, "updates", ada, about="no_news")
    body = report.json()["body"]
    assert body.index("Mediation") < body.index("Trial")
    assert "Gone by" not in body


async def test_a_deadline_that_moved_before_its_matter_closed_reminds_nobody_after(
    platform: Platform,
) -> None:
    async with firm_in(platform, matters_undo=600.0) as world:
        await world.call("PUT", "/v1/firm", FIRM)
        matter, ada = await scene(world)
        due = {"title": "Closing", "due": f"{datetime.now(UTC).year + 1}-07-15T17:00"}
        await enter(world, matter, "deadlines", ada, **due)
        give_up = [{"id": matter["id"], "reason": "You asked us to keep it"}]
        closing = {"reason": "Settled.", "letter": "Dear Cleo", "give_up": give_up}
        closed = await enter(world, matter, "close", ada, **closing)
        assert closed.status_code == 201, closed.text
        await world.rows("UPDATE happenings SET tells_at = now() RETURNING 1")
        untold = "SELECT 1 FROM happenings WHERE told_revision < revision"
        await eventually(lambda: world.rows(untold), lambda rows: rows == [])
        assert await world.told(DeadlineScheduled) == []


async def test_who_takes_back_while_somebody_approves_reaches_each_joint_clients_update_too(
    world: World,
) -> None:
    matter, ada = await scene(world)
    marc = await world.client(await world.staff("Alan"), "Marc")
    joined = await enter(
        world, matter, "joint-clients", {}, client_id=marc["id"], reason="They buy together."
    )
    assert joined.status_code == 201, joined.text
    entered = (await enter(world, matter, "milestones", ada, slug="contract-signed")).json()
    await world.rows("UPDATE happenings SET tells_at = now() RETURNING 1")
    (draft,) = await drafts_of(world, matter, 1)
    waiting = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock'"""
    holder = await asyncpg.connect(world.runtime.settings.database_url)
    try:
        # Whoever approves waits for the second client's row, with the first one locked.
        await holder.execute("BEGIN; LOCK TABLE progress_updates IN SHARE ROW EXCLUSIVE MODE")
        why = {"reason": "Wrong matter."}
        approve = world.call("POST", f"/v1/updates/{draft['id']}/approve", **ada)
        revert = world.call("POST", f"/v1/happenings/{entered['id']}/revert", why, **ada)
        approving = asyncio.ensure_future(approve)
        await eventually(lambda: world.rows(waiting), lambda rows: rows[0].count >= 1)
        reverting = asyncio.ensure_future(revert)
        await asyncio.sleep(0.3)
        await holder.execute("ROLLBACK")
    finally:
        await holder.close()
    answers = await asyncio.gather(approving, reverting)
    assert [one.status_code for one in answers] == [200, 200], [one.text for one in answers]
    assert {one["state"] for one in await drafts_of(world, matter, 2)} == {"cancelled"}


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
    for never in ("2020-03-14T12:30", "9999-12-31T23:59", "0001-01-01T00:00", "2500-01-01T09:00"):
        refused = await enter(world, matter, "deadlines", ada, title="Hearing", due=never)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid"), never


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


async def test_of_two_who_make_the_next_version_of_a_plan_at_once_one_hears_it(
    world: World,
) -> None:
    own = {"milestones": [{"slug": "keys", "name": "You have the keys", "meaning": "Move in."}]}
    path = "/v1/milestone-plans/real-estate"
    answers = await asyncio.gather(*(world.call("PUT", path, own) for _ in range(4)))
    assert {one.status_code for one in answers} <= {200, 409}, [one.text for one in answers]
    versions = await world.rows("SELECT version FROM milestone_plans")
    assert len(versions) == [one.status_code for one in answers].count(200)


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
