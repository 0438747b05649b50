"""Which rate, how many minutes, whose share: pure decisions."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.terms import rules, wording
from billing.terms.rules import Terms
from support.bills import TERMS

LINES = st.text(st.characters(categories=["L", "Nd", "Po"]), min_size=1)

ADA, BEN = UUID(int=1), UUID(int=2)


def terms(**changes: object) -> Terms:
    return Terms.model_validate(TERMS | changes)


def hourly(*rates: dict[str, object], **more: object) -> Terms:
    return terms(arrangements=[{"kind": "hourly", "rates": list(rates), **more}])


def test_the_nearer_rate_wins_and_of_several_the_one_that_began_last() -> None:
    agreed = hourly(
        {"per_hour": "100"},
        {"per_hour": "200", "role": "partner"},
        {"per_hour": "210", "role": "partner", "from_day": "2026-07-01"},
        {"per_hour": "300", "staff_id": str(ADA)},
        {"per_hour": "310", "staff_id": str(ADA), "from_day": "2026-07-01"},
        {"per_hour": "320", "staff_id": str(ADA), "from_day": "2026-08-01",
         "until_day": "2026-08-31"},
    )  # fmt: skip

    def rate(who: UUID, role: str, day: date) -> int | None:
        return rules.charge(agreed, who, role, day, 60).rate

    assert rate(BEN, "paralegal", date(2026, 7, 1)) == 100_00
    assert rate(BEN, "partner", date(2026, 6, 30)) == 200_00
    assert rate(BEN, "partner", date(2026, 7, 1)) == 210_00
    assert rate(ADA, "partner", date(2026, 6, 30)) == 300_00
    assert rate(ADA, "partner", date(2026, 7, 1)) == 310_00
    assert rate(ADA, "partner", date(2026, 8, 31)) == 320_00
    assert rate(ADA, "partner", date(2026, 9, 1)) == 310_00


def test_who_has_no_rate_cannot_be_charged() -> None:
    agreed = hourly({"per_hour": "100", "role": "partner"})
    with pytest.raises(rules.NoRate):
        rules.charge(agreed, ADA, "attorney", date(2026, 1, 1), 6)


@given(st.integers(min_value=1, max_value=1440), st.sampled_from([3, 6, 12, 15, 30, 60]))
def test_minutes_are_whole_increments_and_the_amount_is_units_times_rate(
    minutes: int, increment: int
) -> None:
    up = rules.rounded_minutes(minutes, increment, "up")
    near = rules.rounded_minutes(minutes, increment, "nearest")
    assert up % increment == near % increment == 0
    assert 0 <= up - minutes < increment
    assert near >= increment
    assert abs(near - minutes) <= increment / 2 or minutes < increment
    # Units of an hour end within two decimals: what LEDES multiplies is what was charged.
    assert up * 100 % 60 == 0
    agreed = hourly({"per_hour": "333.33"}, increment_minutes=increment)
    charge = rules.charge(agreed, ADA, "attorney", date(2026, 1, 1), minutes)
    assert charge.amount == (33333 * up * 2 + 60) // 120


@given(st.lists(st.tuples(LINES, st.lists(st.lists(LINES, min_size=1), max_size=3)), min_size=1))
def test_what_was_disclosed_is_read_back_under_its_headings(
    parts: list[tuple[str, list[list[str]]]],
) -> None:
    """Also of words with blank lines in them."""
    told = [
        wording.Section(heading, tuple("\n\n".join(lines) for lines in paragraphs))
        for heading, paragraphs in parts
    ]
    read = wording.of_text(wording.as_text(told))
    words = [tuple(line for one in paragraphs for line in one) for _, paragraphs in parts]
    assert [(one.heading, one.paragraphs) for one in read] == [
        (heading, lines) for (heading, _), lines in zip(parts, words, strict=True)
    ]
