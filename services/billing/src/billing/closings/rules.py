"""Rule 1.5(c) as arithmetic: the share of what was recovered, and what is left for the client.

The share is rounded once; everything else is sums, so what was recovered is accounted for to the
cent.
"""

from decimal import Decimal
from typing import NamedTuple

from billing import money
from billing.terms.rules import Contingent, NoRate, Stage


class Laid(NamedTuple):
    """The expenses of a matter: billed before, and not billed yet."""

    billed: int
    unbilled: int


class Closing(NamedTuple):
    """What was recovered, and where each part of it goes. A negative `to_client` is owed by the
    client; `base` is what the share is of."""

    recovered: int
    expenses: int
    base: int
    percent: Decimal
    fee: int
    deducted: int
    others: int

    @property
    def to_client(self) -> int:
        return self.recovered - self.fee - self.deducted - self.others


def stage_of(agreed: Contingent, code: str) -> Stage:
    """Raises NoRate for a stage that the terms do not have."""
    found = next((one for one in agreed.stages if one.code == code), None)
    if found is None:
        raise NoRate(f"The terms have no stage {code!r}.")
    return found


def won(agreed: Contingent, stage: Stage, recovered: int, laid: Laid, others: int) -> Closing:
    """Expenses are deducted before the share is taken, or after, as the terms say; what the client
    was billed for before is not deducted again."""
    expenses = laid.billed + laid.unbilled
    base = recovered - expenses if agreed.expenses_deducted == "before" else recovered
    base = max(base, 0)
    fee = money.share(base, stage.percent)
    return Closing(recovered, expenses, base, stage.percent, fee, laid.unbilled, others)


def lost(agreed: Contingent, laid: Laid) -> Closing:
    """Nothing was recovered: no fee, and expenses are whose the terms say."""
    owed = laid.unbilled if agreed.expenses_if_lost == "client" else 0
    return Closing(0, laid.billed + laid.unbilled, 0, Decimal(0), 0, owed, 0)
