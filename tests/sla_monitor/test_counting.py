"""Counting of working time: the field's vectors, the calendar traps, and laws against an oracle."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sla_monitor.calendar import (
    CalendarDraft,
    CalendarRefused,
    Span,
    WorkingCalendar,
    publish,
    working_calendar,
)
from sla_monitor.counting import (
    Duration,
    Mode,
    counted,
    due,
    due_at,
    explanation,
    format_duration,
    parse_duration,
    skipped_days,
)

HOURS, DAYS, ELAPSED = Mode.BUSINESS_HOURS, Mode.BUSINESS_DAY, Mode.ELAPSED
NEW_YORK = "America/New_York"
OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
LUNCH = {day: [["09:00", "12:00"], ["13:00", "17:00"]] for day in OFFICE}
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def calendar(zone: str = NEW_YORK, weekly: Any = OFFICE, **changes: Any) -> WorkingCalendar:
    asked = {"name": "Office", "time_zone": zone, "weekly": weekly, **changes}
    return working_calendar(publish(CalendarDraft.model_validate(asked), date(2026, 7, 1)))


US_OFFICE = calendar(holidays={"country": "US"})


def local(text: str, zone: str = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "mode", "hours", "expected", "weekly"),
    [
        ("2026-07-10 16:30", HOURS, 1, "2026-07-13 09:30", OFFICE),
        ("2026-07-10 16:30", HOURS, 24, "2026-07-15 16:30", OFFICE),
        ("2026-07-10 16:30", DAYS, 24, "2026-07-13 16:30", OFFICE),
        ("2026-07-10 16:30", DAYS, 48, "2026-07-14 16:30", OFFICE),
        ("2026-07-10 17:00", HOURS, 1, "2026-07-13 10:00", OFFICE),
        ("2026-07-13 09:00", HOURS, 8, "2026-07-13 17:00", OFFICE),
        ("2026-07-02 16:00", HOURS, 2, "2026-07-06 10:00", OFFICE),
        ("2026-03-07 12:00", ELAPSED, 24, "2026-03-08 13:00", OFFICE),
        ("2026-03-06 12:00", DAYS, 48, "2026-03-10 12:00", OFFICE),
        ("2026-07-13 11:30", HOURS, 1, "2026-07-13 13:30", LUNCH),
    ],
)
def test_the_vectors_of_the_field_hold(
    start: str, mode: Mode, hours: int, expected: str, weekly: Any
) -> None:
    office = calendar(weekly=weekly, holidays={"country": "US"})
    assert due_at(office, local(start), timedelta(hours=hours), mode) == local(expected)
    used = counted(office, local(start), local(expected), mode)
    assert used == timedelta(hours=hours)


def test_the_same_wall_clock_in_one_zone_does_not_fool_the_count() -> None:
    new_york = ZoneInfo(NEW_YORK)
    saturday = datetime(2026, 3, 7, 12, tzinfo=new_york)
    sunday = datetime(2026, 3, 8, 13, tzinfo=new_york)
    assert due_at(US_OFFICE, saturday, timedelta(hours=24), ELAPSED) == sunday
    assert counted(US_OFFICE, saturday, sunday, ELAPSED) == timedelta(hours=24)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-07-12", 24)]
)
def test_a_business_day_has_the_hours_that_the_clock_change_leaves_it(day: str, hours: int) -> None:
    whole = timedelta(hours=hours)
    sunday = local(f"{day} 00:00")
    office = calendar(weekly={"sun": [["10:00", "11:00"]]})
    next_sunday = (date.fromisoformat(day) + timedelta(days=7)).isoformat()
    assert due_at(office, sunday, whole, DAYS) == sunday + whole
    after = due_at(office, sunday, whole + timedelta(minutes=1), DAYS)
    assert after == local(f"{next_sunday} 00:01")


def test_a_half_day_counts_whole_in_business_days_and_by_its_spans_in_hours() -> None:
    half = calendar(overrides=[{"date": "2026-12-24", "spans": [["09:00", "12:00"]]}])
    thursday = local("2026-12-24 09:00")
    assert due_at(half, thursday, timedelta(hours=24), DAYS) == local("2026-12-25 09:00")
    assert due_at(half, thursday, timedelta(hours=4), HOURS) == local("2026-12-25 10:00")


def test_a_span_in_the_hour_that_never_happens_counts_nothing() -> None:
    night = calendar(weekly={"sun": [["02:00", "03:00"], ["05:00", "06:00"]]})
    start, end = local("2026-03-08 00:00"), local("2026-03-09 00:00")
    assert counted(night, start, end, HOURS) == timedelta(hours=1)
    assert due_at(night, start, timedelta(minutes=1), HOURS) == local("2026-03-08 05:01")


def test_a_span_in_the_hour_that_happens_twice_counts_twice() -> None:
    night = calendar(weekly={"sun": [["01:00", "01:30"]]})
    start, end = local("2026-11-01 00:00"), local("2026-11-02 00:00")
    assert counted(night, start, end, HOURS) == timedelta(hours=1)
    assert due_at(night, start, timedelta(minutes=31), HOURS) == local("2026-11-01 01:01", fold=1)


def test_a_day_that_a_zone_leaves_out_is_not_counted() -> None:
    samoa = calendar(zone="Pacific/Apia", weekly=ALWAYS)
    start, end = (local(f"2011-12-{day} 00:00", "Pacific/Apia") for day in (29, 31))
    assert counted(samoa, start, end, DAYS) == timedelta(hours=24)


def test_days_that_end_at_24_00_lose_no_minute() -> None:
    always = calendar(weekly=ALWAYS)
    start, end = local("2026-07-06 00:00"), local("2026-07-13 00:00")
    assert counted(always, start, end, HOURS) == timedelta(days=7)


def test_a_span_over_midnight_is_written_as_two_and_counted_through() -> None:
    night = calendar(weekly={"mon": [["22:00", "24:00"]], "tue": [["00:00", "06:00"]]})
    assert due_at(night, local("2026-07-13 23:00"), timedelta(hours=2), HOURS) == local(
        "2026-07-14 01:00"
    )


def test_a_weekend_adds_no_working_time() -> None:
    friday, monday = local("2026-07-10 17:00"), local("2026-07-13 09:00")
    assert counted(US_OFFICE, friday, monday, HOURS) == timedelta(0)


def test_no_amount_is_due_at_once_even_on_a_sunday() -> None:
    sunday = local("2026-07-12 11:00")
    assert due_at(US_OFFICE, sunday, timedelta(0), HOURS) == sunday


def test_what_lies_beyond_the_known_holidays_is_refused_not_guessed() -> None:
    with pytest.raises(CalendarRefused) as refused:
        due_at(US_OFFICE, local("2041-12-30 12:00"), timedelta(hours=48), DAYS)
    assert refused.value.code == "beyond-known-holidays"


@pytest.mark.parametrize(
    ("start", "amount"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=87_601)),
        (datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=-1)),
        (datetime(9999, 12, 31, tzinfo=UTC), timedelta(hours=1)),
        (datetime(1, 1, 1, tzinfo=UTC), timedelta(hours=1)),
    ],
)
def test_the_far_future_is_bounded(start: datetime, amount: timedelta) -> None:
    for mode in Mode:
        with pytest.raises(CalendarRefused) as refused:
            due_at(calendar(), start, amount, mode)
        assert refused.value.code == "too-far"


def test_a_calendar_that_is_hardly_ever_open_gives_up_within_its_table() -> None:
    hourly = calendar(weekly={"mon": [["09:00", "09:01"]]})
    with pytest.raises(CalendarRefused) as refused:
        due_at(hourly, local("2026-07-13 09:00"), timedelta(hours=1000), HOURS)
    assert refused.value.code == "too-far"


def test_the_explanation_names_each_reason() -> None:
    office = calendar(
        holidays=[{"date": "2026-07-13", "name": "Founders' Day"}],
        overrides=[{"date": "2026-07-14", "spans": []}],
    )
    answer = due(office, local("2026-07-10 16:30"), timedelta(hours=1), HOURS)
    told = [(str(line.day), line.reason, line.name) for line in answer.explanation if line.day]
    assert told == [
        ("2026-07-10", "closed", None),
        ("2026-07-11", "weekend", None),
        ("2026-07-12", "weekend", None),
        ("2026-07-13", "holiday", "Founders' Day"),
        ("2026-07-14", "override", None),
        ("2026-07-15", "closed", None),
    ]
    assert answer.due == local("2026-07-15 09:30")
    assert list(skipped_days(answer.explanation)) == [date(2026, 7, day) for day in range(11, 15)]


@pytest.mark.parametrize(
    "text", ["P1D", "PT", "24h", "PT1.5H", "P1W", "-PT1H", "PT-1H", "PT99999H"]
)
def test_a_duration_that_could_be_misread_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="PT"):
        parse_duration(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Duration).validate_python(text)


@pytest.mark.parametrize(
    ("text", "seconds", "shown"),
    [
        ("PT24H", 86400, "PT24H"),
        ("PT2S", 2, "PT2S"),
        ("PT90M", 5400, "PT1H30M"),
        ("PT0S", 0, "PT0S"),
    ],
)
def test_a_duration_is_read_and_written_in_iso_8601(text: str, seconds: int, shown: str) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert format_duration(timedelta(seconds=seconds)) == shown


# Laws, over calendars whose zones change their clocks at midnight, by half an hour, or by a day.

ZONES = [
    (NEW_YORK, ["2026-03-08", "2026-11-01"]),
    ("Europe/Berlin", ["2026-03-29", "2026-10-25"]),
    ("America/Santiago", ["2026-04-05", "2026-09-06"]),
    ("America/Havana", ["2026-03-08", "2026-11-01"]),
    ("Africa/Cairo", ["2026-04-24", "2026-10-30"]),
    ("Australia/Lord_Howe", ["2026-04-05", "2026-10-04"]),
    ("Pacific/Apia", ["2011-12-30"]),
    ("Asia/Kolkata", ["2026-01-01"]),
]


def span_tuples() -> st.SearchStrategy[tuple[Span, ...]]:
    edges = st.sets(st.integers(0, 96).map(lambda quarter: quarter * 15), max_size=6).map(sorted)
    return edges.map(lambda es: tuple(Span(a, b) for a, b in zip(es[::2], es[1::2], strict=False)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[WorkingCalendar, datetime]:
    zone, days = draw(st.sampled_from(ZONES))
    near = date.fromisoformat(draw(st.sampled_from(days)))
    around = st.integers(-4, 5).map(lambda days: near + timedelta(days=days))
    weekly = tuple(draw(span_tuples()) for _ in range(7))
    assume(any(weekly))
    start = datetime.combine(near, datetime.min.time(), tzinfo=UTC)
    value = WorkingCalendar(
        time_zone=zone,
        weekly=weekly,
        holidays=tuple((day, "holiday") for day in draw(st.sets(around, max_size=2))),
        overrides=tuple(draw(st.dictionaries(around, span_tuples(), max_size=2)).items()),
    )
    return value, start + timedelta(minutes=draw(st.integers(-3000, 3000)))


def minutes_walked(
    office: WorkingCalendar, start: datetime, amount: int, mode: Mode, patience: int = 30_000
) -> datetime | None:
    """The oracle: looks at each minute's wall clock and asks whether it is worked."""
    now = start
    for _ in range(patience):
        if amount == 0:
            return now
        wall = now.astimezone(office.zone)
        spans = office.on(wall.date())[0]
        minute = wall.hour * 60 + wall.minute
        whole = mode is Mode.BUSINESS_DAY and bool(spans)
        amount -= whole or any(span.opens <= minute < span.closes for span in spans)
        now += timedelta(minutes=1)
    return None


MODES, AMOUNTS = st.sampled_from([HOURS, DAYS]), st.integers(0, 3000)


@settings(max_examples=40, deadline=None)
@given(case=cases(), mode=MODES, amount=AMOUNTS)
def test_due_agrees_with_walking_every_minute(
    case: tuple[WorkingCalendar, datetime], mode: Mode, amount: int
) -> None:
    office, start = case
    walked = minutes_walked(office, start, amount, mode)
    assume(walked is not None)
    assert due_at(office, start, timedelta(minutes=amount), mode) == walked


@settings(max_examples=40, deadline=None)
@given(case=cases(), mode=st.sampled_from(Mode), seconds=st.integers(0, 200_000))
def test_counting_is_the_inverse_of_due(
    case: tuple[WorkingCalendar, datetime], mode: Mode, seconds: int
) -> None:
    office, start = case
    amount = timedelta(seconds=seconds)
    end = due_at(office, start, amount, mode)
    assert counted(office, start, end, mode) == amount
    lines = explanation(office, start, end, mode)
    assert sum((line.end - line.start for line in lines if line.counted), timedelta(0)) == amount
    edges = [start, *(line.end for line in lines)]
    assert [line.start for line in lines] == edges[:-1]
    assert edges[-1] == end


@settings(max_examples=40, deadline=None)
@given(case=cases(), mode=st.sampled_from(Mode), one=AMOUNTS, other=AMOUNTS)
def test_an_amount_may_be_split(
    case: tuple[WorkingCalendar, datetime], mode: Mode, one: int, other: int
) -> None:
    office, start = case
    first, second = timedelta(minutes=one), timedelta(minutes=other)
    halfway = due_at(office, start, first, mode)
    assert due_at(office, halfway, second, mode) == due_at(office, start, first + second, mode)


@settings(max_examples=40, deadline=None)
@given(case=cases(), mode=st.sampled_from(Mode), amount=AMOUNTS, later=st.integers(0, 5000))
def test_more_or_later_is_never_due_earlier(
    case: tuple[WorkingCalendar, datetime], mode: Mode, amount: int, later: int
) -> None:
    office, start = case
    ends = due_at(office, start, timedelta(minutes=amount), mode)
    assert due_at(office, start, timedelta(minutes=amount + later), mode) >= ends
    assert due_at(office, start + timedelta(minutes=later), timedelta(minutes=amount), mode) >= ends
