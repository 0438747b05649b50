"""Late penalties: simple interest, day by day, on what was owed and undisputed at each day's
end."""

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
    first = due_on + timedelta(days=grace_days + 1)
    owed, owed_days, at = 0, 0, first
    for day, change in sorted(changes):
        if day > through:
            break
        if day > at:
            owed_days += max(owed, 0) * (day - at).days
            at = day
        owed += change
    owed_days += max(owed, 0) * max((through - at).days + 1, 0)
    return money.half_up(Fraction(annual_percent) * owed_days / (100 * DAYS_OF_A_YEAR))
