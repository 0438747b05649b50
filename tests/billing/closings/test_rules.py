"""Whose every cent of a recovery is: exact before and after, won and lost."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.closings import rules
from billing.closings.rules import Laid
from billing.terms.rules import Contingent, Stage

AMOUNTS = st.integers(min_value=0, max_value=10**12)
PERCENTS = st.decimals(min_value=0, max_value=100, places=4).filter(lambda one: one > 0)


def agreed(deducted: str = "before", if_lost: str = "firm", percent: str = "33.3333") -> Contingent:
    stage = {"code": "trial", "name": "After trial", "percent": percent}
    return Contingent.model_validate(
        {"stages": [stage], "expenses_deducted": deducted, "expenses_if_lost": if_lost}
    )


def won(deducted: str, recovered: int, laid: Laid, others: int = 0) -> rules.Closing:
    terms = agreed(deducted)
    return rules.won(terms, terms.stages[0], recovered, laid, others)


def test_expenses_before_or_after_the_share() -> None:
    before = won("before", 100_000_00, Laid(0, 10_000_00))
    after = won("after", 100_000_00, Laid(0, 10_000_00))
    assert (before.base, before.fee, before.to_client) == (90_000_00, 29_999_97, 60_000_03)
    assert (after.base, after.fee, after.to_client) == (100_000_00, 33_333_30, 56_666_70)


def test_what_was_billed_before_lowers_the_base_and_is_not_taken_twice() -> None:
    closed = won("before", 100_000_00, Laid(billed=4_000_00, unbilled=6_000_00), 1_000_00)
    assert (closed.expenses, closed.base, closed.deducted) == (10_000_00, 90_000_00, 6_000_00)
    assert closed.to_client == 100_000_00 - 29_999_97 - 6_000_00 - 1_000_00


def test_expenses_above_what_was_recovered_leave_no_fee_and_say_what_is_owed() -> None:
    closed = won("before", 5_00, Laid(0, 10_00))
    assert (closed.base, closed.fee, closed.to_client) == (0, 0, -5_00)


def test_who_lost_owes_no_fee_and_expenses_only_where_the_terms_say_so() -> None:
    firm = rules.lost(agreed(if_lost="firm"), Laid(2_00, 8_00))
    client = rules.lost(agreed(if_lost="client"), Laid(2_00, 8_00))
    assert (firm.fee, firm.to_client, client.fee, client.to_client) == (0, 0, 0, -8_00)


@given(st.sampled_from(["before", "after"]), AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, PERCENTS)
def test_what_was_recovered_is_accounted_for_to_the_last_unit(
    deducted: str, recovered: int, billed: int, unbilled: int, others: int, percent: Decimal
) -> None:
    stage = Stage(code="s", name="S", percent=percent)
    closed = rules.won(agreed(deducted), stage, recovered, Laid(billed, unbilled), others)
    assert closed.fee + closed.deducted + closed.others + closed.to_client == recovered
    assert 0 <= closed.fee <= closed.base <= recovered
    assert abs(closed.fee * 1_000_000 - closed.base * int(percent * 10_000)) <= 500_000
