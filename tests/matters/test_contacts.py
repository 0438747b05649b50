"""Exactly one point of contact at every instant, whoever hands over, when, and at the same time."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from shared.contracts.matters import PointOfContactAssigned
from support.firm import World
from support.waiting import eventually

HOUR = timedelta(hours=1)
WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock' AND query LIKE '%UPDATE points_of_contact%'
"""


async def hand_over(
    world: World,
    subject: dict[str, Any],
    to: dict[str, Any],
    from_at: datetime | None = None,
    **how: Any,
) -> Any:
    kind = "matters" if "number" in subject else "clients"
    body = {"staff_id": to["id"], "from_at": from_at and from_at.isoformat()}
    return await world.call("PUT", f"/v1/{kind}/{subject['id']}/point-of-contact", body, **how)


async def unbroken(world: World, subject_id: str) -> list[Any]:
    """The periods, after checking that each begins at the instant at which the one before ends."""
    periods = await world.contacts(subject_id)
    assert periods[-1].until_at is None
    for before, after in pairwise(periods):
        assert before.until_at == after.from_at
    return periods


async def test_a_client_and_a_matter_are_handed_over_apart(world: World) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    client = await world.client(ada)
    matter = await world.matter(client, ada)
    answer = await hand_over(world, matter, alan)
    assert answer.status_code == 200, answer.text
    path = f"/v1/matters/{matter['id']}"
    assert (await world.call("GET", path)).json()["point_of_contact_id"] == alan["id"]
    shown = await world.call("GET", f"/v1/clients/{client['id']}/point-of-contact")
    assert (shown.json()["staff_id"], shown.json()["until_at"]) == (ada["id"], None)
    told = (await world.told(PointOfContactAssigned))[-1]
    assert (str(told.matter_id), str(told.staff_id)) == (matter["id"], alan["id"])
    assert [one.staff_id for one in await unbroken(world, matter["id"])] == [ada["id"], alan["id"]]


async def test_a_later_handover_waits_and_an_earlier_one_goes_before_it(world: World) -> None:
    ada, alan, noor = await world.staff("Ada"), await world.staff("Alan"), await world.staff("Noor")
    client = await world.client(ada)
    tomorrow = datetime.now(UTC) + 24 * HOUR
    assert (await hand_over(world, client, noor, tomorrow)).status_code == 200
    path = f"/v1/clients/{client['id']}"
    assert (await world.call("GET", path)).json()["point_of_contact_id"] == ada["id"]
    await hand_over(world, client, alan)
    assert (await world.call("GET", path)).json()["point_of_contact_id"] == alan["id"]
    periods = await unbroken(world, client["id"])
    assert [one.staff_id for one in periods] == [ada["id"], alan["id"], noor["id"]]
    assert periods[-1].from_at == tomorrow


async def test_a_planned_handover_is_replaced_from_its_very_instant(world: World) -> None:
    ada, alan, noor = await world.staff("Ada"), await world.staff("Alan"), await world.staff("Noor")
    client = await world.client(ada)
    tomorrow = datetime.now(UTC) + 24 * HOUR
    await hand_over(world, client, noor, tomorrow)
    await hand_over(world, client, alan, tomorrow)
    periods = await unbroken(world, client["id"])
    assert [one.staff_id for one in periods] == [ada["id"], alan["id"]]


async def test_the_past_is_not_handed_over(world: World) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    client = await world.client(ada)
    answer = await hand_over(world, client, alan, datetime.now(UTC) - HOUR)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert len(await unbroken(world, client["id"])) == 1


async def test_of_two_who_hand_over_at_once_one_wins_and_the_other_hears_it(world: World) -> None:
    ada, alan, noor = await world.staff("Ada"), await world.staff("Alan"), await world.staff("Noor")
    client = await world.client(ada)
    holder = await asyncpg.connect(world.runtime.settings.database_url)
    try:
        await holder.execute("BEGIN; SELECT FROM points_of_contact FOR UPDATE")
        racing = asyncio.gather(hand_over(world, client, alan), hand_over(world, client, noor))
        await eventually(lambda: world.rows(WAITING), lambda rows: rows[0].count == 2)
        await holder.execute("ROLLBACK")
    finally:
        await holder.close()
    answers = {one.status_code: one for one in await racing}
    assert answers.keys() == {200, 409}
    assert answers[409].json()["code"] == "handed-over-meanwhile"
    winner = answers[200].json()["staff_id"]
    assert [one.staff_id for one in await unbroken(world, client["id"])] == [ada["id"], winner]
    told = await world.told(PointOfContactAssigned)
    assert [str(one.staff_id) for one in told] == [ada["id"], winner]


async def test_who_decided_on_what_is_no_longer_so_hears_it(world: World) -> None:
    ada, alan, noor = await world.staff("Ada"), await world.staff("Alan"), await world.staff("Noor")
    client = await world.client(ada)
    read = await world.call("GET", f"/v1/clients/{client['id']}/point-of-contact")
    match = {"If-Match": read.headers["etag"]}
    assert (await hand_over(world, client, alan, headers=match)).status_code == 200
    assert (await hand_over(world, client, noor, headers=match)).status_code == 412


async def test_only_a_partner_hands_over_and_missing_ones_are_404(world: World) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    client = await world.client(ada)
    own = {"role": "attorney", "email": ada["email"]}
    assert (await hand_over(world, client, alan, **own)).status_code == 403
    assert (await hand_over(world, alan, alan)).status_code == 404
    path = f"/v1/clients/{client['id']}/point-of-contact"
    assert (await world.call("GET", path, **own)).status_code == 200
    stranger = {"role": "attorney", "email": alan["email"]}
    assert (await world.call("GET", path, **stranger)).status_code == 404


@pytest.mark.parametrize(
    "breaking",
    [
        "DELETE FROM points_of_contact",
        "UPDATE points_of_contact SET until_at = now() + interval '1 day'",
        "UPDATE points_of_contact SET from_at = now() + interval '1 day'",
        """INSERT INTO points_of_contact
               (assignment_id, client_id, staff_id, from_at, assigned_by)
           SELECT gen_random_uuid(), client_id, staff_id, now(), assigned_by
           FROM points_of_contact""",
        """INSERT INTO clients SELECT gen_random_uuid(), revision, name, email, phone, time_zone,
               preferences, registered_at FROM clients""",
    ],
)
async def test_the_database_itself_refuses_gaps_and_overlaps(world: World, breaking: str) -> None:
    await world.client(await world.staff("Ada"))
    connection = await asyncpg.connect(world.runtime.settings.database_url)
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(breaking)
    finally:
        await connection.close()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plans=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6))
async def test_no_order_of_handovers_leaves_an_instant_without_a_contact(
    world: World, people: list[dict[str, Any]], plans: list[tuple[int, int]]
) -> None:
    """Each plan is (hours from now, to whom); as whoever reads the events would reckon it."""
    client = await world.client(people[0])
    now = datetime.now(UTC)
    expected = {timedelta(0): people[0]["id"]}
    for hours, person in plans:
        from_at = now + hours * HOUR if hours else None
        assert (await hand_over(world, client, people[person], from_at)).status_code == 200
        expected[hours * HOUR] = people[person]["id"]
    periods = await unbroken(world, client["id"])
    planned = [one for one in periods if one.from_at > now + HOUR / 2]
    at_once = [one for one in periods if one.from_at <= now + HOUR / 2]
    reckoned = [expected[when] for when in sorted(expected) if when]
    assert [one.staff_id for one in planned] == reckoned
    assert at_once[-1].staff_id == expected[timedelta(0)]


@pytest.fixture
async def people(world: World) -> list[dict[str, Any]]:
    return [await world.staff(name) for name in ("Ada", "Alan", "Noor")]


async def test_nobody_stands_in_for_themselves(world: World) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    client = await world.client(ada)
    path = f"/v1/clients/{client['id']}/point-of-contact"
    both = {"staff_id": alan["id"], "stand_in_id": alan["id"]}
    for refused in (
        await world.call("PUT", path, both),
        await world.call(
            "POST",
            f"/v1/staff/{ada['id']}/handovers",
            {"to_staff_id": alan["id"], "stand_in_id": alan["id"]},
        ),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    with pytest.raises(IntegrityError):
        await world.rows("UPDATE points_of_contact SET stand_in_id = staff_id RETURNING 1")


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z"])
async def test_an_instant_at_the_end_of_the_calendar_is_refused(world: World, at: str) -> None:
    ada = await world.staff("Ada")
    client = await world.client(ada)
    for method, what, body in (
        ("PUT", "point-of-contact", {"staff_id": ada["id"], "from_at": at}),
        ("POST", "consents", {"purpose": "x", "recipient": "x", "scope": "x", "expires_at": at}),
    ):
        refused = await world.call(method, f"/v1/clients/{client['id']}/{what}", body)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
        assert "2200" in refused.json()["detail"]
