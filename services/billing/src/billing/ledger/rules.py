"""The chart of accounts, and what each fact of the business posts. Pure.

A debit is positive and a credit negative. Each book of a posting sums to zero by itself, so
operating and trust money never mix: money that moves between them leaves one bank and arrives at
the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.contracts.billing import Posting

Book = Literal["operating", "trust"]
Kind = Literal[
    "invoice", "credit_note", "payment", "payment_reversal", "late_penalty", "trust_deposit",
    "penalty_withdrawal", "overpayment", "trust_application", "trust_refund", "trust_dispute",
    "trust_release",
]  # fmt: skip

ACCOUNTS: dict[Book, tuple[str, ...]] = {
    "operating": ("bank", "receivable", "fees", "expenses", "taxes", "penalties"),
    "trust": ("bank", "clients", "disputed"),
}


@dataclass(frozen=True)
class Billed:
    """What an invoice, or a credit against it, is made of."""

    fees: int
    expenses: int
    tax: int

    @property
    def total(self) -> int:
        return self.fees + self.expenses + self.tax


def invoiced(billed: Billed) -> list[Posting]:
    return _posted(
        ("operating", "receivable", billed.total),
        ("operating", "fees", -billed.fees),
        ("operating", "expenses", -billed.expenses),
        ("operating", "taxes", -billed.tax),
    )


def credited(billed: Billed) -> list[Posting]:
    return _reversed(invoiced(billed))


def paid(amount: int) -> list[Posting]:
    return _posted(("operating", "bank", amount), ("operating", "receivable", -amount))


def payment_returned(amount: int) -> list[Posting]:
    return _reversed(paid(amount))


def penalised(amount: int) -> list[Posting]:
    return _posted(("operating", "receivable", amount), ("operating", "penalties", -amount))


def penalty_withdrawn(amount: int) -> list[Posting]:
    return _reversed(penalised(amount))


def deposited(amount: int) -> list[Posting]:
    return _posted(("trust", "bank", amount), ("trust", "clients", -amount))


def refunded(amount: int) -> list[Posting]:
    return _reversed(deposited(amount))


def applied(amount: int) -> list[Posting]:
    """From the client's money in trust to the firm, for what the client owes."""
    return [*refunded(amount), *paid(amount)]


def given_to_trust(amount: int) -> list[Posting]:
    """What was paid too much is the client's own money: from the firm back into trust."""
    return _reversed(applied(amount))


def set_apart(amount: int) -> list[Posting]:
    """Rule 1.15(e): what is disputed stays in trust, apart, until the dispute ends."""
    return _posted(("trust", "clients", amount), ("trust", "disputed", -amount))


def given_back(amount: int) -> list[Posting]:
    return _reversed(set_apart(amount))


def _posted(*sides: tuple[Book, str, int]) -> list[Posting]:
    """What is nothing is not posted."""
    return [
        Posting(book=book, account=account, amount=amount)
        for book, account, amount in sides
        if amount
    ]


def _reversed(postings: Iterable[Posting]) -> list[Posting]:
    return [one.model_copy(update={"amount": -one.amount}) for one in postings]
