"""The gate of P-14: what work costs, under which accepted terms, and what a draft is missing.

Nothing is written here. Of the matter's own acceptances the one counts that stood when work began.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from billing.directory import queries as directory
from billing.directory.models import BilledMatter, Timekeeper
from billing.entries import rules
from billing.entries.models import Entry
from billing.estimates.rules import Standing
from billing.terms import queries as terms
from billing.terms.queries import InForce
from billing.terms.rules import NoRate, charge
from shared import clock
from shared.contracts import ContentRef, Sealed
from shared.errors import Invalid
from shared.keyring import unseal


class Work(NamedTuple):
    """What a person says of a piece of work or a cost."""

    staff: Timekeeper
    day: date
    narrative: str
    started_at: datetime | None = None
    minutes: int | None = None
    amount: int | None = None
    currency: str | None = None
    task_code: str | None = None
    activity_code: str | None = None
    expense_code: str | None = None
    emergency: bool = False
    receipt: ContentRef | None = None


class Verdict(NamedTuple):
    """Whether it may be billed, and what it costs under which terms."""

    missing: tuple[str, ...]
    terms: InForce | None
    billed_minutes: int | None = None
    rate: int | None = None
    amount: int | None = None
    currency: str | None = None


async def judge(session: AsyncSession, matter: BilledMatter, work: Work) -> Verdict:
    """The gate: billable under the terms that were accepted when the work began, and only then."""
    at = rules.began(work.day, work.started_at, await directory.zone(session))
    missing, found = await _terms_for(session, matter, work, at)
    if found is None:
        return Verdict(missing, None, work.minutes, amount=work.amount, currency=work.currency)
    try:
        return _charged(missing, found, work)
    except NoRate:
        return Verdict((*missing, rules.NO_RATE), found, work.minutes)


async def work_of(session: AsyncSession, entry: Entry) -> Work:
    """What was said of an entry, as it stands."""
    staff = await session.get_one(Timekeeper, entry.staff_id)
    return Work(
        staff=staff,
        day=entry.worked_on,
        narrative=unseal(session, Sealed.model_validate(entry.narrative)),
        started_at=entry.started_at,
        minutes=entry.minutes,
        amount=entry.amount if entry.kind == "expense" else None,
        currency=entry.currency if entry.kind == "expense" else None,
        task_code=entry.task_code,
        activity_code=entry.activity_code,
        expense_code=entry.expense_code,
        emergency=entry.emergency,
    )


def priced(
    verdict: Verdict, agreed: Standing | None, kind: str, instead_of: Entry | None = None
) -> dict[str, Any]:
    """Beyond the agreed amount is what makes the whole exceed it; it is flagged, never refused."""
    billable = not verdict.missing
    before = instead_of.amount or 0 if instead_of and instead_of.state == "billable" else 0
    return {
        "state": "billable" if billable else "draft",
        "missing": list(verdict.missing),
        "billed_minutes": verdict.billed_minutes,
        "rate": verdict.rate,
        "amount": verdict.amount,
        "currency": verdict.currency,
        "terms_id": verdict.terms.terms_id if verdict.terms else None,
        "terms_version": verdict.terms.version if verdict.terms else None,
        "beyond_agreed": billable and exceeds(agreed, kind, (verdict.amount or 0) - before),
    }


def exceeds(agreed: Standing | None, kind: str, more: int) -> bool:
    if agreed is None or more <= 0:
        return False
    side = "E" if kind == "expense" else "F"
    return any(one == side and spent + more > high for one, spent, high in sides(agreed))


def sides(agreed: Standing) -> Iterable[tuple[str, int, int]]:
    yield "F", agreed.spent.fees, agreed.fees_high
    yield "E", agreed.spent.costs, agreed.costs_high


async def _terms_for(
    session: AsyncSession, matter: BilledMatter, work: Work, at: datetime
) -> tuple[tuple[str, ...], InForce | None]:
    """What is missing, and the terms by which the work is priced all the same."""
    if found := await terms.in_force(session, matter, at):
        return (), found
    since = await terms.in_force(session, matter, clock.now())
    if since is None:
        explained = await terms.disclosed(session, matter)
        missing = rules.TERMS_NOT_ACCEPTED if explained else rules.TERMS_NOT_DISCLOSED
        return (missing,), explained
    assert since.accepted_at is not None, "what is in force was accepted"
    zone = await directory.zone(session)
    same_day = since.accepted_at.astimezone(zone).date() == work.day
    needed = same_day and work.started_at is None
    return ((rules.START_NEEDED,) if needed else (rules.BEFORE_ACCEPTANCE,)), since


def _charged(missing: tuple[str, ...], found: InForce, work: Work) -> Verdict:
    """Raises NoRate; Invalid for a cost in another currency than that of the terms."""
    if work.minutes is not None:
        costs = charge(found.terms, work.staff.staff_id, work.staff.role, work.day, work.minutes)
        return Verdict(missing, found, *costs, currency=found.terms.currency)
    if work.currency != found.terms.currency:
        raise Invalid(f"The matter is billed in {found.terms.currency}: give the cost in it.")
    if found.terms.expenses_paid_by == "firm":
        missing = (*missing, rules.EXPENSE_NOT_CHARGED)
    return Verdict(missing, found, amount=work.amount, currency=work.currency)
