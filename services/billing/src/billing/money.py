"""Money is an integer count of a currency's minor unit; nothing here ever meets a float.

Rounding is half up, away from zero, to the minor unit, once, at the end of a calculation; what is
split is split by largest remainders, so that the parts always sum to the whole.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

EXPONENTS = {
    "AED": 2, "ARS": 2, "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2,
    "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "ILS": 2, "INR": 2, "ISK": 0,
    "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "MXN": 2, "NOK": 2, "NZD": 2, "OMR": 3, "PLN": 2,
    "RON": 2, "SEK": 2, "SGD": 2, "THB": 2, "TND": 3, "TRY": 2, "UGX": 0, "USD": 2, "VND": 0,
    "ZAR": 2,
}  # fmt: skip
"""Digits after the point, by ISO 4217 code."""

MAX_MINOR = 10**14
"""No amount of ours is larger: sums of a hundred million of them still fit into a bigint less one
digit, and LEDES has ten digits before the point."""


class NotMoney(ValueError):
    """The text is no amount of this currency; the message says what to write instead."""


def minor(text: str, currency: str) -> int:
    """`"250.00"` of USD → 25000. Raises NotMoney: a sign, an exponent, more digits than the
    currency has, or something that is no number."""
    exponent = EXPONENTS.get(currency)
    if exponent is None:
        raise NotMoney(f"{currency} is not a currency that is known here; write an ISO 4217 code")
    whole, point, rest = text.partition(".")
    if not whole.isascii() or not whole.isdigit() or (point and not _digits(rest)):
        raise NotMoney("write an amount in digits with a point, such as 250.00")
    if len(rest) > exponent:
        raise NotMoney(f"{currency} has {exponent} digits after the point")
    value = int(whole + rest.ljust(exponent, "0"))
    if value > MAX_MINOR:
        raise NotMoney("the amount is larger than any bill")
    return value


def plain(amount: int, currency: str) -> str:
    """25000 of USD → `"250.00"`; for machines, so without separators."""
    exponent = EXPONENTS[currency]
    sign, digits = "-" if amount < 0 else "", str(abs(amount)).rjust(exponent + 1, "0")
    return sign + (f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits)


def spoken(amount: int, currency: str) -> str:
    """25000000 of USD → `"USD 250,000.00"`; for people."""
    whole, point, rest = plain(abs(amount), currency).partition(".")
    return f"{currency} {'-' if amount < 0 else ''}{int(whole):,}{point}{rest}"


def half_up(value: Fraction) -> int:
    """The nearest integer; a half goes away from zero."""
    doubled = 2 * abs(value.numerator) + value.denominator
    rounded = doubled // (2 * value.denominator)
    return rounded if value >= 0 else -rounded


def share(amount: int, percent: Decimal) -> int:
    """So many percent of an amount."""
    return half_up(Fraction(percent) * amount / 100)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Parts in proportion to the weights that sum to exactly `total`: each is its exact share
    rounded down, and what is left goes, one unit each, to the largest remainders, the earlier
    first.

    No part is more than one unit from its exact share. Raises ValueError without a positive weight.
    """
    whole = sum(weights)
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights are not negative, and one of them is positive")
    sign = -1 if total < 0 else 1
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    left = abs(total) - sum(part for part, _ in shares)
    order = sorted(range(len(shares)), key=lambda at: -shares[at][1])
    raised = set(order[:left])
    return [sign * (part + (at in raised)) for at, (part, _) in enumerate(shares)]


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
