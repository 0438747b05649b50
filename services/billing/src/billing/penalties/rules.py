"""Late penalties: simple interest, day by day, on what was owed and undisputed at each day's
end."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from billing import money

DAYS_OF_A_YEAR = 365


def accrued(
    changes: Iterable[tuple[date, int]],
    *,
    due_on: date,
    grace_days: int,
    annual_percent: Decimal,
    through: date,
) -> int:
    """The penalty in all, from the first day after the grace up to and including `through`.

    Counted exactly and rounded once, so that charging it in one or in many steps comes to the same.
    """
    owed, owed_days, at = 0, 0, first_day(due_on, grace_days)
    for day, change in sorted(changes):
        if day > through:
            break
        if day > at:
            owed_days += max(owed, 0) * (day - at).days
            at = day
        owed += change
    owed_days += max(owed, 0) * max((through - at).days + 1, 0)
    return money.half_up(Fraction(annual_percent) * owed_days / (100 * DAYS_OF_A_YEAR))


def first_day(due_on: date, grace_days: int) -> date:
    """The first day that bears a penalty."""
    return due_on + timedelta(days=grace_days + 1)


def month_after(day: date) -> date:
    """The same day of the next month, or its last where it has no such day."""
    year, month = (day.year + day.month // 12, day.month % 12 + 1)
    return date(year, month, min(day.day, monthrange(year, month)[1]))
