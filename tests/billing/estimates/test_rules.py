"""The forecast and the thresholds: one definition each."""

from hypothesis import given
from hypothesis import strategies as st

from billing.estimates.rules import Spent, Standing, forecast

AMOUNTS = st.integers(min_value=0, max_value=10**9)


def test_a_task_that_outgrew_its_likely_amount_raises_the_forecast() -> None:
    likely = {"L110": 100, "L120": 200}
    assert forecast(likely, 50, Spent()) == 350
    assert forecast(likely, 50, Spent(fees=80, by_task={"L110": 80})) == 350
    assert forecast(likely, 50, Spent(fees=150, by_task={"L110": 150})) == 400
    assert forecast(likely, 50, Spent(costs=30, committed=40)) == 370


def test_work_without_a_task_is_part_of_what_was_estimated_until_it_is_more() -> None:
    likely = {"L110": 100, "L120": 200}
    assert forecast(likely, 0, Spent(fees=250)) == 300
    assert forecast(likely, 0, Spent(fees=310)) == 310
    assert forecast(likely, 0, Spent(fees=350, by_task={"L110": 100, "L120": 200})) == 350


@given(
    st.dictionaries(st.sampled_from(["L110", "L120", "L210"]), AMOUNTS, max_size=3),
    AMOUNTS,
    st.dictionaries(st.sampled_from(["L110", "L120", "L510"]), AMOUNTS, max_size=3),
    AMOUNTS,
    AMOUNTS,
)
def test_a_forecast_is_never_less_than_what_was_spent_nor_than_what_was_likely(
    likely: dict[str, int], likely_costs: int, by_task: dict[str, int], more: int, costs: int
) -> None:
    spent = Spent(fees=sum(by_task.values()) + more, costs=costs, by_task=by_task)
    expected = forecast(likely, likely_costs, spent)
    assert expected >= spent.total
    assert expected >= sum(likely.values()) + likely_costs
    later = Spent(fees=spent.fees + 1, costs=costs, by_task=by_task)
    assert expected <= forecast(likely, likely_costs, later) <= expected + 1


def test_thresholds_are_passed_to_the_cent() -> None:
    def passed(fees: int) -> list[tuple[str, int]]:
        now = Standing(1000, 0, Spent(fees=fees), 0)
        return [(measure, percent) for measure, percent in now.passed((50, 75, 90, 100))]

    assert passed(499) == []
    assert passed(500) == [("fees", 50)]
    assert passed(999) == [("fees", 50), ("fees", 75), ("fees", 90)]
    assert passed(1000)[-1] == ("fees", 100)


def test_costs_that_nobody_estimated_pass_at_their_first_cent() -> None:
    now = Standing(1000, 0, Spent(costs=1), 1)
    assert now.passed((50, 100)) == [("costs", 100)]
