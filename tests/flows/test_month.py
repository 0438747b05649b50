"""A month of a made-up firm, small: what was promised, what broke, and that one call says it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privity import demo_firm, demo_month, platform_clock
from privity.demo_month import FIRM_ZONE, MONTH, _first_day
from support.office import Office, running_office, until


@pytest.fixture(scope="module")
def firm(folder: Path) -> Iterator[Office]:
    """A platform of its own: its clock moves by weeks."""
    with running_office(folder / "month") as office:
        assert demo_month.play(office.stack, size=8)
        yield office


def now(office: Office) -> datetime:
    return datetime.now(UTC) + platform_clock.offset(office.stack.clock_offset)


def update_clocks(office: Office, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = office.get("/v1/clocks", kind="update", state=state, limit=500)[
        "items"
    ]
    return found


def test_every_matter_of_the_month_can_say_how_it_stands(firm: Office) -> None:
    matters = firm.get("/v1/matters", limit=100)["items"]
    standing = [firm.get(f"/v1/matters/{one['id']}/standing") for one in matters]
    silent = [one for one in standing if one["silent_days"] >= MONTH.days]
    assert silent, "somebody has heard nothing all month"
    for one in silent:
        assert any(owed["kind"] == "update" and owed["late"] for owed in one["owed"])
    told = [one for one in standing if one["told"]]
    assert len(told) >= 7
    for one in told:
        assert all(entry["by"] for entry in one["told"])
        assert any(owed["kind"] == "update" and owed["why"] for owed in one["owed"])


def test_the_silent_one_was_breached_and_the_forgotten_one_breaks_within_two_hours(
    firm: Office,
) -> None:
    until(lambda: update_clocks(firm, "breached"))
    limits = [datetime.fromisoformat(one["limit_at"]) for one in update_clocks(firm, "running")]
    assert timedelta(0) < min(limits) - now(firm) <= timedelta(hours=2)


def test_the_decision_of_the_last_hour_and_the_emergency_of_friday_night_are_on_the_record(
    firm: Office,
) -> None:
    decisions = firm.get("/v1/clocks", kind="decision")["items"]
    assert [one["state"] for one in decisions] == ["met"]
    left = datetime.fromisoformat(decisions[0]["limit_at"]) - datetime.fromisoformat(
        decisions[0]["met_at"]
    )
    assert timedelta(0) < left < timedelta(hours=1)
    urgent = until(lambda: firm.get("/v1/clocks", kind="response", state="running")["items"])
    assert any(one["urgent"] for one in urgent)


def test_who_has_left_is_nobodys_contact_and_the_month_is_played_once(firm: Office) -> None:
    left = firm.staff(demo_month.address(demo_month.LAWYERS[-1]))
    assert not left["active"]
    matters = firm.get("/v1/matters", limit=100)["items"]
    assert left["id"] not in {one["point_of_contact_id"] for one in matters}
    assert not demo_month.play(firm.stack, size=8)


def test_the_firm_that_joins_the_month_bills_it_by_the_platforms_clock(firm: Office) -> None:
    """Work that was recorded before the terms were accepted would be billed to nobody."""
    assert demo_firm.plant(firm.stack) == sum(len(one.matters) for one in demo_firm.CLIENTS)


@given(st.integers(0, 10 * 365 * 24 * 3600))
def test_a_month_ends_on_a_friday_night_and_begins_soon(seconds: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    begin = _first_day(at)
    end = (begin + MONTH).astimezone(FIRM_ZONE)
    assert (end.weekday(), end.hour, end.minute) == (4, 22, 30)
    assert at < begin < at + timedelta(days=15)
