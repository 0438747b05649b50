"""Thresholds of clocks: when each comes, what a pause and an urgent message do to them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sla_monitor.calendar import CalendarDraft, publish, working_calendar
from sla_monitor.counting import Mode, counted
from sla_monitor.rules import (
    DEFAULT_POLICIES,
    ClockPolicy,
    Course,
    LadderStep,
    Pause,
    explained,
    instant_of,
    next_threshold,
    timetable,
)

OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
CALENDAR = working_calendar(
    publish(
        CalendarDraft.model_validate(
            {
                "name": "Office",
                "time_zone": "America/New_York",
                "weekly": OFFICE,
                "holidays": {"country": "US"},
            }
        ),
        date(2026, 7, 1),
    )
)
RESPONSE = DEFAULT_POLICIES["response"]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)


def at(name: str, policy: ClockPolicy, course: Course) -> datetime | None:
    return instant_of(timetable(CALENDAR, policy, course), name)


def policy(**changes: Any) -> ClockPolicy:
    asked = {"mode": "business_hours", "target": "PT4H", "limit": "PT8H", **changes}
    return ClockPolicy.model_validate(asked)


def test_a_response_clock_warns_aims_breaches_and_climbs_in_that_order() -> None:
    table = timetable(CALENDAR, RESPONSE, Course(local("2026-07-10 16:30")))
    assert [(t.name, t.at, t.rung) for t in table] == [
        ("warn:PT8H", local("2026-07-13 08:30"), None),
        ("warn:PT2H", local("2026-07-13 14:30"), None),
        ("target", local("2026-07-13 16:30"), None),
        ("limit", local("2026-07-14 16:30"), None),
        ("ladder:0", local("2026-07-14 16:30"), "supervisor"),
        ("ladder:1", local("2026-07-14 20:30"), "managing_partner"),
    ]


def test_an_acknowledgment_is_owed_in_24_hours_by_the_wall_clock() -> None:
    course = Course(local("2026-03-07 12:00"))
    table = timetable(CALENDAR, DEFAULT_POLICIES["acknowledgment"], course)
    assert instant_of(table, "limit") == local("2026-03-08 13:00")
    assert instant_of(table, "target") is None, "the limit says it once for both"


def test_a_warning_steps_back_in_working_time() -> None:
    hours = policy(target="PT2H", warn_at=["PT1H45M"])
    warned = at("warn:PT1H45M", hours, Course(local("2026-07-10 16:30")))
    assert warned == local("2026-07-10 16:45")


def test_a_pause_is_counted_in_the_calendar_of_the_target() -> None:
    pause = Pause("q", local("2026-07-10 16:00"), local("2026-07-13 10:00"))
    course = Course(local("2026-07-10 15:00"), [pause])
    assert at("target", policy(), course) == local("2026-07-13 13:00")


def test_a_pause_over_the_weekend_alone_adds_nothing() -> None:
    opened = local("2026-07-10 15:00")
    pause = Pause("q", local("2026-07-10 17:00"), local("2026-07-13 09:00"))
    assert at("limit", policy(), Course(opened, [pause])) == at("limit", policy(), Course(opened))


def test_a_paused_clock_has_no_target_and_no_next_threshold() -> None:
    course = Course(local("2026-07-10 15:00"), [Pause("q", local("2026-07-10 16:00"))])
    table = timetable(CALENDAR, policy(), course)
    assert table == ()
    assert next_threshold(table, "paused", ()) is None


def test_what_was_reached_before_a_pause_stays_reached() -> None:
    course = Course(local("2026-07-13 09:00"), [Pause("q", local("2026-07-13 14:00"))])
    table = timetable(CALENDAR, policy(), course)
    assert instant_of(table, "target") == local("2026-07-13 13:00")
    assert instant_of(table, "limit") is None


def test_a_question_sent_exactly_at_the_limit_is_in_time() -> None:
    course = Course(local("2026-07-13 09:00"), [Pause("q", local("2026-07-13 17:00"))])
    assert at("limit", policy(), course) is None


def test_overlapping_pauses_are_counted_once() -> None:
    pauses = [
        Pause("a", local("2026-07-13 10:00"), local("2026-07-13 12:00")),
        Pause("b", local("2026-07-13 11:00"), local("2026-07-13 13:00")),
    ]
    course = Course(local("2026-07-13 09:00"), pauses)
    assert at("target", policy(), course) == local("2026-07-13 16:00")


def test_an_urgent_message_counts_by_the_wall_clock_from_its_own_receipt() -> None:
    course = Course(local("2026-07-10 16:30"), urgent_at=local("2026-07-11 22:00"))
    assert at("target", RESPONSE, course) == local("2026-07-11 23:00")
    assert at("limit", RESPONSE, course) == local("2026-07-12 00:00")


def test_an_urgent_message_never_moves_a_promise_to_later() -> None:
    course = Course(local("2026-07-09 16:30"), urgent_at=local("2026-07-10 16:15"))
    assert at("target", RESPONSE, course) == local("2026-07-10 16:30")
    assert at("limit", RESPONSE, course) == local("2026-07-10 18:15")


def test_a_pause_does_not_hold_an_urgent_clock() -> None:
    urgent_at = local("2026-07-11 22:00")
    pauses = [Pause("q", local("2026-07-11 22:10"))]
    course = Course(urgent_at, pauses, urgent_at)
    assert at("limit", RESPONSE, course) == urgent_at + timedelta(hours=2)


def test_a_policy_without_an_urgent_promise_treats_all_alike() -> None:
    opened = local("2026-07-13 09:00")
    assert at("target", policy(), Course(opened, urgent_at=opened)) == local("2026-07-13 13:00")


def test_each_threshold_is_told_once_in_order_and_nothing_after_an_answer() -> None:
    table = timetable(CALENDAR, RESPONSE, Course(local("2026-07-10 16:30")))
    told: list[str] = []
    while (following := next_threshold(table, "running", told)) is not None:
        told.append(following.name)
    assert told == [threshold.name for threshold in table]
    assert next_threshold(table, "met", ()) is None
    assert next_threshold(table, "cancelled", ()) is None


def test_a_breached_clock_only_climbs_its_ladder() -> None:
    table = timetable(CALENDAR, RESPONSE, Course(local("2026-07-10 16:30")))
    following = next_threshold(table, "breached", ("ladder:0", "limit"))
    assert following is not None
    assert (following.name, following.rung) == ("ladder:1", "managing_partner")


def test_the_explanation_names_a_pause_by_its_id() -> None:
    opened = local("2026-07-10 16:30")
    pause = Pause("question-1", local("2026-07-13 10:00"), local("2026-07-13 12:00"))
    course = Course(opened, [pause])
    until = at("target", policy(), course)
    assert until == local("2026-07-13 14:30")
    lines = explained(CALENDAR, policy(), course, until)
    assert [line.name for line in lines if line.reason == "pause"] == ["question-1"]
    used = sum((line.end - line.start for line in lines if line.counted), timedelta(0))
    assert used == timedelta(hours=4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "PT0S"},
        {"target": "PT9H"},
        {"target": "P1D"},
        {"warn_at": ["PT4H"]},
        {"warn_at": ["PT0S"]},
        {"mode": "working_days"},
        {"urgent": {"mode": "business_day", "target": "PT1H", "limit": "PT2H"}},
        {"ladder": ["janitor"]},
        {"grace": "PT1H"},
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        policy(**wrong)


def test_a_policy_reads_back_as_it_was_written() -> None:
    for each in DEFAULT_POLICIES.values():
        assert ClockPolicy.model_validate_json(each.model_dump_json()) == each
    assert policy(ladder=["supervisor"]).ladder == (LadderStep(to="supervisor", at="limit"),)


@settings(max_examples=60, deadline=None)
@given(
    minutes=st.lists(st.integers(1, 2000), min_size=4, max_size=4),
    mode=st.sampled_from([Mode.BUSINESS_DAY, Mode.BUSINESS_HOURS, Mode.ELAPSED]),
)
def test_pauses_shift_the_target_by_exactly_their_counted_time(
    minutes: list[int], mode: Mode
) -> None:
    opened = local("2026-07-10 11:00")
    edges = [opened]
    for step in minutes:
        edges.append(edges[-1] + timedelta(minutes=step))
    course = Course(opened, [Pause("a", edges[1], edges[2]), Pause("b", edges[3], edges[4])])
    amount = timedelta(hours=60)
    promised = policy(mode=mode, target="PT60H", limit="PT61H")
    target = at("target", promised, course)
    assert target is not None
    spans = [(opened, edges[1]), (edges[2], edges[3]), (edges[4], max(target, edges[4]))]
    used = sum((counted(CALENDAR, a, min(b, target), mode) for a, b in spans), timedelta(0))
    assert used == amount
