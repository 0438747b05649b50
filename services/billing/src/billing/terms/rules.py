"""Fee terms as values, and what they decide: which rate, which rounding, whose expense.

A rate is that of the day on which work began in the firm's zone; the nearer one wins: person, then
role, then everybody, and of several the one that began last.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from billing import money
from billing.profiles import PROFILES, ProfileName
from billing.values import Currency, Day, Digits, Percent, Prose
from shared.contracts.billing import FeeKind
from shared.errors import Refusal
from shared.values import Line

Increment = Literal[3, 6, 12, 15, 30, 60]
"""Minutes whose part of an hour ends within two decimals, so that units × rate is exact."""

PhaseCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
StaffRole = Literal["partner", "attorney", "paralegal", "billing", "compliance", "operations"]


class ContingentFeeForbidden(Refusal):
    """Rule 1.5(d): no contingent fee in criminal defence, nor in domestic relations matters."""

    status = 422


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rate(Part):
    """So much an hour: of one person, else of a role, else of everybody; from and until a day."""

    per_hour: Digits
    staff_id: UUID | None = None
    role: StaffRole | None = None
    from_day: Day | None = None
    until_day: Day | None = None

    @model_validator(mode="after")
    def _plain(self) -> Self:
        if self.staff_id and self.role:
            raise ValueError("a rate is a person's or a role's: give one of staff_id and role")
        if self.from_day and self.until_day and self.until_day < self.from_day:
            raise ValueError("until_day is the last day of the rate: not before from_day")
        return self

    def applies(self, staff_id: UUID, role: str, day: date) -> bool:
        return (
            self.staff_id in (None, staff_id)
            and self.role in (None, role)
            and (self.from_day or date.min) <= day <= (self.until_day or date.max)
        )

    @property
    def nearness(self) -> tuple[bool, bool, date]:
        return self.staff_id is not None, self.role is not None, self.from_day or date.min


class Hourly(Part):
    kind: Literal["hourly"] = "hourly"
    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=200)]
    increment_minutes: Increment = 6
    rounding: Literal["up", "nearest"] = "up"

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        keys = [(one.staff_id, one.role, one.from_day) for one in self.rates]
        if len(set(keys)) < len(keys):
            raise ValueError("two rates of one person or role begin on the same day: leave one")
        return self


class Phase(Part):
    code: PhaseCode
    name: Line
    amount: Digits


class Flat(Part):
    """A fixed amount a phase, owed when the phase is done."""

    kind: Literal["flat"] = "flat"
    phases: Annotated[tuple[Phase, ...], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if len({one.code for one in self.phases}) < len(self.phases):
            raise ValueError("each phase has a code of its own")
        return self


class Stage(Part):
    code: PhaseCode
    name: Line
    percent: Annotated[Percent, Field(gt=0)]


class Contingent(Part):
    """A share of what is recovered, by the stage at which it is; Rule 1.5(c)."""

    kind: Literal["contingent"] = "contingent"
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=20)]
    expenses_deducted: Literal["before", "after"]
    expenses_if_lost: Literal["client", "firm"]

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if len({one.code for one in self.stages}) < len(self.stages):
            raise ValueError("each stage has a code of its own")
        return self


class Retainer(Part):
    """Paid in advance into trust, where it stays the client's until invoices are paid from it."""

    kind: Literal["retainer"] = "retainer"
    amount: Digits
    replenish_below: Digits | None = None


class Capped(Part):
    """Fees by the hour, but in all never more than this."""

    kind: Literal["capped"] = "capped"
    cap: Digits


class NoFee(Part):
    kind: Literal["none"] = "none"
    reason: Line


Arrangement = Annotated[
    Hourly | Flat | Contingent | Retainer | Capped | NoFee, Field(discriminator="kind")
]


class Penalty(Part):
    """Simple interest a year on what is overdue and undisputed, after so many days of grace."""

    annual_percent: Annotated[Percent, Field(gt=0)]
    grace_days: Annotated[int, Field(ge=0, le=365)] = 0


class Terms(Part):
    """What a client is told before any work: everything that will make up a bill."""

    currency: Currency
    arrangements: Annotated[tuple[Arrangement, ...], Field(min_length=1, max_length=4)]
    scope: Prose
    nature: Literal["criminal_defence", "domestic_relations", "other"]
    invoice_frequency: Literal["monthly", "quarterly", "by_phase", "on_completion"]
    payment_methods: Annotated[
        tuple[Literal["bank_transfer", "card", "cheque", "cash", "direct_debit"], ...],
        Field(min_length=1, max_length=5),
    ]
    payment_days: Annotated[int, Field(ge=0, le=365)]
    late_penalty: Penalty | None = None
    expenses_paid_by: Literal["client", "firm"]
    tax_percent: Percent = Decimal(0)
    expected_cost: Digits | None = None
    profiles: Annotated[tuple[ProfileName, ...], Field(max_length=4)] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        kinds = self.kinds
        if len(set(kinds)) < len(kinds):
            raise ValueError("each kind of arrangement stands once; put its parts into one")
        if "none" in kinds and len(kinds) > 1:
            raise ValueError("no fee stands alone")
        if "capped" in kinds and "hourly" not in kinds:
            raise ValueError("a cap limits hourly fees: add the hourly arrangement")
        if kinds == ("retainer",):
            raise ValueError("a retainer pays for something: add how fees are counted")
        for text in self._amounts():
            money.minor(text, self.currency)
        return self

    @property
    def kinds(self) -> tuple[FeeKind, ...]:
        return tuple(one.kind for one in self.arrangements)

    @property
    def hourly(self) -> Hourly | None:
        return next((one for one in self.arrangements if isinstance(one, Hourly)), None)

    @property
    def flat(self) -> Flat | None:
        return next((one for one in self.arrangements if isinstance(one, Flat)), None)

    @property
    def contingent(self) -> Contingent | None:
        return next((one for one in self.arrangements if isinstance(one, Contingent)), None)

    @property
    def retainer(self) -> Retainer | None:
        return next((one for one in self.arrangements if isinstance(one, Retainer)), None)

    @property
    def cap(self) -> int | None:
        found = next((one for one in self.arrangements if isinstance(one, Capped)), None)
        return self.minor(found.cap) if found else None

    def minor(self, text: str) -> int:
        return money.minor(text, self.currency)

    @property
    def asks_signature(self) -> bool:
        """Rule 1.5(c), or a profile whose law asks for a written contract above an amount."""
        expected = self.minor(self.expected_cost) if self.expected_cost else None
        return self.contingent is not None or any(
            PROFILES[name].asks_signature(self.currency, expected) for name in self.profiles
        )

    def _amounts(self) -> Iterable[str]:
        if self.expected_cost:
            yield self.expected_cost
        for one in self.arrangements:
            match one:
                case Hourly(rates=rates):
                    yield from (rate.per_hour for rate in rates)
                case Flat(phases=phases):
                    yield from (phase.amount for phase in phases)
                case Retainer(amount=amount, replenish_below=below):
                    yield from (text for text in (amount, below) if text)
                case Capped(cap=cap):
                    yield cap


class Charge(NamedTuple):
    """What an amount of work costs; without a rate it is covered by another arrangement."""

    billed_minutes: int
    rate: int | None
    amount: int


class NoRate(Refusal):
    """The terms have no rate for this person on that day: they must be amended first."""

    status = 422


def refuse_forbidden(terms: Terms, practice_area: str | None, barred: Sequence[str]) -> None:
    """Raises ContingentFeeForbidden. A matter's practice area bars it whatever `nature` says."""
    if terms.contingent is None:
        return
    if terms.nature != "other" or practice_area in barred:
        raise ContingentFeeForbidden(
            "Rule 1.5(d) forbids a contingent fee for defending a criminal case, and in a domestic"
            " relations matter; choose another arrangement."
        )
    if practice_area is None:
        raise ContingentFeeForbidden(
            "A contingent fee is agreed for one matter (Rule 1.5(c)), never as standing terms."
        )


def charge(terms: Terms, staff_id: UUID, role: str, day: date, minutes: int) -> Charge:
    """The minutes in whole increments, at the rate of that day. Raises NoRate."""
    if terms.hourly is None:
        return Charge(minutes, None, 0)
    billed = rounded_minutes(minutes, terms.hourly.increment_minutes, terms.hourly.rounding)
    rates = [rate for rate in terms.hourly.rates if rate.applies(staff_id, role, day)]
    if not rates:
        raise NoRate(f"The terms have no rate for this member of staff on {day}: amend them.")
    rate = terms.minor(max(rates, key=lambda one: one.nearness).per_hour)
    return Charge(billed, rate, money.half_up(Fraction(rate * billed, 60)))


def rounded_minutes(minutes: int, increment: int, rounding: Literal["up", "nearest"]) -> int:
    """Never less than one increment for work that was done; nothing for none."""
    if rounding == "up" or minutes < increment:
        return -(-minutes // increment) * increment
    return (minutes + increment // 2) // increment * increment
