"""The cost of a matter in sentences: what was agreed, what it has cost, what it will, what is
owed."""

from collections.abc import Iterable
from datetime import datetime

from billing import money
from billing.costs.queries import Costs
from billing.profiles import PROFILES
from billing.terms.wording import Section


def sentences(costs: Costs) -> list[str]:
    """From what was agreed to what is owed; each sentence stands for itself."""
    return [*_agreed(costs), *_so_far(costs), *_expected(costs), *_changed(costs), *_owed(costs)]


def sections(costs: Costs) -> list[Section]:
    """The same under headings, with the figures behind them."""
    parts = [
        Section("What you agreed to", tuple(_agreed(costs))),
        Section("What it has cost so far", tuple(_so_far(costs))),
        Section(
            "What it will cost",
            tuple(_expected(costs)),
            ("Estimate", "Most likely", "At most"),
            tuple(_estimates(costs)),
        ),
        Section("What changed, and why", tuple(_changed(costs))),
        Section(
            "What you owe",
            tuple(_owed(costs)),
            ("Invoice", "Total", "Still open"),
            tuple(_invoices(costs)),
        ),
    ]
    return [one for one in parts if one.paragraphs]


def sums(costs: Costs) -> list[tuple[str, str]]:
    """What is looked for first."""
    if costs.currency is None:
        return []
    found = [("You owe now", _said(costs, costs.open))]
    found += [("So far", _said(costs, costs.spent.total))]
    if costs.standing is not None:
        found += [("In all, we expect", _said(costs, costs.standing.forecast))]
    if costs.in_trust or costs.apart:
        found += [("Yours in trust", _said(costs, costs.in_trust + costs.apart))]
    return found


def _estimates(costs: Costs) -> Iterable[tuple[str, ...]]:
    for one in costs.versions:
        agreed = ", agreed" if one.agreed_at else ""
        yield (
            f"Version {one.version}, {one.issued_at.astimezone(costs.zone):%-d %b %Y}{agreed}",
            money.spoken(one.fees_likely + one.costs_likely, one.currency),
            money.spoken(one.fees_high + one.costs_high, one.currency),
        )


def _invoices(costs: Costs) -> Iterable[tuple[str, ...]]:
    for one in costs.invoices:
        assert one.issued_at is not None, "only what was issued is shown"
        yield (
            f"{one.number}, {_day(costs, one.issued_at)}",
            money.spoken(one.total, one.currency),
            money.spoken(one.open or 0, one.currency),
        )


def _agreed(costs: Costs) -> Iterable[str]:
    if costs.terms is None:
        yield "You have not accepted any fee terms for this matter: nothing can be billed yet."
    else:
        kinds = " and ".join(_KINDS[kind] for kind in costs.terms.terms.kinds)
        yield f"You agreed to {kinds} (version {costs.terms.version} of our fee terms)."
    if costs.proposed is not None:
        yield f"Version {costs.proposed.version} of our fee terms waits for your decision."
    if costs.drafts:
        yield (
            f"{_many(costs.drafts, 'piece')} of work cannot be billed as things are; of these,"
            f" {costs.waiting} would need your acceptance, one by one."
        )


_KINDS = {
    "hourly": "fees by the hour",
    "flat": "fixed fees",
    "contingent": "a share of what is recovered",
    "retainer": "a payment in advance into trust",
    "capped": "a limit on fees",
    "none": "no fee",
}


def _so_far(costs: Costs) -> Iterable[str]:
    if costs.currency is None:
        return
    spent = costs.spent
    yield (
        f"So far it has cost {_said(costs, spent.total)}: {_said(costs, spent.fees)} in fees and"
        f" {_said(costs, spent.costs)} in expenses, of which {_said(costs, spent.unbilled)} is not"
        " billed yet."
    )
    if costs.beyond_agreed:
        yield (
            f"{_said(costs, costs.beyond_agreed)} of it is beyond what you agreed to; it is not"
            " billed without your agreement or a partner's reason that you will read."
        )


def _expected(costs: Costs) -> Iterable[str]:
    if costs.estimate is None or costs.standing is None:
        yield _no_estimate(costs)
        return
    high = costs.standing.fees_high + costs.standing.costs_high
    base = "you agreed to" if costs.estimate.agreed_version else "we estimated, not yet agreed,"
    yield (
        f"In all we now expect {_said(costs, costs.standing.forecast)}; {base} up to"
        f" {_said(costs, high)}."
    )
    if costs.spent.committed:
        yield f"In that, {_said(costs, costs.spent.committed)} is promised to others for you."
    if costs.estimate.version != (costs.estimate.agreed_version or costs.estimate.version):
        yield f"Version {costs.estimate.version} of the estimate waits for your decision."


def _changed(costs: Costs) -> Iterable[str]:
    """Each with the day and the words that the client was given then."""
    yield from (f"On {_day(costs, why.at)} {why.what}: {why.words}" for why in costs.reasons)


def _no_estimate(costs: Costs) -> str:
    names = costs.terms.terms.profiles if costs.terms else ()
    if any(PROFILES[name].estimate_of_total for name in names):
        return "We owe you an estimate of the whole in writing: it is not there yet."
    return "There is no estimate of the whole yet; you may ask for one."


def _owed(costs: Costs) -> Iterable[str]:
    if costs.currency is None:
        return
    if not costs.invoices:
        yield "No invoice was issued yet: you owe nothing."
    else:
        invoices = _many(len(costs.invoices), "invoice")
        yield f"You owe {_said(costs, costs.open)} on {invoices} in all."
    if disputed := sum(one.disputed for one in costs.invoices):
        yield f"You dispute {_said(costs, disputed)} of it: that bears no penalty meanwhile."
    if penalties := sum(one.penalties for one in costs.invoices):
        yield f"{_said(costs, penalties)} was added for late payment, as the terms say."
    if costs.in_trust or costs.apart:
        yield f"{_said(costs, costs.in_trust)} of your money is in trust for this matter."
    if costs.apart:
        yield f"{_said(costs, costs.apart)} is set apart there while it is disputed."
    if costs.concerns:
        yield f"Still to be resolved: {_many(len(costs.concerns), 'concern')} of yours."


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _said(costs: Costs, amount: int) -> str:
    assert costs.currency is not None, "an amount has a currency"
    return money.spoken(amount, costs.currency)


def _day(costs: Costs, at: datetime) -> str:
    return f"{at.astimezone(costs.zone):%-d %B %Y}"
