"""What an invoice comes to, and what a credit takes back: exact, in whatever steps."""

from hypothesis import given
from hypothesis import strategies as st

from billing.invoices import rules
from billing.ledger.rules import Billed

AMOUNTS = st.integers(min_value=0, max_value=10**9)


@given(
    st.sampled_from(["F", "E"]),
    AMOUNTS,
    AMOUNTS,
    st.lists(st.integers(min_value=1, max_value=10**9), max_size=12),
)
def test_a_line_credited_in_any_steps_comes_back_exactly_as_it_was_posted(
    kind: str, net: int, tax: int, steps: list[int]
) -> None:
    line = rules.of_line(kind, net, tax)
    credited, parts = 0, []
    for wanted in [*steps, line.total]:
        step = min(wanted, line.total - credited)
        parts.append(rules.credit_of(line, credited, step))
        assert parts[-1].total == step
        assert min(parts[-1].fees, parts[-1].expenses, parts[-1].tax) >= 0
        credited += step
    assert rules.added(parts) == line


def test_a_cent_of_tax_is_not_left_behind() -> None:
    line = rules.of_line("F", 1_00, 1)
    steps = [rules.credit_of(line, before, 1) for before in range(101)]
    assert rules.added(steps) == Billed(fees=1_00, expenses=0, tax=1)
