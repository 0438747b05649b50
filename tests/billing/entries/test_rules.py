"""When work began, and which narratives a reader would question."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.entries import rules

NEW_YORK = ZoneInfo("America/New_York")


def test_a_stretch_over_midnight_is_cut_where_the_firms_day_ends() -> None:
    started = datetime(2026, 7, 1, 3, 30, tzinfo=UTC)  # 23:30 in New York
    parts = list(rules.days_of(started, started + timedelta(minutes=90), NEW_YORK))
    assert [(one.day.isoformat(), one.minutes) for one in parts] == [
        ("2026-06-30", 30),
        ("2026-07-01", 60),
    ]
    assert parts[1].started_at == datetime(2026, 7, 1, 4, 0, tzinfo=UTC)


def test_a_night_without_an_hour_counts_what_went_by() -> None:
    started = datetime(2026, 3, 8, 4, 30, tzinfo=UTC)  # 23:30; clocks go forward at 02:00
    parts = list(rules.days_of(started, datetime(2026, 3, 8, 8, 0, tzinfo=UTC), NEW_YORK))
    assert [one.minutes for one in parts] == [30, 180]


@given(
    st.integers(min_value=0, max_value=366 * 24 * 3600),
    st.integers(min_value=1, max_value=3 * 24 * 3600),
)
def test_no_minute_is_lost_or_doubled(since: int, seconds: int) -> None:
    started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=since)
    parts = list(rules.days_of(started, started + timedelta(seconds=seconds), NEW_YORK))
    assert sum(one.minutes for one in parts) == -(-seconds // 60)
    for one in parts:
        assert one.started_at.astimezone(NEW_YORK).date() == one.day


@pytest.mark.parametrize(
    ("narrative", "minutes", "flags"),
    [
        ("Attention to file.", 30, ["vague"]),
        ("Reviewed the file", 30, ["vague"]),
        ("Research", 30, ["vague"]),
        ("Drafted the assignment clause for the landlord's consent", 180, []),
        ("Drafted reply; called client; reviewed lease", 180, ["block-billed"]),
        ("Drafted reply and telephoned opposing counsel about dates", 90, ["block-billed"]),
        ("Drafted reply and telephoned opposing counsel about dates", 60, []),
        ("Filing fee of the land registry", None, []),
    ],
)
def test_narratives_that_a_client_would_question_are_flagged(
    narrative: str, minutes: int | None, flags: list[str]
) -> None:
    assert list(rules.questionable(narrative, minutes, told_before=False)) == flags
    assert "duplicate" in rules.questionable(narrative, minutes, told_before=True)


def test_case_spaces_and_points_make_no_other_words() -> None:
    assert rules.same_words("Call with  CLIENT.") == rules.same_words("call, with client")
    assert rules.same_words("Call with client") != rules.same_words("Call with counsel")
