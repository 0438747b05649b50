"""A closing statement in plain language: how it ended, what was counted, what the client
receives."""

from collections.abc import Iterable, Sequence

from billing import money
from billing.closings.rules import Closing
from billing.terms.rules import Contingent, Stage
from billing.terms.wording import Section

Named = tuple[str, int]
"""What an amount is for, and the amount."""


def sections(
    agreed: Contingent,
    stage: Stage | None,
    closed: Closing,
    currency: str,
    *,
    outcome: str,
    expenses: Sequence[Named],
    others: Sequence[Named],
) -> list[Section]:
    """`expenses` are those deducted, `others` who is paid out of what was recovered."""

    def said(amount: int) -> str:
        return money.spoken(amount, currency)

    def listed(named: Iterable[Named]) -> tuple[tuple[str, str], ...]:
        return tuple((words, said(amount)) for words, amount in named)

    parts = [Section("How your matter ended", (outcome,))]
    if stage is None:
        parts.append(Section("What that means", (_nothing(agreed, closed, said(closed.deducted)),)))
    else:
        how = tuple(_counted(agreed, stage, closed, currency))
        parts.append(Section("How our fee was counted", (_method(agreed, stage),), ("", ""), how))
        parts.append(
            Section("Where the money goes", (), ("", ""), tuple(_parted(closed, currency)))
        )
    if expenses:
        heads = ("Expenses that you had no bill for yet", "Amount")
        parts.append(Section("Expenses", (), heads, listed(expenses)))
    if others:
        parts.append(Section("Paid to others for you", (), ("To whom", "Amount"), listed(others)))
    return [*parts, Section("If you see it differently", (_QUESTION,))]


_QUESTION = (
    "You can question every figure here in the portal, by answering our mail, or by phone. A person"
    " answers, and what you dispute stays apart in our trust account until that is resolved."
)


def _method(agreed: Contingent, stage: Stage) -> str:
    return (
        f"By the terms that you signed our fee is {percent(stage)} of what you recover at this"
        f" stage ({stage.name}); expenses are deducted {agreed.expenses_deducted} it is counted."
    )


def percent(stage: Stage) -> str:
    return f"{stage.percent.normalize():f} %"


def _counted(
    agreed: Contingent, stage: Stage, closed: Closing, currency: str
) -> Iterable[tuple[str, str]]:
    yield "Recovered for you", money.spoken(closed.recovered, currency)
    if agreed.expenses_deducted == "before":
        yield "Less all expenses of the matter", money.spoken(closed.expenses, currency)
        yield "Our share is of", money.spoken(closed.base, currency)
    yield f"Our fee, {percent(stage)} of it", money.spoken(closed.fee, currency)


def _parted(closed: Closing, currency: str) -> Iterable[tuple[str, str]]:
    yield "Recovered for you", money.spoken(closed.recovered, currency)
    yield "Less our fee", money.spoken(closed.fee, currency)
    if closed.deducted:
        yield "Less expenses that you had no bill for yet", money.spoken(closed.deducted, currency)
    if closed.others:
        yield "Less what is paid to others for you", money.spoken(closed.others, currency)
    ours = "You receive" if closed.to_client >= 0 else "You owe us"
    yield ours, money.spoken(abs(closed.to_client), currency)


def _nothing(agreed: Contingent, closed: Closing, owed: str) -> str:
    if agreed.expenses_if_lost == "firm":
        return "Nothing was recovered: by the terms you signed you owe neither fee nor expenses."
    if not closed.deducted:
        return "Nothing was recovered: you owe no fee, and no expense is left to pay."
    return (
        f"Nothing was recovered: you owe no fee. The expenses that we laid out, {owed}, are yours"
        " by the terms you signed."
    )
