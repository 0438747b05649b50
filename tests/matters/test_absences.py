"""Nobody is away without cover: not by a plan, not by two plans at once, not by leaving."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.local_time import beginning_of, instant_at
from shared.contracts.matters import AbsencePlanned
from support.firm import FIRM, World
from support.waiting import eventually

TODAY = datetime.now(UTC).date()


async def away(
    world: World,
    who: dict[str, Any],
    cover: dict[str, Any],
    first: int = 1,
    last: int = 5,
    **by: Any,
) -> Any:
    body = {"staff_id": who["id"], "stand_in_id": cover["id"]}
    body["first_day"] = (TODAY + timedelta(days=first)).isoformat()
    body["last_day"] = (TODAY + timedelta(days=last)).isoformat()
    return await world.call("POST", "/v1/absences", body, **by)


@pytest.fixture
async def people(world: World) -> list[dict[str, Any]]:
    return [await world.staff(name) for name in ("Ada", "Alan", "Noor")]


async def test_an_absence_is_whole_days_of_the_firms_zone(
    world: World, people: list[dict[str, Any]]
) -> None:
    await world.call("PUT", "/v1/firm", FIRM)
    answer = await away(world, people[0], people[1])
    assert answer.status_code == 201, answer.text
    zone = ZoneInfo("America/New_York")
    from_at = datetime.fromisoformat(answer.json()["from_at"]).astimezone(zone)
    until_at = datetime.fromisoformat(answer.json()["until_at"]).astimezone(zone)
    assert (from_at.date(), from_at.hour) == (TODAY + timedelta(days=1), 0)
    assert (until_at.date(), until_at.hour) == (TODAY + timedelta(days=6), 0)
    (told,) = await world.told(AbsencePlanned)
    assert (str(told.staff_id), told.cancelled, told.revision) == (people[0]["id"], False, 1)


async def test_a_stand_in_who_is_away_too_is_refused(
    world: World, people: list[dict[str, Any]]
) -> None:
    ada, alan, noor = people
    assert (await away(world, alan, noor, 3, 9)).status_code == 201
    answer = await away(world, ada, alan)
    assert (answer.status_code, answer.json()["code"]) == (409, "stand-in-away")
    assert (await away(world, ada, alan, 10, 12)).status_code == 201
    answer = await away(world, noor, ada, 8, 20)
    assert answer.json()["code"] in ("covers-for-another", "stand-in-away")
    assert (await away(world, alan, noor, 9, 9)).json()["code"] == "away-already"
    assert (await away(world, ada, ada)).json()["code"] == "invalid"


async def test_of_two_who_would_cover_each_other_at_once_one_is_refused(
    world: World, people: list[dict[str, Any]]
) -> None:
    ada, alan, _ = people
    answers = await asyncio.gather(away(world, ada, alan), away(world, alan, ada))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert len(await world.told(AbsencePlanned)) == 1


async def test_the_database_itself_refuses_an_absence_without_cover(
    world: World, people: list[dict[str, Any]]
) -> None:
    assert (await away(world, people[0], people[1])).status_code == 201
    connection = await asyncpg.connect(world.runtime.settings.database_url)
    try:
        for staff_id, stand_in_id in (("stand_in_id", "staff_id"), ("staff_id", "stand_in_id")):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(
                    f"""INSERT INTO absences
                        SELECT gen_random_uuid(), 1, {staff_id}, {stand_in_id}, from_at, until_at,
                               planned_by FROM absences"""
                )
    finally:
        await connection.close()


async def test_an_absence_that_is_over_stays_as_it_was(
    world: World, people: list[dict[str, Any]], moved_clock: Path
) -> None:
    ada, alan, noor = people
    made = (await away(world, ada, alan)).json()
    path = f"/v1/absences/{made['id']}"
    moved_clock.write_text(str(8 * 24 * 3600))
    days = {"first_day": str(TODAY + timedelta(days=9)), "last_day": str(TODAY + timedelta(days=9))}
    body = {"stand_in_id": noor["id"], **days}
    for answer in (await world.call("DELETE", path), await world.call("PUT", path, body)):
        assert (answer.status_code, answer.json()["code"]) == (409, "absence-over"), answer.text
    assert len(await world.told(AbsencePlanned)) == 1


async def test_cover_reads_what_it_covers_while_it_covers_it(
    world: World, people: list[dict[str, Any]]
) -> None:
    ada, alan, _ = people
    client = await world.client(ada)
    path, own = f"/v1/clients/{client['id']}", {"role": "attorney", "email": alan["email"]}
    assert (await world.call("GET", path, **own)).status_code == 404
    planned = await away(world, ada, alan, 0, 3)
    assert (await world.call("GET", path, **own)).status_code == 200
    assert (await world.call("DELETE", f"/v1/absences/{planned.json()['id']}")).status_code == 204
    assert (await world.call("GET", path, **own)).status_code == 404
    assert [one.cancelled for one in await world.told(AbsencePlanned)] == [False, True]


async def test_cover_behind_a_wall_is_refused(world: World, people: list[dict[str, Any]]) -> None:
    ada, alan, noor = people
    client = await world.client(ada)
    wall = {"client_id": client["id"], "kind": "screen", "reason": "Opposed."}
    await world.made("/v1/walls", **wall, staff_ids=[alan["id"]])
    answer = await away(world, ada, alan)
    assert (answer.status_code, answer.json()["code"]) == (409, "cover-behind-wall")
    assert answer.json()["subject_ids"] == [client["id"]]
    assert (await away(world, ada, noor)).status_code == 201
    answer = await world.call("POST", "/v1/walls", wall | {"staff_ids": [noor["id"]]})
    assert answer.json()["code"] == "wall-before-contact"


async def test_nobody_takes_over_whose_cover_stands_behind_a_wall(
    world: World, people: list[dict[str, Any]]
) -> None:
    ada, alan, noor = people
    client = await world.client(noor)
    wall = {"client_id": client["id"], "kind": "screen", "reason": "Opposed."}
    await world.made("/v1/walls", **wall, staff_ids=[alan["id"]])
    assert (await away(world, ada, alan)).status_code == 201
    path = f"/v1/clients/{client['id']}/point-of-contact"
    new = {"client_id": client["id"], "title": "X", "practice_area": "family", "reason": "X"}
    for refused in (
        await world.call("PUT", path, {"staff_id": ada["id"]}),
        await world.call("POST", "/v1/matters", new | {"point_of_contact_id": ada["id"]}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "behind-wall")
        assert refused.json()["staff_ids"] == [alan["id"]]
    body = {"to_staff_id": ada["id"]}
    everything = await world.call("POST", f"/v1/staff/{noor['id']}/handovers", body)
    progress = f"/v1/handovers/{everything.json()['id']}"
    ended = await eventually(
        lambda: world.call("GET", progress), lambda one: bool(one.json()["ended_at"])
    )
    assert ended.json()["refused"] == [{"subject_id": client["id"], "code": "behind-wall"}]
    back = datetime.now(UTC) + timedelta(days=30)
    later = {"staff_id": ada["id"], "from_at": back.isoformat()}
    assert (await world.call("PUT", path, later)).status_code == 200


async def test_an_absence_and_a_handover_at_once_leave_nobody_without_cover(
    world: World, people: list[dict[str, Any]]
) -> None:
    """Whichever is first, the other hears it."""
    ada, alan, noor = people
    client = await world.client(noor)
    wall = {"client_id": client["id"], "kind": "screen", "reason": "Opposed."}
    await world.made("/v1/walls", **wall, staff_ids=[alan["id"]])
    path = f"/v1/clients/{client['id']}/point-of-contact"
    waiting = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND wait_event_type = 'Lock' AND query LIKE '%staff%'"""
    holder = await asyncpg.connect(world.runtime.settings.database_url)
    try:
        await holder.execute("BEGIN; SELECT FROM staff FOR UPDATE")
        racing = asyncio.gather(
            away(world, ada, alan), world.call("PUT", path, {"staff_id": ada["id"]})
        )
        await eventually(lambda: world.rows(waiting), lambda rows: rows[0].count == 2)
        await holder.execute("ROLLBACK")
    finally:
        await holder.close()
    absence, handover = await racing
    codes = absence.status_code, handover.status_code
    assert codes in ((201, 409), (409, 200)), (absence.text, handover.text)


async def test_who_covers_does_not_leave_the_firm(
    world: World, people: list[dict[str, Any]]
) -> None:
    ada, alan, noor = people
    planned = (await away(world, ada, alan)).json()
    entry = {"name": "Alan", "email": alan["email"], "role": "attorney", "active": False}
    answer = await world.call("PUT", f"/v1/staff/{alan['id']}", entry)
    assert (answer.status_code, answer.json()["code"]) == (409, "still-covers")
    body = {"stand_in_id": noor["id"]}
    body |= {name: (TODAY + timedelta(days=2)).isoformat() for name in ("first_day", "last_day")}
    read = {"If-Match": '"1"'}
    path = f"/v1/absences/{planned['id']}"
    assert (await world.call("PUT", path, body, headers=read)).status_code == 200
    assert (await world.call("PUT", path, body, headers=read)).status_code == 412
    assert (await world.call("PUT", f"/v1/staff/{alan['id']}", entry)).status_code == 200


async def test_everybody_plans_their_own_and_not_what_is_past(
    world: World, people: list[dict[str, Any]]
) -> None:
    ada, alan, _ = people
    own = {"role": "attorney", "email": ada["email"]}
    assert (await away(world, ada, alan, **own)).status_code == 201
    assert (await away(world, alan, ada, 20, 21, **own)).status_code == 403
    assert (await away(world, alan, ada, -9, -2)).status_code == 422
    assert (await away(world, alan, ada, 9, 2)).status_code == 422


@given(
    st.dates(date(1990, 1, 1), date(2035, 12, 31)),
    st.sampled_from(
        ["America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Asia/Kathmandu"]
    ),
)
def test_a_day_begins_at_its_first_instant(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    begins = beginning_of(day, zone)
    assert begins.astimezone(zone).date() == day
    assert (begins - timedelta(seconds=1)).astimezone(zone).date() < day


def test_a_time_that_clocks_skip_is_refused_and_of_two_the_earlier_is_meant() -> None:
    zone = ZoneInfo("America/New_York")
    with pytest.raises(ValueError, match="skip 02:30"):
        instant_at(datetime.fromisoformat("2026-03-08T02:30"), zone)
    twice = instant_at(datetime.fromisoformat("2026-11-01T01:30"), zone)
    assert twice == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-01-01", "9999-12-31"])
async def test_a_day_at_an_end_of_the_calendar_is_refused(
    world: World, people: list[dict[str, Any]], day: str
) -> None:
    await world.call("PUT", "/v1/firm", FIRM | {"time_zone": "Asia/Tokyo"})
    body = {"staff_id": people[0]["id"], "stand_in_id": people[1]["id"]}
    body |= {"first_day": day, "last_day": day}
    refused = await world.call("POST", "/v1/absences", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
