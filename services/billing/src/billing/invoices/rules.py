"""What an invoice comes to: lines, write-downs, discounts, caps and taxes, exact and explained.

Tax is counted once on the whole and shared by the lines by largest remainders, so that lines and
invoice agree to the cent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from billing import money
from billing.ledger.rules import Billed
from shared.errors import Refusal

HOUR = 60


class WrongState(Refusal):
    """Drafts are changed, issued invoices are paid and credited: it is not in that state."""


class TooMuch(Refusal):
    """It is more than is left of the line or of the invoice."""


@dataclass(frozen=True)
class Priced:
    """One line as far as amounts go; kinds as LEDES has them."""

    kind: str
    units: Decimal
    unit_cost: int
    adjustment: int = 0

    @property
    def total(self) -> int:
        return money.half_up(Fraction(self.units) * self.unit_cost) + self.adjustment


class Totals(NamedTuple):
    """`adjustments` are discounts and caps of the whole invoice, negative."""

    fees: int
    expenses: int
    adjustments: int
    tax: int
    tax_of_lines: list[int]

    @property
    def total(self) -> int:
        return self.fees + self.expenses + self.adjustments + self.tax


def priced(kind: str, billed_minutes: int | None, rate: int | None, amount: int) -> Priced:
    """Time is hours × rate; everything else one unit of its amount."""
    if kind == "time" and rate is not None and billed_minutes is not None:
        return Priced("F", Decimal(billed_minutes) / HOUR, rate)
    return Priced("E" if kind == "expense" else "F", Decimal(1), amount)


def totals(lines: Sequence[tuple[str, int]], tax_percent: Decimal) -> Totals:
    """Of (kind, total) lines. What was discounted bears no tax."""
    by_kind = {kind: sum(total for one, total in lines if one == kind) for kind in _KINDS}
    adjustments = by_kind["IF"] + by_kind["IE"]
    base = by_kind["F"] + by_kind["E"] + adjustments
    tax = money.share(max(base, 0), tax_percent)
    weights = [max(total, 0) for _, total in lines]
    shares = money.split(tax, weights) if tax else [0] * len(lines)
    return Totals(by_kind["F"], by_kind["E"], adjustments, tax, shares)


_KINDS = ("F", "E", "IF", "IE")


def over_cap(cap: int | None, billed_before: int, fees: int) -> int:
    """How much of these fees is more than the agreed limit leaves."""
    return 0 if cap is None else max(min(fees, billed_before + fees - cap), 0)


def of_line(kind: str, total: int, tax: int) -> Billed:
    """A whole line, for the books."""
    fee = kind in ("F", "IF")
    return Billed(total if fee else 0, 0 if fee else total, tax)


def credit_of(line: Billed, before: int, gross: int) -> Billed:
    """A part of a line with tax, parted like the line itself. Counted from what was credited
    `before`, so that a line credited in any steps comes back exactly as it was posted."""
    net, tax = (
        after - already
        for after, already in zip(_parted(line, before + gross), _parted(line, before), strict=True)
    )
    return Billed(net if line.fees else 0, net if not line.fees else 0, tax)


def _parted(line: Billed, gross: int) -> list[int]:
    return money.split(gross, [line.fees + line.expenses, line.tax]) if gross else [0, 0]


def added(parts: Sequence[Billed]) -> Billed:
    return Billed(
        sum(one.fees for one in parts),
        sum(one.expenses for one in parts),
        sum(one.tax for one in parts),
    )
