"""A month of a made-up firm, small: what was promised, what broke, and that one call says it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privity import demo_firm, demo_month, platform_clock
from privity.demo_cast import LAWYERS, address
from privity.demo_days import FIRM_ZONE
from privity.demo_month import MONTH, first_day
from privity.errors import Trouble
from support.office import Office, running_office, until


@pytest.fixture(scope="module")
def firm(folder: Path) -> Iterator[Office]:
    """A platform of its own: its clock moves by weeks."""
    with running_office(folder / "month") as office:
        demo_month.play(office.stack, size=8)
        yield office


def now(office: Office) -> datetime:
    return datetime.now(UTC) + platform_clock.offset(office.stack.clock_offset)


def clocks(office: Office, kind: str, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = office.get("/v1/clocks", kind=kind, state=state, limit=500)[
        "items"
    ]
    return found


def standing(office: Office) -> list[dict[str, Any]]:
    matters = office.get("/v1/matters", limit=100)["items"]
    return [office.get(f"/v1/matters/{one['id']}/standing") for one in matters]


def worth_a_look(office: Office, why: str) -> dict[str, Any]:
    played = demo_month.played(office.stack)
    assert played is not None
    seen = next(one for one in played.matters if why in one.why)
    found: dict[str, Any] = office.get(f"/v1/matters/{seen.matter_id}/standing")
    return found


def test_every_matter_of_the_month_can_say_how_it_stands(firm: Office) -> None:
    every = standing(firm)
    silent = [one for one in every if one["silent_days"] >= MONTH.days]
    assert silent, "somebody has heard nothing all month"
    for one in silent:
        assert any(owed["kind"] == "update" and owed["late"] for owed in one["owed"])
    told = [one for one in every if one["told"] and one["closed_at"] is None]
    assert len(told) >= 7
    for one in told:
        assert one["point_of_contact"]
        assert all(client["name"] for client in one["clients"])
        assert all(entry["by"] and entry["subject"] for entry in one["told"])
        assert any(owed["kind"] == "update" and owed["why"] for owed in one["owed"])


def test_people_of_the_firm_speak_with_clients_when_the_office_is_open(firm: Office) -> None:
    spoken = [
        datetime.fromisoformat(told["at"]).astimezone(FIRM_ZONE)
        for one in standing(firm)
        for told in one["told"]
        if told["channel"] == "phone"
    ]
    assert len(spoken) >= 14
    for instant in spoken:
        assert instant.weekday() < 5
        assert 9 <= instant.hour < 17


def test_the_silent_one_was_breached_and_who_asked_hears_within_two_hours_or_it_breaks(
    firm: Office,
) -> None:
    until(lambda: clocks(firm, "update", "breached"))
    limits = [datetime.fromisoformat(one["limit_at"]) for one in clocks(firm, "update", "running")]
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
    urgent = until(lambda: clocks(firm, "response", "running"))
    assert any(one["urgent"] for one in urgent)
    night = worth_a_look(firm, "urgent")
    assert any(one["kind"] == "response" for one in night["owed"]), "it stands in her matter"


def test_a_couple_is_told_each_and_a_closed_matter_owes_nothing(firm: Office) -> None:
    couple = worth_a_look(firm, "two clients")
    assert {one["id"] for one in couple["clients"]} == {one["client_id"] for one in couple["told"]}
    closed = worth_a_look(firm, "closed")
    assert closed["owed"] == []
    assert [one["what"] for one in closed["told"]][:2] == ["update", "file"]


def test_who_has_left_is_nobodys_contact_and_the_month_is_played_once(firm: Office) -> None:
    left = firm.staff(address(LAWYERS[-1]))
    assert not left["active"]
    matters = firm.get("/v1/matters", limit=100)["items"]
    assert left["id"] not in {one["point_of_contact_id"] for one in matters}
    assert demo_month.play(firm.stack, size=8) == demo_month.played(firm.stack)


def test_a_month_that_broke_off_is_not_taken_for_one_that_ended(firm: Office) -> None:
    notes = firm.stack.home / "demo-month.json"
    kept = notes.rename(notes.with_suffix(".kept"))
    try:
        with pytest.raises(Trouble, match="broke off"):
            demo_month.play(firm.stack, size=8)
    finally:
        kept.rename(notes)


def test_the_firm_that_joins_the_month_bills_it_by_the_platforms_clock(firm: Office) -> None:
    """Work that was recorded before the terms were accepted would be billed to nobody."""
    played = demo_month.played(firm.stack)
    assert played is not None
    matters = sum(len(one.matters) for one in demo_firm.CLIENTS)
    assert played.invoices == demo_firm.plant(firm.stack) == matters


@given(st.integers(0, 10 * 365 * 24 * 3600))
def test_a_month_ends_on_a_friday_night_and_begins_soon(seconds: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    begin = first_day(at)
    end = (begin + MONTH).astimezone(FIRM_ZONE)
    assert (end.weekday(), end.hour, end.minute) == (4, 22, 30)
    assert at < begin < at + timedelta(days=15)
