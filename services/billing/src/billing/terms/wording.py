"""Fee terms in plain language: the same sentences as a page, as a PDF and in the record."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never
from uuid import UUID

from billing import money
from billing.profiles import PROFILES
from billing.terms.rules import (
    Arrangement,
    Capped,
    Contingent,
    Flat,
    Hourly,
    NoFee,
    Penalty,
    Rate,
    Retainer,
    Terms,
)

FREQUENCIES = {
    "monthly": "You receive an invoice each month in which we worked for you.",
    "quarterly": "You receive an invoice each quarter in which we worked for you.",
    "by_phase": "You receive an invoice when a phase of the work is done.",
    "on_completion": "You receive one invoice when the work is done.",
}
METHODS = {
    "bank_transfer": "bank transfer",
    "card": "card",
    "cheque": "cheque",
    "cash": "cash",
    "direct_debit": "direct debit",
}


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and, where there are figures, a table; without columns it is a
    reckoning, whose last row is what it comes to."""

    heading: str
    paragraphs: tuple[str, ...]
    columns: tuple[str, ...] = ("", "")
    rows: tuple[tuple[str, ...], ...] = ()


def sections(terms: Terms, names: Mapping[UUID, str]) -> list[Section]:
    """`names` are the names of the members of staff whose rates are stated."""
    return [
        Section("What we do for you", (terms.scope,)),
        *(_arrangement(terms, one, names) for one in terms.arrangements),
        *_expected(terms),
        Section("Expenses", _expenses(terms)),
        Section("Invoices and payment", tuple(_payment(terms))),
        Section("If work is done before you accept", _BEFORE),
        *_profiles(terms),
    ]


def as_text(parts: Iterable[Section]) -> str:
    """The page without its layout, as it stands in the record and in mail. A blank line stands
    before a heading, and nowhere else."""
    lines: list[str] = []
    for part in parts:
        lines += [part.heading, *(re.sub(r"\n\s*\n", "\n", one) for one in part.paragraphs)]
        lines += [f"{label}: {' · '.join(values)}" for label, *values in part.rows]
        lines.append("")
    return "\n".join(lines).strip()


def of_text(text: str) -> list[Section]:
    """What was disclosed, in its very words, whatever anybody is called since."""
    return [
        Section(heading, tuple(lines))
        for heading, *lines in (block.splitlines() for block in text.split("\n\n"))
    ]


def as_facts(parts: Iterable[Section]) -> list[dict[str, Any]]:
    return [
        {
            "heading": part.heading,
            "paragraphs": part.paragraphs,
            "columns": part.columns,
            "rows": part.rows,
        }
        for part in parts
    ]


_BEFORE = (
    "Nothing that we do before you accept these terms can be billed to you, unless you later accept"
    " exactly that piece of work, or a partner records why an emergency could not wait.",
)


def _arrangement(terms: Terms, one: Arrangement, names: Mapping[UUID, str]) -> Section:
    def said(text: str) -> str:
        return money.spoken(terms.minor(text), terms.currency)

    match one:
        case Hourly():
            return _hourly(terms, one, names)
        case Flat(phases=phases):
            return Section(
                "Our fee: fixed amounts",
                ("Each phase costs a fixed amount, however long it takes. It is owed when the"
                 " phase is done.",),
                ("Phase", "Fee"),
                tuple((phase.name, said(phase.amount)) for phase in phases),
            )  # fmt: skip
        case Contingent():
            return _contingent(one)
        case Retainer(amount=amount, replenish_below=below):
            again = (
                f" When less than {said(below)} is left, we ask you to fill it up." if below else ""
            )
            return Section(
                "Paid in advance",
                (f"You pay {said(amount)} in advance. It is kept in our trust account and stays"
                 f" yours until it pays an invoice that you have received.{again} What is left at"
                 " the end comes back to you.",),
            )  # fmt: skip
        case Capped(cap=cap):
            return Section("A limit", (f"Our fees will not be more than {said(cap)} in all.",))
        case NoFee(reason=reason):
            return Section("Our fee", (f"We charge no fee for this work: {reason}.",))
        case _:
            assert_never(one)


def _hourly(terms: Terms, one: Hourly, names: Mapping[UUID, str]) -> Section:
    rounding = "rounded up to" if one.rounding == "up" else "rounded to the nearest"
    return Section(
        "Our fee: by the hour",
        (f"We record the time that we work for you, {rounding} {one.increment_minutes} minutes, and"
         " charge it at these rates. Work that began on a day is charged at that day's rate.",),
        ("Who", "An hour"),
        tuple((_who(rate, names), _per_hour(terms, rate)) for rate in one.rates),
    )  # fmt: skip


def _who(rate: Rate, names: Mapping[UUID, str]) -> str:
    if rate.staff_id:
        who = names.get(rate.staff_id, "a named member of staff")
    else:
        who = f"each {rate.role}" if rate.role else "everybody"
    since = f", from {rate.from_day}" if rate.from_day else ""
    until = f", until {rate.until_day}" if rate.until_day else ""
    return who[0].upper() + who[1:] + since + until


def _per_hour(terms: Terms, rate: Rate) -> str:
    return money.spoken(terms.minor(rate.per_hour), terms.currency)


def _contingent(one: Contingent) -> Section:
    lost = (
        "If nothing is recovered you owe no fee, but the expenses that we laid out."
        if one.expenses_if_lost == "client"
        else "If nothing is recovered you owe neither fee nor expenses."
    )
    return Section(
        "Our fee: a share of what is recovered",
        (f"Our fee is a share of what you recover, by the stage at which it is recovered. Expenses"
         f" are deducted {one.expenses_deducted} the fee is calculated. {lost}",
         "At the end you receive a statement of what was recovered, how our fee was calculated,"
         " and what you receive."),
        ("Stage", "Share"),
        tuple((stage.name, f"{stage.percent.normalize():f} %") for stage in one.stages),
    )  # fmt: skip


def _expected(terms: Terms) -> list[Section]:
    if terms.expected_cost is None:
        return []
    amount = money.spoken(terms.minor(terms.expected_cost), terms.currency)
    words = (
        f"From what we know today we expect the whole to cost about {amount}, expenses included."
    )
    return [Section("What we expect", (words,))]


def _expenses(terms: Terms) -> tuple[str, ...]:
    if terms.expenses_paid_by == "firm":
        return ("Expenses, such as court fees and copies, are paid by us.",)
    return ("Expenses, such as court fees, experts and copies, are charged to you at what they cost"
            " us, each on its own line with its receipt kept.",)  # fmt: skip


def _payment(terms: Terms) -> Iterable[str]:
    yield FREQUENCIES[terms.invoice_frequency]
    methods = " or ".join(METHODS[one] for one in terms.payment_methods)
    yield f"An invoice is due {terms.payment_days} days after its date. You can pay by {methods}."
    if terms.tax_percent:
        yield f"Tax of {terms.tax_percent.normalize():f} % is added."
    yield _late(terms.late_penalty)
    yield "You can question each line of an invoice at any time; a person answers."


def _late(penalty: Penalty | None) -> str:
    if penalty is None:
        return "We charge no penalty when you pay late."
    percent = f"{penalty.annual_percent.normalize():f} %"
    return (
        f"When you pay later than {penalty.grace_days} days after the due date, we charge {percent}"
        " a year on what is overdue, day by day and without interest on interest. We add it up once"
        " a month and when you pay, and tell you each time. Amounts that you dispute bear no"
        " penalty while they are disputed."
    )


def _profiles(terms: Terms) -> Iterable[Section]:
    for name in terms.profiles:
        profile = PROFILES[name]
        yield Section(f"Your rights: {profile.name}", profile.words)
