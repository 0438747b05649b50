"""Quiet hours by the clocks of a zone, and the form of a mail that a client's words ask for."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.directory.rules import Manner, end_of_quiet, reading_of

NEW_YORK, MADRID = ZoneInfo("America/New_York"), ZoneInfo("Europe/Madrid")
ZONES = [ZoneInfo(name) for name in ("America/New_York", "Europe/Madrid", "Australia/Lord_Howe")]
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
INSTANTS = st.integers(1_700_000_000, 1_830_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))


def local(instant: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(instant).replace(tzinfo=zone).astimezone(UTC)


@given(INSTANTS, st.sampled_from(ZONES), MINUTES, MINUTES)
def test_what_waits_leaves_at_the_first_instant_that_is_not_quiet(
    at: datetime, zone: ZoneInfo, begins: time, ends: time
) -> None:
    if begins == ends:
        return
    end = end_of_quiet(at, zone, begins, ends)
    if end is None:
        return
    assert end_of_quiet(end, zone, begins, ends) is None, "it does not leave in quiet hours"
    assert at < end <= at + timedelta(hours=49)
    minute = timedelta(minutes=1)
    steps = int((end - at) / minute)
    quiet = [end_of_quiet(at + minute * step, zone, begins, ends) for step in range(0, steps, 7)]
    assert all(one is not None for one in quiet) or _skipped(end, zone), "it waits no longer"


def _skipped(end: datetime, zone: ZoneInfo) -> bool:
    """Whether the clocks went forward over the end of the quiet hours: then it comes after that."""
    day = timedelta(hours=3)
    return (end - day).astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset()


@pytest.mark.parametrize(
    ("at", "zone", "leaves"),
    [
        ("2026-07-13T23:10", MADRID, "2026-07-14T08:00"),
        ("2026-07-14T03:00", MADRID, "2026-07-14T08:00"),
        ("2026-07-14T07:59", MADRID, "2026-07-14T08:00"),
        ("2026-03-29T01:30", MADRID, "2026-03-29T08:00"),  # the night that has 23 hours
        ("2026-10-25T01:30", MADRID, "2026-10-25T08:00"),  # the night that has 25
    ],
)
def test_quiet_hours_span_midnight_and_the_nights_in_which_clocks_change(
    at: str, zone: ZoneInfo, leaves: str
) -> None:
    end = end_of_quiet(local(at, zone), zone, time(21), time(8))
    assert end == local(leaves, zone)


@pytest.mark.parametrize("at", ["2026-07-14T08:00", "2026-07-14T12:00", "2026-07-14T20:59"])
def test_outside_of_quiet_hours_nothing_waits(at: str) -> None:
    assert end_of_quiet(local(at, MADRID), MADRID, time(21), time(8)) is None


def test_an_end_that_the_clocks_skip_comes_when_they_go_on() -> None:
    end = end_of_quiet(local("2026-03-08T01:59", NEW_YORK), NEW_YORK, time(23), time(2, 30))
    assert end == datetime(2026, 3, 8, 7, 30, tzinfo=UTC), (
        "half past three: there is no half past two"
    )


def test_an_end_that_comes_twice_does_not_cost_a_day() -> None:
    second = local("2026-11-01T01:15", NEW_YORK) + timedelta(hours=1)
    end = end_of_quiet(second, NEW_YORK, time(23), time(1, 30))
    assert end == second + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("words", "reading"),
    [
        ("Large print, please: low vision", "large"),
        ("I use a screen-reader", "plain"),
        ("Large print, or PLAIN  TEXT for my screen reader", "plain"),
        ("Please no phone calls, I am deaf", "usual"),
        ("", "usual"),
    ],
)
def test_words_about_accessibility_choose_the_form_of_a_mail(words: str, reading: str) -> None:
    assert reading_of(words) == reading


def test_a_wish_is_followed_by_the_machine_or_asked_of_a_person() -> None:
    manner = Manner(zone=MADRID, wishes={"updates": "portal", "billing": "letter"})
    assert (manner.in_portal("updates"), manner.by_person("updates")) == (True, None)
    assert (manner.in_portal("billing"), manner.by_person("billing")) == (False, "letter")
