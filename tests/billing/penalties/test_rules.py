"""Late penalties: exact to the day, whatever the steps in which they are charged."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.penalties.rules import accrued, month_after

DUE = date(2026, 3, 31)


def penalty(changes: list[tuple[date, int]], through: date, grace: int = 10) -> int:
    return accrued(
        changes, due_on=DUE, grace_days=grace, annual_percent=Decimal(8), through=through
    )


def test_nothing_accrues_until_the_day_after_the_grace() -> None:
    owed = [(date(2026, 3, 1), 36_500_00)]
    assert penalty(owed, date(2026, 4, 10)) == 0
    assert penalty(owed, date(2026, 4, 11)) == 8_00  # 8 % of 36,500 for one day
    assert penalty(owed, date(2026, 4, 12)) == 16_00
    assert penalty(owed, DUE + timedelta(days=10 + 365)) == 2_920_00


def test_a_payment_counts_from_its_day_and_what_was_overpaid_earns_nothing() -> None:
    paid = [(date(2026, 3, 1), 36_500_00), (date(2026, 4, 13), -18_250_00)]
    assert penalty(paid, date(2026, 4, 14)) == 16_00 + 8_00
    early = [(date(2026, 3, 1), 36_500_00), (date(2026, 3, 15), -36_500_00)]
    assert penalty(early, date(2027, 1, 1)) == 0
    over = [(date(2026, 3, 1), 100), (date(2026, 4, 1), -500)]
    assert penalty(over, date(2027, 1, 1)) == 0


CHANGES = st.lists(
    st.tuples(st.integers(-60, 400), st.integers(-(10**8), 10**8)), min_size=1, max_size=12
)


@given(CHANGES, st.integers(0, 60), st.integers(-30, 500))
def test_segments_come_to_the_same_as_counting_each_day(
    steps: list[tuple[int, int]], grace: int, length: int
) -> None:
    changes = [(DUE + timedelta(days=day), change) for day, change in steps]
    through = DUE + timedelta(days=length)
    owed_days = 0
    for offset in range(grace + 1, length + 1):
        day = DUE + timedelta(days=offset)
        owed_days += max(sum(change for on, change in changes if on <= day), 0)
    expected = (8 * owed_days * 2 + 36_500) // 73_000
    assert penalty(changes, through, grace) == expected


@given(CHANGES, st.integers(1, 400), st.integers(1, 100))
def test_a_penalty_never_falls_as_days_go_by(
    steps: list[tuple[int, int]], length: int, more: int
) -> None:
    changes = [(DUE + timedelta(days=day), change) for day, change in steps]
    sooner = penalty(changes, DUE + timedelta(days=length))
    assert sooner <= penalty(changes, DUE + timedelta(days=length + more))


def test_a_month_later_is_the_same_day_or_the_months_last() -> None:
    assert month_after(date(2026, 1, 31)) == date(2026, 2, 28)
    assert month_after(date(2026, 12, 15)) == date(2027, 1, 15)
    assert month_after(date(2028, 1, 30)) == date(2028, 2, 29)
