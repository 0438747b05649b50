"""Record work and costs, correct them by versions, and let the gate of P-14 decide what is
billable.

Recording is never refused for want of terms or budget: nobody may miss a filing for it. What may
not be billed is a draft that says what is missing.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries as directory
from billing.directory.models import BilledMatter, Timekeeper
from billing.entries import queries, rules
from billing.entries.models import Entry, Timer
from billing.estimates import actions as estimates
from billing.estimates.rules import Standing
from billing.terms import queries as terms
from billing.terms.queries import InForce
from billing.terms.rules import NoRate, charge, closing
from shared import clock, revisions
from shared.contracts import ContentRef, Sealed
from shared.contracts.billing import EntryCorrected, ExpenseRecorded, TimeRecorded
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import keys_of, seal, unseal
from shared.outbox import emit
from shared.sealing import keyed_digest

Cause = Literal["correction", "acceptance", "exception", "override", "terms", "write_off"]


class EntryOnInvoice(Refusal):
    """The entry stands on an invoice: take it off the draft first; what is issued is credited."""


class TimerRuns(Refusal):
    """Another timer of this member of staff runs: stop it first."""


class NotWaiting(Refusal):
    """The entry is no draft that this could make billable."""


class ChangedMeanwhile(Refusal):
    """It is not the version, or not the amount, that was shown: read it again."""


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


async def hold(session: AsyncSession, entry_id: UUID) -> Entry:
    """The entry, locked after its matter's estimate: everybody takes the two in this order."""
    found = await queries.entry(session, entry_id)
    await estimates.lock(session, found.matter_id)
    return await queries.entry(session, entry_id, lock=True)


async def record(session: AsyncSession, matter: BilledMatter, work: Work, by: UUID) -> Entry:
    """A new entry of time (with minutes) or of a cost (with an amount)."""
    kind = "expense" if work.minutes is None else "time"
    agreed = await estimates.lock(session, matter.matter_id)
    verdict = await judge(session, matter, work)
    entry = Entry(
        entry_id=new_id(),
        kind=kind,
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        staff_id=work.staff.staff_id,
        receipt=work.receipt.model_dump(mode="json") if work.receipt else None,
        emergency=work.emergency,
        recorded_at=clock.now(),
        cause="recorded",
        **await _said(session, matter, work, new_id()),
        **_priced(verdict, agreed, kind),
        changed_by=by,
        changed_at=clock.now(),
    )
    session.add(entry)
    emit(session, _recorded(entry))
    await estimates.watch(session, matter.matter_id)
    return entry


async def fall_due(
    session: AsyncSession,
    matter: BilledMatter,
    staff: Timekeeper,
    *,
    phase: str,
    recovered: int | None,
    expenses: int,
    by: UUID,
) -> Entry:
    """A fixed fee whose phase is done, or a contingent one whose matter was decided; once for each.
    Raises NoRate for a phase or stage that the terms in force do not have."""
    agreed = await estimates.lock(session, matter.matter_id)
    day = await directory.today(session)
    found = await terms.in_force(session, matter, clock.now())
    if found is None:
        raise NoRate("The client has accepted no fee terms for this matter yet.")
    amount, words = _fixed(found, phase, recovered, expenses)
    work = Work(staff, day, words)
    verdict = Verdict((), found, amount=amount, currency=found.terms.currency)
    entry = Entry(
        entry_id=new_id(),
        kind="fee",
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        staff_id=staff.staff_id,
        phase=phase,
        recorded_at=clock.now(),
        cause="recorded",
        **await _said(session, matter, work, new_id()),
        **_priced(verdict, agreed, "fee"),
        changed_by=by,
        changed_at=clock.now(),
    )
    added = await session.execute(
        insert(Entry)
        .values(entry.model_dump())
        .on_conflict_do_nothing()
        .returning(col(Entry.entry_id))
    )
    if added.one_or_none() is None:
        raise NotWaiting("The fee of this phase was recorded already.")
    emit(session, _recorded(entry))
    await estimates.watch(session, matter.matter_id)
    return entry


async def correct(
    session: AsyncSession,
    entry: Entry,
    matter: BilledMatter,
    work: Work,
    *,
    reason: str,
    if_match: str | None,
    by: UUID,
) -> Entry:
    """The next version, judged anew: what was accepted or excepted before was exactly the old one.
    The entry is locked. Raises PreconditionFailed, EntryOnInvoice."""
    revisions.check(if_match, entry.version)
    _refuse_invoiced(entry)
    agreed = await estimates.lock(session, matter.matter_id)
    verdict = await judge(session, matter, work)
    said = await _said(session, matter, work, entry.entry_id)
    changes = said | _priced(verdict, agreed, entry.kind, instead_of=entry)
    changes |= {"emergency": work.emergency, "overridden": False}
    return await _change(session, entry, "correction", changes, reason, by)


async def accept_exactly(
    session: AsyncSession, entry: Entry, version: int, amount: int, currency: str, by: UUID
) -> Entry:
    """The client accepts this piece of work, at this version and for this amount, though it was
    worked before the terms were accepted. Raises NotWaiting, ChangedMeanwhile."""
    if entry.state != "draft" or rules.BEFORE_ACCEPTANCE not in entry.missing:
        raise NotWaiting("Only work from before the acceptance of terms is accepted one by one.")
    if (entry.version, entry.amount, entry.currency) != (version, amount, currency):
        raise ChangedMeanwhile("It is not what was shown: read the entry, then accept it.")
    return await _release(session, entry, "acceptance", None, by)


async def make_exception(session: AsyncSession, entry: Entry, reason: str, by: UUID) -> Entry:
    """A partner records that an emergency could not wait for acceptance. Raises NotWaiting: it was
    not recorded as an emergency, or there is no rate that was at least explained to the client."""
    if entry.state != "draft" or not entry.emergency:
        raise NotWaiting("Only drafts that were recorded as emergency work are excepted.")
    if entry.amount is None:
        raise NotWaiting("No rate is known: explain fee terms to the client first.")
    return await _release(session, entry, "exception", reason, by)


async def override(session: AsyncSession, entry: Entry, reason: str, by: UUID) -> Entry:
    """A partner lets work beyond the agreed amount be billed, with the reason."""
    if not entry.beyond_agreed or entry.overridden:
        raise NotWaiting("Only work beyond the agreed amount is overridden, once.")
    _refuse_invoiced(entry)
    return await _change(session, entry, "override", {"overridden": True}, reason, by)


async def write_off(session: AsyncSession, entry: Entry, reason: str, by: UUID) -> Entry:
    _refuse_invoiced(entry)
    if entry.state == "written_off":
        raise NotWaiting("The entry is written off already.")
    changes = {"state": "written_off", "missing": []}
    return await _change(session, entry, "write_off", changes, reason, by)


async def reconsider(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None, *, by: UUID
) -> None:
    """Terms were disclosed, accepted, or heard of late: drafts worked after the acceptance become
    billable, and the others learn what they would cost. Both orders lead to the same state."""
    for waiting in await queries.matters_with_drafts(session, client_id, matter_id):
        matter = await directory.matter(session, waiting)
        await estimates.lock(session, waiting)
        for entry in await queries.drafts_of(session, waiting):
            await _judge_again(session, entry, matter, by)


async def agreed_to(session: AsyncSession, matter_id: UUID, *, by: UUID) -> None:
    """A higher estimate was agreed to: work that it covers is no longer beyond it, oldest first."""
    agreed = await estimates.lock(session, matter_id)
    waiting = await queries.beyond_agreed(session, matter_id)
    if agreed is None:
        return
    over = {side: max(spent - high, 0) for side, spent, high in _sides(agreed)}
    for entry in reversed(waiting):
        side = "E" if entry.kind == "expense" else "F"
        if over[side] > 0:
            over[side] -= entry.amount or 0
        else:
            await _change(session, entry, "terms", {"beyond_agreed": False}, None, by)


async def start_timer(session: AsyncSession, matter: BilledMatter, staff: Timekeeper) -> Timer:
    """Raises TimerRuns: one at a time, however often it is started at once."""
    timer = Timer(
        timer_id=new_id(),
        staff_id=staff.staff_id,
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        started_at=clock.now(),
    )
    added = await session.execute(
        insert(Timer)
        .values(timer.model_dump())
        .on_conflict_do_nothing()
        .returning(col(Timer.timer_id))
    )
    if added.one_or_none() is None:
        raise TimerRuns("Another timer of this member of staff runs: stop it first.")
    return timer


async def stop_timer(
    session: AsyncSession, timer: Timer, matter: BilledMatter, work: Work, by: UUID
) -> list[Entry]:
    """An entry for each day that it ran on, cut at the firm's midnight. The timer is locked."""
    if timer.stopped_at is not None:
        raise NotWaiting("The timer was stopped already.")
    timer.stopped_at = clock.now()
    zone = await directory.zone(session)
    slices = rules.days_of(timer.started_at, timer.stopped_at, zone)
    parts = [
        work._replace(day=one.day, started_at=one.started_at, minutes=one.minutes) for one in slices
    ]
    return [await record(session, matter, part, by) for part in parts]


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


async def _judge_again(session: AsyncSession, entry: Entry, matter: BilledMatter, by: UUID) -> None:
    agreed = await estimates.lock(session, entry.matter_id)
    verdict = await judge(session, matter, await work_of(session, entry))
    changes = _priced(verdict, agreed, entry.kind)
    if any(getattr(entry, name) != value for name, value in changes.items()):
        await _change(session, entry, "terms", changes, None, by)


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


def _fixed(found: InForce, phase: str, recovered: int | None, expenses: int) -> tuple[int, str]:
    """(amount, words) of a flat phase, or of a contingent stage at which something was
    recovered."""
    if recovered is not None and found.terms.contingent:
        closed = closing(found.terms, phase, recovered, expenses)
        return closed.fee, f"Share of what was recovered, {closed.percent.normalize():f} %"
    for one in found.terms.flat.phases if found.terms.flat else ():
        if one.code == phase and recovered is None:
            return found.terms.minor(one.amount), one.name
    raise NoRate(f"The terms in force have no phase or stage {phase!r} of this kind.")


async def _said(
    session: AsyncSession, matter: BilledMatter, work: Work, entry_id: UUID
) -> dict[str, Any]:
    owner = matter.client_id
    words = rules.same_words(work.narrative)
    digest = keyed_digest(keys_of(session).key(owner), "narrative", words)
    before = await queries.told_before(session, matter.matter_id, digest, entry_id)
    sealed = seal(session, owner, new_id(), "entry", "narrative", work.narrative)
    return {
        "worked_on": work.day,
        "started_at": work.started_at,
        "minutes": work.minutes,
        "task_code": work.task_code,
        "activity_code": work.activity_code,
        "expense_code": work.expense_code,
        "narrative": sealed.model_dump(mode="json"),
        "narrative_digest": digest,
        "flags": list(rules.questionable(work.narrative, work.minutes, told_before=before)),
    }


def _priced(
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
        "beyond_agreed": billable and _exceeds(agreed, kind, (verdict.amount or 0) - before),
    }


def _exceeds(agreed: Standing | None, kind: str, more: int) -> bool:
    if agreed is None or more <= 0:
        return False
    side = "E" if kind == "expense" else "F"
    return any(one == side and spent + more > high for one, spent, high in _sides(agreed))


def _sides(agreed: Standing) -> Iterable[tuple[str, int, int]]:
    yield "F", agreed.spent.fees, agreed.fees_high
    yield "E", agreed.spent.costs, agreed.costs_high


async def _release(
    session: AsyncSession, entry: Entry, cause: Cause, reason: str | None, by: UUID
) -> Entry:
    agreed = await estimates.lock(session, entry.matter_id)
    changes = {
        "state": "billable",
        "missing": [],
        "beyond_agreed": _exceeds(agreed, entry.kind, entry.amount or 0),
    }
    return await _change(session, entry, cause, changes, reason, by)


async def _change(
    session: AsyncSession,
    entry: Entry,
    cause: Cause,
    changes: dict[str, Any],
    reason: str | None,
    by: UUID,
) -> Entry:
    """The next version, kept, told and watched."""
    sealed = seal(session, entry.client_id, new_id(), "entry", "reason", reason) if reason else None
    entry.version += 1
    for name, value in changes.items():
        setattr(entry, name, value)
    entry.cause, entry.changed_by, entry.changed_at = cause, by, clock.now()
    entry.reason = sealed.model_dump(mode="json") if sealed else None
    emit(session, _corrected(entry, cause))
    await estimates.watch(session, entry.matter_id)
    return entry


def _refuse_invoiced(entry: Entry) -> None:
    if entry.invoice_id is not None:
        raise EntryOnInvoice("The entry stands on an invoice: discard the draft, or credit it.")


def _recorded(entry: Entry) -> TimeRecorded | ExpenseRecorded:
    told = entry.model_dump() | {"recorded_by": entry.changed_by}
    if entry.kind == "expense":
        return ExpenseRecorded.model_validate(told | {"incurred_on": entry.worked_on})
    fixed = {"minutes": entry.minutes or 0, "billed_minutes": entry.billed_minutes or 0}
    return TimeRecorded.model_validate(told | fixed)


def _corrected(entry: Entry, cause: Cause) -> EntryCorrected:
    told = entry.model_dump() | {
        "entry_version": entry.version,
        "cause": cause,
        "corrected_by": entry.changed_by,
        "corrected_at": entry.changed_at,
    }
    return EntryCorrected.model_validate(told)
