"""Money: exact, in minor units, split without loss."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import money

CURRENCIES = st.sampled_from(sorted(money.EXPONENTS))
AMOUNTS = st.integers(min_value=0, max_value=money.MAX_MINOR)


@given(AMOUNTS, CURRENCIES)
def test_an_amount_that_is_written_is_read_back_the_same(amount: int, currency: str) -> None:
    assert money.minor(money.plain(amount, currency), currency) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("-1", "USD"), ("+1", "USD"), ("1.005", "USD"), ("1.5", "JPY"), ("NaN", "USD"),
        ("Infinity", "USD"), ("1e3", "USD"), ("1,000", "USD"), ("", "USD"), (".5", "USD"),
        ("1.", "USD"), ("1.0.0", "USD"), ("٣", "USD"), ("1.٣", "USD"), (" 1", "USD"),
        ("1", "XXX"), ("1", "usd"), ("9" * 16, "USD"),
    ],
)  # fmt: skip
def test_what_is_no_amount_of_the_currency_is_refused(text: str, currency: str) -> None:
    with pytest.raises(money.NotMoney):
        money.minor(text, currency)


def test_people_read_separators_and_the_currencys_own_digits() -> None:
    assert money.spoken(123456789, "USD") == "USD 1,234,567.89"
    assert money.spoken(-5, "USD") == "USD -0.05"
    assert money.spoken(1234567, "JPY") == "JPY 1,234,567"
    assert money.spoken(1234567, "KWD") == "KWD 1,234.567"


@given(st.fractions(min_value=-(10**9), max_value=10**9))
def test_half_goes_away_from_zero(value: Fraction) -> None:
    rounded = money.half_up(value)
    assert abs(rounded - value) <= Fraction(1, 2)
    assert money.half_up(-value) == -rounded
    if abs(rounded - value) == Fraction(1, 2):
        assert abs(rounded) > abs(value)


def test_a_share_is_rounded_once() -> None:
    assert money.share(1, Decimal("50")) == 1
    assert money.share(333, Decimal("33.3333")) == 111
    assert money.share(-333, Decimal("33.3333")) == -111


@given(
    st.integers(min_value=-(10**12), max_value=10**12),
    st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=30),
)
def test_parts_sum_to_the_whole_and_none_is_a_unit_away_from_its_share(
    total: int, weights: list[int]
) -> None:
    if sum(weights) == 0:
        with pytest.raises(ValueError, match="positive"):
            money.split(total, weights)
        return
    parts = money.split(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert weight or part == 0


def test_the_larger_remainder_gets_the_unit_and_of_equal_ones_the_earlier() -> None:
    assert money.split(100, [1, 1, 1]) == [34, 33, 33]
    assert money.split(10, [1, 2, 3]) == [2, 3, 5]
    assert money.split(-100, [1, 1, 1]) == [-34, -33, -33]
    assert money.split(1, [0, 5, 5]) == [0, 1, 0]


def test_a_million_random_splits_are_exact() -> None:
    random = Random(7)
    for _ in range(1_000_000):
        total = random.getrandbits(40)
        weights = (1, random.getrandbits(16), random.getrandbits(8))
        assert sum(money.split(total, weights)) == total
