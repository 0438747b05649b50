"""Estimates as values: totals of ranges, the forecast, and which thresholds are passed.

One definition, everywhere: *actual* is what was billed, net of write-downs and credits, plus what
is unbilled but billable at the agreed rate; *committed* is what was promised to others and not yet
laid out; the *forecast* is, task by task, the larger of what is likely and what is actual and
committed. The *agreed amount* is the upper end of the version that the client agreed to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from billing import money
from billing.terms.rules import PhaseCode
from billing.values import Currency, Digits, Prose
from shared.contracts.billing import AmountRange, Measure
from shared.values import Line

# The words of an estimate travel in one event: their bounds keep it below 256 KiB.
Assumption = Annotated[Prose, StringConstraints(max_length=1000)]


class EstimatePart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(EstimatePart):
    low: Digits
    likely: Digits
    high: Digits

    def minor(self, currency: str) -> AmountRange:
        low, likely, high = (
            money.minor(text, currency) for text in (self.low, self.likely, self.high)
        )
        if not low <= likely <= high:
            raise ValueError("a range has low ≤ likely ≤ high")
        return AmountRange(low=low, likely=likely, high=high)


class Task(EstimatePart):
    """`code` is a UTBMS task code, or one of the firm's own; entries with it are counted here."""

    code: PhaseCode
    name: Line
    fees: Range
    costs: Range = Range(low="0", likely="0", high="0")


class EstimatedPhase(EstimatePart):
    code: PhaseCode
    name: Line
    tasks: Annotated[tuple[Task, ...], Field(min_length=1, max_length=30)]


class Estimate(EstimatePart):
    currency: Currency
    phases: Annotated[tuple[EstimatedPhase, ...], Field(min_length=1, max_length=12)]
    assumptions: Annotated[tuple[Assumption, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        codes = [task.code for task in self.tasks]
        if len(set(codes)) < len(codes) or len({one.code for one in self.phases}) < len(
            self.phases
        ):
            raise ValueError("each phase and each task has a code of its own")
        for task in self.tasks:  # a range that is none is refused here
            task.fees.minor(self.currency)
            task.costs.minor(self.currency)
        return self

    @property
    def tasks(self) -> list[Task]:
        return [task for phase in self.phases for task in phase.tasks]

    @property
    def fees(self) -> AmountRange:
        return total(task.fees.minor(self.currency) for task in self.tasks)

    @property
    def costs(self) -> AmountRange:
        return total(task.costs.minor(self.currency) for task in self.tasks)


def total(ranges: Iterable[AmountRange]) -> AmountRange:
    low = likely = high = 0
    for one in ranges:
        low, likely, high = low + one.low, likely + one.likely, high + one.high
    return AmountRange(low=low, likely=likely, high=high)


@dataclass(frozen=True)
class Spent:
    """What a matter has cost so far. `by_task` are fees by task code, of all that has a code."""

    fees: int = 0
    costs: int = 0
    committed: int = 0
    unbilled: int = 0
    by_task: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.fees + self.costs


def forecast(likely_fees: Mapping[str, int], likely_costs: int, spent: Spent) -> int:
    """What the whole is now expected to cost. Fees outside every estimated task add to it."""
    inside = sum(max(likely, spent.by_task.get(code, 0)) for code, likely in likely_fees.items())
    known = sum(spent.by_task.get(code, 0) for code in likely_fees)
    # Work without a task is taken to be part of what was estimated, until it is more than that.
    outside = max(spent.fees - known, 0)
    left = sum(max(likely - spent.by_task.get(code, 0), 0) for code, likely in likely_fees.items())
    fees = inside + max(outside - left, 0)
    return fees + max(likely_costs, spent.costs + spent.committed)


@dataclass(frozen=True)
class Standing:
    """How a matter stands against the upper ends of an estimate."""

    fees_high: int
    costs_high: int
    spent: Spent
    forecast: int

    def reached(self, measure: Measure) -> int:
        return {"fees": self.spent.fees, "costs": self.spent.costs, "forecast": self.forecast}[
            measure
        ]

    def estimated(self, measure: Measure) -> int:
        whole = self.fees_high + self.costs_high
        return {"fees": self.fees_high, "costs": self.costs_high, "forecast": whole}[measure]

    def passed(self, thresholds: Iterable[int]) -> list[tuple[Measure, int]]:
        """Each (measure, percent) that is reached, the highest of a measure last. Nothing is a
        share of nothing: a measure without an estimate is passed by its first amount, at 100."""
        found: list[tuple[Measure, int]] = []
        for measure in get_args(Measure):
            reached, estimated = self.reached(measure), self.estimated(measure)
            found += [
                (measure, percent)
                for percent in sorted(thresholds)
                if reached > 0 and reached * 100 >= percent * estimated
                and (estimated > 0 or percent >= 100)
            ]  # fmt: skip
        return found
