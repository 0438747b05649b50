"""An estimate in plain language, for the client and for the record."""

from billing import money
from billing.estimates.rules import Estimate
from shared.contracts.billing import AmountRange


def as_text(estimate: Estimate) -> str:
    """Every phase and task with its range, then what was assumed."""
    lines: list[str] = []
    for phase in estimate.phases:
        lines.append(phase.name)
        for task in phase.tasks:
            fees = spoken(task.fees.minor(estimate.currency), estimate.currency)
            costs = task.costs.minor(estimate.currency)
            beside = f", expenses {spoken(costs, estimate.currency)}" if costs.high else ""
            lines.append(f"  {task.name}: {fees}{beside}")
    lines.append(f"Fees in all: {spoken(estimate.fees, estimate.currency)}")
    lines.append(f"Expenses in all: {spoken(estimate.costs, estimate.currency)}")
    lines.append("We assumed:")
    return "\n".join([*lines, *(f"- {one}" for one in estimate.assumptions)])


def spoken(amounts: AmountRange, currency: str) -> str:
    """`USD 1,000.00 to 3,000.00, most likely 2,000.00`."""
    low, likely, high = (
        money.spoken(one, currency).removeprefix(f"{currency} ")
        for one in (amounts.low, amounts.likely, amounts.high)
    )
    if low == high:
        return f"{currency} {high}"
    return f"{currency} {low} to {high}, most likely {likely}"
