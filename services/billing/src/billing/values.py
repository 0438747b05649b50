"""What people may enter and read: amounts as decimal text, lines and prose without traps."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from billing import money


def _currency(value: str) -> str:
    if value not in money.EXPONENTS:
        raise ValueError("not a currency that is known here; write an ISO 4217 code such as USD")
    return value


Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), AfterValidator(_currency)]
Digits = Annotated[str, StringConstraints(max_length=20, pattern=r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
"""An amount in the major unit, as text: a JSON number would be a float in half of the world."""

Prose = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=4000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
    ),
]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class Amount(BaseModel):
    """`{"amount": "250.00", "currency": "USD"}`, never negative, no digit too many."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    amount: Digits
    currency: Currency

    @model_validator(mode="after")
    def _fits(self) -> Self:
        money.minor(self.amount, self.currency)
        return self

    @property
    def minor(self) -> int:
        return money.minor(self.amount, self.currency)


class MoneyShown(BaseModel):
    """An amount as it is read; it may be negative."""

    amount: str
    currency: str


def shown(amount: int, currency: str) -> MoneyShown:
    return MoneyShown(amount=money.plain(amount, currency), currency=currency)


def maybe_shown(amount: int | None, currency: str | None) -> MoneyShown | None:
    return None if amount is None or currency is None else shown(amount, currency)
