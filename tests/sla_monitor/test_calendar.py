"""What a calendar accepts, what it refuses and with which hint, and why a day is closed."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from sla_monitor.calendar import (
    CalendarDraft,
    CalendarRefused,
    Holiday,
    PublishedCalendar,
    Span,
    WorkingCalendar,
    publish,
    working_calendar,
)

TODAY = date(2026, 7, 1)
OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def published(**changes: Any) -> PublishedCalendar:
    asked = {"name": "Office", "time_zone": "America/New_York", "weekly": OFFICE, **changes}
    return publish(CalendarDraft.model_validate(asked), TODAY)


def calendar(**changes: Any) -> WorkingCalendar:
    return working_calendar(published(**changes))


@pytest.mark.parametrize(
    ("changes", "code", "hint"),
    [
        ({"weekly": {"mon": [["22:00", "06:00"]]}}, "span-over-midnight", '["22:00", "24:00"]'),
        ({"weekly": {"mon": [["09:00", "00:00"]]}}, "span-over-midnight", '["09:00", "24:00"]'),
        ({"weekly": {"mon": [["24:00", "09:00"]]}}, "span-over-midnight", "Split"),
        ({"weekly": {"mon": [["09:00", "09:00"]]}}, "empty-span", "whole day"),
        ({"weekly": {}}, "calendar-without-spans", '"mon"'),
        ({"weekly": {"mon": []}}, "calendar-without-spans", '"mon"'),
        (
            {"weekly": {"mon": [["09:00", "13:00"], ["12:00", "17:00"]]}},
            "overlapping-spans",
            "Join",
        ),
        ({"time_zone": "Mars/Olympus"}, "unknown-time-zone", "IANA"),
        ({"holidays": {"country": "XX"}}, "unknown-country", "ISO 3166-1"),
        ({"holidays": {"country": "US", "subdivision": "QQ"}}, "unknown-subdivision", "NY"),
        (
            {"overrides": [{"date": "2026-12-24", "spans": []}] * 2},
            "duplicate-override",
            "one override",
        ),
        (
            {"overrides": [{"date": "2026-12-24", "spans": [["22:00", "02:00"]]}]},
            "span-over-midnight",
            "2026-12-24",
        ),
    ],
)
def test_a_calendar_that_cannot_be_kept_is_refused_with_a_hint(
    changes: dict[str, Any], code: str, hint: str
) -> None:
    with pytest.raises(CalendarRefused) as refused:
        published(**changes)
    assert refused.value.code == code
    assert hint in refused.value.members["hint"]


@pytest.mark.parametrize(
    "changes",
    [
        {"weekly": {"mon": [["9:00", "17:00"]]}},
        {"weekly": {"mon": [["09:00", "24:01"]]}},
        {"weekly": {"monday": [["09:00", "17:00"]]}},
        {"weekly": {"mon": [["09:00"]]}},
        {"holidays": ["2026-02-30"]},
        {"nickname": "x"},
        {"name": ""},
        {"name": "a\x00b"},
    ],
)
def test_what_is_not_shaped_like_a_calendar_is_not_read(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        published(**changes)


def test_a_day_may_end_at_24_00() -> None:
    day = calendar(weekly={"mon": [["18:00", "24:00"]]}).on(date(2026, 7, 13))
    assert day == ((Span(18 * 60, 24 * 60),), "weekend", None)


def test_spans_that_touch_do_not_overlap() -> None:
    spans, _, _ = calendar(weekly={"mon": [["13:00", "17:00"], ["09:00", "13:00"]]}).on(
        date(2026, 7, 13)
    )
    assert spans == (Span(540, 780), Span(780, 1020))


def test_holidays_by_law_keep_actual_and_observed_days_apart() -> None:
    by_law = calendar(holidays={"country": "US", "subdivision": "NY"})
    assert by_law.on(date(2026, 7, 3)) == ((), "holiday", "Independence Day (observed)")
    assert by_law.on(date(2026, 7, 4)) == ((), "holiday", "Independence Day")
    assert by_law.on(date(2027, 12, 31)) == ((), "holiday", "New Year's Day (observed)")
    assert by_law.on(date(2026, 7, 6))[0]


def test_an_observed_day_in_the_last_known_year_is_kept() -> None:
    frozen = publish(
        CalendarDraft.model_validate(
            {"name": "x", "time_zone": "UTC", "weekly": OFFICE, "holidays": {"country": "US"}}
        ),
        date(2012, 1, 1),  # known to 2027; 1 January 2028 is a Saturday
    )
    assert frozen.holidays[-1] == Holiday(date=date(2027, 12, 31), name="New Year's Day (observed)")


def test_frozen_holidays_name_their_source() -> None:
    source = published(holidays={"country": "US"}).holidays_from
    assert source is not None
    assert source.library.startswith("holidays 0.")
    assert (source.first_year, source.last_year) == (2021, 2041)


def test_holidays_may_be_plain_dates_or_named() -> None:
    named = calendar(holidays=["2026-07-13", {"date": "2026-07-14", "name": "Bastille Day"}])
    assert named.on(date(2026, 7, 13)) == ((), "holiday", "holiday")
    assert named.on(date(2026, 7, 14)) == ((), "holiday", "Bastille Day")


def test_an_override_beats_a_holiday_and_an_empty_one_closes() -> None:
    both = calendar(
        holidays=["2026-07-13"],
        overrides=[
            {"date": "2026-07-14", "spans": []},
            {"date": "2026-07-13", "spans": [["10:00", "12:00"]]},
        ],
    )
    assert both.on(date(2026, 7, 13))[0] == (Span(600, 720),)
    assert both.on(date(2026, 7, 14)) == ((), "override", None)


def test_what_was_published_reads_back_as_the_same_value() -> None:
    before = published(holidays={"country": "US"}, overrides=[{"date": "2026-12-24", "spans": []}])
    after = PublishedCalendar.model_validate_json(before.model_dump_json())
    assert working_calendar(after) == working_calendar(before)
    assert hash(working_calendar(after)) == hash(working_calendar(before))
