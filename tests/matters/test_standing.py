"""One call says what the client was told, when, by whom, what is owed next and why; and a matter
closes when nothing is owed."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from shared.contracts.matters import (
    DecisionWithdrawn,
    MatterClosed,
    ProgressUpdateApproved,
    ProgressUpdateSent,
)
from shared.contracts.sla_monitor import ResponseDue, UpdateDue
from shared.ids import new_id
from support.firm import World, firm_in
from support.platform import Platform
from support.waiting import eventually


@pytest.fixture
async def world(platform: Platform) -> AsyncIterator[World]:
    async with firm_in(platform, matters_undo=0.0) as made:
        yield made


class Scene:
    def __init__(self, world: World, ada: dict[str, Any], matter: dict[str, Any]) -> None:
        self.world, self.matter = world, matter
        self.path = f"/v1/matters/{matter['id']}"
        self.ada = {"role": "attorney", "email": ada["email"]}
        self.client = {"role": "client", "client_id": matter["client_id"]}

    async def post(self, what: str, **body: Any) -> Any:
        return await self.world.call("POST", f"{self.path}/{what}", body, **self.ada)

    async def tell(self, note: str) -> Any:
        draft = (await self.post("updates", about="no_news")).json()
        told = {"channel": "phone", "held_at": datetime.now(UTC).isoformat(), "note": note}
        return await self.world.call("POST", f"/v1/updates/{draft['id']}/told", told, **self.ada)

    async def put(self) -> Any:
        soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        options = [{"key": key, "text": key, "consequences": "…"} for key in ("yes", "no")]
        body = {"kind": "strategy", "question": "Shall we appeal?", "recommendation": "No."}
        return (await self.post("decisions", **body, options=options, reply_by=soon)).json()

    async def owe(self, **more: Any) -> None:
        now = datetime.now(UTC)
        of = {"matter_id": self.matter["id"], "client_id": self.matter["client_id"]}
        of |= {"opened_at": now, "time_zone": "UTC", "policy_version": 1, "calendar_version": 0}
        due = {"target_at": now + timedelta(days=1), "limit_at": now + timedelta(days=2)}
        await self.world.hear(UpdateDue(clock_id=new_id(), prompted_at=now, **of, **due))
        of |= {"conversation_id": new_id(), "message_ids": (new_id(),), "clock_id": new_id()}
        await self.world.hear(ResponseDue(**of | due | more))

    async def standing(self, **by: Any) -> dict[str, Any]:
        answer = await self.world.call("GET", f"{self.path}/standing", **(by or self.ada))
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


@pytest.fixture
async def at(world: World) -> Scene:
    ada = await world.staff("Ada")
    return Scene(world, ada, await world.matter(await world.client(ada), ada))


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
    assert theirs["told"] == shown["told"]


OURS: ContextVar[bool] = ContextVar("OURS", default=False)


async def test_it_takes_the_same_number_of_statements_however_much_there_is(
    world: World, at: Scene
) -> None:
    counts = []
    await at.tell("The first.")
    await at.put()
    await at.standing()
    for _ in range(2):
        statements: list[str] = []

        def note(*given: Any, kept: list[str] = statements) -> None:
            if OURS.get():  # the service's own loops use the same engine
                kept.append(given[2])

        engine = world.runtime.db.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        token = OURS.set(True)
        await at.standing()
        OURS.reset(token)
        event.remove(engine, "before_cursor_execute", note)
        counts.append(len([one for one in statements if "FROM" in one]))
        for _ in range(3):
            await at.tell("More.")
            await at.put()
    assert counts[0] == counts[1] < 25


async def test_a_matter_is_not_closed_while_something_is_owed(world: World, at: Scene) -> None:
    clock_id = new_id()
    await at.owe(clock_id=clock_id)
    put = await at.put()
    closing = {"reason": "Settled.", "letter": "Dear Cleo,\n\nyour matter is closed. Ada"}
    refused = await at.post("close", **closing)
    assert (refused.status_code, refused.json()["code"]) == (409, "still-open")
    kinds = {one["kind"]: one["id"] for one in refused.json()["open"]}
    assert kinds == {"response": str(clock_id), "decision": put["id"]}
    assert await world.told(MatterClosed) == []
    give_up = [{"id": one, "reason": "Settled with everything else."} for one in kinds.values()]
    closed = await at.post("close", **closing, give_up=give_up)
    assert closed.status_code == 201, closed.text
    (told,) = await world.told(MatterClosed)
    assert {str(one) for one in told.given_up} == set(kinds.values())
    assert len(await world.told(DecisionWithdrawn)) == 1
    (letter,) = await eventually(lambda: world.told(ProgressUpdateApproved))
    assert await world.opened(letter.body) == closing["letter"]
    for what, body in (
        ("milestones", {"slug": "closed"}), ("updates", {"about": "no_news"}), ("close", closing),
    ):  # fmt: skip
        after = await at.post(what, **body)
        assert (after.status_code, after.json()["code"]) == (409, "matter-closed")


async def test_of_two_who_close_at_once_one_wins(world: World, at: Scene) -> None:
    closing = {"reason": "Settled.", "letter": "Dear Cleo,\n\nyour matter is closed. Ada"}
    answers = await asyncio.gather(*(at.post("close", **closing) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert len(await world.told(MatterClosed)) == 1
    assert await world.told(ProgressUpdateSent) == []


async def test_others_see_nothing_of_how_it_stands(world: World, at: Scene) -> None:
    noor = await world.staff("Noor")
    for by in (
        {"role": "attorney", "email": noor["email"]},
        {"role": "client", "client_id": str(new_id())},
    ):
        answer = await world.call("GET", f"{at.path}/standing", **by)
        assert answer.status_code == 404
