"""The calls that others rely on, at the service's own door."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from shared.ids import new_id
from sla_monitor.app import create_app
from sla_monitor.settings import SlaMonitorSettings
from support.platform import Platform
from support.running import Running, bearer, running

OFFICE = {
    "name": "Office",
    "time_zone": "America/New_York",
    "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": {"country": "US"},
}
POLICY = {"mode": "elapsed", "target": "PT4S", "limit": "PT8S", "warn_at": ["PT2S"]}
World = Any  # the fixture's own class; see conftest.py


@dataclass
class Door:
    """The service, and its callers' headers."""

    service: Running
    platform: Platform

    async def call(
        self, method: str, path: str, role: str = "partner", **more: Any
    ) -> httpx2.Response:
        claims = {"client_id": str(more.pop("client_id"))} if "client_id" in more else {}
        headers = bearer(self.platform, role, **claims) | more.pop("headers", {})
        return await self.service.http.request(method, path, headers=headers, **more)


@pytest.fixture(scope="module")
async def door(platform: Platform) -> AsyncIterator[Door]:
    """One service for all tests here: each makes its own calendars and clocks."""
    settings = await platform.settings(SlaMonitorSettings, await platform.topics())
    async with running(create_app, settings) as service:
        yield Door(service, platform)


@pytest.fixture
async def office(door: Door) -> str:
    answer = await door.call("POST", "/v1/calendars", json=OFFICE)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_published_calendar_shows_its_holidays_for_review(door: Door, office: str) -> None:
    answer = await door.call("GET", f"/v1/calendars/{office}", "attorney")
    shown = answer.json()
    assert {"date": "2026-07-03", "name": "Independence Day (observed)"} in shown["holidays"]
    assert shown["holidays_from"]["library"].startswith("holidays ")
    assert (shown["version"], answer.headers["etag"]) == (1, '"1"')
    listed = await door.call("GET", "/v1/calendars", params={"limit": "1000"})
    assert listed.status_code == 200, listed.text
    assert office in [each["id"] for each in listed.json()["items"]]


async def test_a_calendar_that_cannot_be_kept_is_a_problem_with_a_hint(door: Door) -> None:
    asked = OFFICE | {"weekly": {"mon": [["22:00", "06:00"]]}}
    answer = await door.call("POST", "/v1/calendars", json=asked)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "span-over-midnight"
    assert '["22:00", "24:00"]' in answer.json()["hint"]


async def test_unknown_fields_and_unknown_callers_are_refused(door: Door, office: str) -> None:
    assert (await door.call("POST", "/v1/calendars", json=OFFICE | {"x": 1})).status_code == 422
    assert (await door.call("POST", "/v1/calendars", "attorney", json=OFFICE)).status_code == 403
    as_client = await door.call("GET", "/v1/calendars", "client", client_id=new_id())
    assert as_client.status_code == 403
    assert (await door.service.http.get("/v1/calendars")).status_code == 401
    assert (await door.call("GET", f"/v1/calendars/{new_id()}")).status_code == 404


async def test_a_calendar_is_changed_by_a_new_version_against_the_one_that_was_read(
    door: Door, office: str
) -> None:
    path, changed = f"/v1/calendars/{office}", OFFICE | {"name": "Office, later"}
    answer = await door.call("PUT", path, json=changed, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    stale = await door.call("PUT", path, json=OFFICE, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    listed = (await door.call("GET", "/v1/calendars", params={"limit": "1000"})).json()["items"]
    shown = [(each["version"], each["name"]) for each in listed if each["id"] == office]
    assert shown == [(2, "Office, later")]


async def test_the_same_idempotency_key_publishes_one_calendar(door: Door) -> None:
    key = {"Idempotency-Key": "k1"}
    answers = [await door.call("POST", "/v1/calendars", json=OFFICE, headers=key) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]


async def test_a_due_is_explained(door: Door, office: str) -> None:
    asked = {"start": "2026-07-10T16:30:00-04:00", "amount": "PT1H", "mode": "business_hours"}
    answer = (await door.call("POST", f"/v1/calendars/{office}/due", json=asked)).json()
    assert answer["due"] == "2026-07-13T13:30:00Z"
    first, second = answer["explanation"][0], answer["explanation"][2]
    assert (first["from"], first["counted"]) == ("2026-07-10T20:30:00Z", True)
    assert (second["reason"], second["day"]) == ("weekend", "2026-07-11")


async def test_ten_thousand_dues_come_in_one_list_and_no_more(door: Door, office: str) -> None:
    one = {"start": "2026-07-10T16:30:00-04:00", "amount": "PT48H", "mode": "business_day"}
    path = f"/v1/calendars/{office}/due"
    answer = await door.call("POST", path, json=[one] * 10_000)
    assert answer.status_code == 200, answer.text[:200]
    assert len(answer.json()) == 10_000
    assert answer.json()[-1]["due"] == "2026-07-14T20:30:00Z"
    assert (await door.call("POST", path, json=[one] * 10_001)).status_code == 422
    far = [one | {"amount": "PT20000H", "mode": "business_hours"}] * 1_000
    assert (await door.call("POST", path, json=far)).status_code == 422


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"amount": "P1D"}, "invalid-request"),
        ({"start": "2026-07-10T16:30:00"}, "invalid-request"),
        ({"mode": "days"}, "invalid-request"),
        ({"start": "9999-07-10T16:30:00Z"}, "too-far"),
        ({"start": "2041-12-31T12:00:00Z", "amount": "PT48H"}, "beyond-known-holidays"),
    ],
)
async def test_what_cannot_be_counted_is_refused(
    door: Door, office: str, wrong: dict[str, str], code: str
) -> None:
    asked = {"start": "2026-07-10T16:30:00Z", "amount": "PT1H", "mode": "business_hours"} | wrong
    answer = await door.call("POST", f"/v1/calendars/{office}/due", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_policy_reads_and_writes_in_the_same_form(door: Door) -> None:
    path = "/v1/clock-policies/acknowledgment"
    read = await door.call("GET", path, "attorney")
    assert read.headers["etag"] == '"1"'
    assert (read.json()["target"], read.json()["limit"]) == ("PT24H", "PT24H")
    assert read.json()["mode"] == "elapsed"
    written = await door.call("PUT", path, json=read.json() | {"target": "PT4S", "warn_at": []})
    assert (written.status_code, written.headers["etag"]) == (200, '"2"')
    assert (await door.call("GET", path)).json() == written.json()


async def test_a_policy_is_changed_by_those_who_may_and_only_sensibly(door: Door) -> None:
    path = "/v1/clock-policies/response"
    assert (await door.call("PUT", path, "attorney", json=POLICY)).status_code == 403
    assert (await door.call("PUT", path, json=POLICY | {"limit": "PT1S"})).status_code == 422
    stale = await door.call("PUT", path, json=POLICY, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    assert (await door.call("GET", "/v1/clock-policies/billing")).status_code == 422


@pytest.fixture
async def clocks(door: Door, world: World) -> AsyncIterator[World]:
    """A world whose facts reach the service of `door`."""
    world.db, own = door.service.runtime.db, world.db
    yield world
    world.db = own


async def test_clocks_are_found_by_message_and_shown_with_their_versions(
    door: Door, clocks: World
) -> None:
    message = clocks.message(datetime.now(UTC))
    await clocks.hear(message, clocks.message(datetime.now(UTC)))
    found = await door.call("GET", "/v1/clocks", params={"message_id": str(message.message_id)})
    items = found.json()["items"]
    assert {each["kind"] for each in items} == {"acknowledgment", "response"}
    for each in items:
        assert each["state"] == "running"
        assert each["policy_version"] >= 1
        assert each["opened_at"].endswith("Z")
        assert str(message.message_id) in each["message_ids"]
    params = {"client_id": str(clocks.client_id), "state": "met"}
    met = await door.call("GET", "/v1/clocks", params=params)
    assert met.json() == {"items": [], "next": None}


async def test_clocks_come_in_pages(door: Door, clocks: World) -> None:
    await clocks.hear(*(clocks.message(datetime.now(UTC)) for _ in range(4)))
    seen, cursor = [], None
    while True:
        params = {"limit": "2", "client_id": str(clocks.client_id)} | (
            {"cursor": cursor} if cursor else {}
        )
        answer = (await door.call("GET", "/v1/clocks", params=params)).json()
        seen += [each["id"] for each in answer["items"]]
        if (cursor := answer["next"]) is None:
            break
    assert len(set(seen)) == len(seen) == 5


@pytest.mark.parametrize("cursor", ["WyJ4Il0", "W10x", "%00", "e30", "W10", "WzFd"])
async def test_a_cursor_that_is_not_ours_is_refused(door: Door, cursor: str) -> None:
    for path in ("/v1/clocks", "/v1/calendars"):
        answer = await door.call("GET", path, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_each_read_of_a_clients_clocks_is_counted_for_the_record(
    door: Door, clocks: World
) -> None:
    await clocks.hear(clocks.message(datetime.now(UTC)), clocks.message(datetime.now(UTC)))
    clock = await clocks.clock("response")
    await door.call("GET", "/v1/clocks", params={"client_id": str(clocks.client_id)})
    await door.call("GET", f"/v1/clocks/{clock.clock_id}/explanation")
    async with clocks.db.transaction() as session:
        found = await session.execute(
            text("SELECT role, purpose, count, denied FROM accesses WHERE client_id = :client"),
            {"client": clocks.client_id},
        )
        assert [tuple(row) for row in found] == [("partner", "clock", 2, False)]


async def test_a_client_sees_own_clocks_only(door: Door, clocks: World) -> None:
    await clocks.hear(clocks.message(datetime.now(UTC)))
    clock = (await clocks.clocks())[0]
    own = await door.call("GET", "/v1/clocks", "client", client_id=clocks.client_id)
    assert len(own.json()["items"]) == 2
    params = {"client_id": str(clocks.client_id)}
    foreign = await door.call("GET", "/v1/clocks", "client", client_id=new_id(), params=params)
    assert foreign.json()["items"] == []
    path = f"/v1/clocks/{clock.clock_id}/explanation"
    mine = await door.call("GET", path, "client", client_id=clocks.client_id)
    theirs = await door.call("GET", path, "client", client_id=new_id())
    assert (mine.status_code, theirs.status_code) == (200, 404)
    assert (await door.call("GET", "/v1/clocks", "billing")).status_code == 403


async def test_a_clock_explains_itself_with_its_pauses(door: Door, clocks: World) -> None:
    opened = datetime(2026, 7, 10, 20, 30, tzinfo=UTC)
    question = clocks.sent(opened + timedelta(minutes=10), "question")
    await clocks.hear(clocks.message(opened), question)
    await clocks.hear(clocks.message(opened + timedelta(minutes=30)))
    clock = await clocks.clock("response")
    path = f"/v1/clocks/{clock.clock_id}/explanation"
    told = (await door.call("GET", path)).json()
    assert told["limit"] == "PT48H"
    assert told["clock"]["id"] == str(clock.clock_id)
    pauses = [each for each in told["explanation"] if each["reason"] == "pause"]
    assert [each["name"] for each in pauses] == [str(question.message_id)]
    assert told["explanation"][-1]["to"] == told["clock"]["limit_at"]
    assert {"weekend", "pause", None} == {each["reason"] for each in told["explanation"]}
    assert (await door.call("GET", f"/v1/clocks/{new_id()}/explanation")).status_code == 404
