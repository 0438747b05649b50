"""Record work and costs, correct them by versions, and let the gate of P-14 decide what is
billable.

Recording is never refused for want of terms or budget: nobody may miss a filing for it. What may
not be billed is a draft that says what is missing.
"""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries as directory
from billing.directory.models import BilledMatter, Timekeeper
from billing.entries import gate, queries, rules
from billing.entries.gate import Verdict, Work
from billing.entries.models import Entry
from billing.estimates import actions as estimates
from billing.estimates.rules import Standing
from billing.terms import queries as terms
from billing.terms.queries import InForce
from billing.terms.rules import NoRate
from shared import clock, revisions
from shared.contracts.billing import EntryCorrected, ExpenseRecorded, TimeRecorded
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import keys_of, seal
from shared.outbox import emit
from shared.sealing import keyed_digest

Cause = Literal["correction", "acceptance", "exception", "override", "terms", "write_off"]


class EntryOnInvoice(Refusal):
    """The entry stands on an invoice: take it off the draft first; what is issued is credited."""


class NotWaiting(Refusal):
    """The entry is no draft that this could make billable."""


class ChangedMeanwhile(Refusal):
    """It is not the version, or not the amount, that was shown: read it again."""


async def hold(session: AsyncSession, entry_id: UUID) -> Entry:
    """The entry, locked after its matter's estimate: everybody takes the two in this order."""
    found = await queries.entry(session, entry_id)
    await estimates.lock(session, found.matter_id)
    return await queries.entry(session, entry_id, lock=True)


async def record(session: AsyncSession, matter: BilledMatter, work: Work, by: UUID) -> Entry:
    """A new entry of time (with minutes) or of a cost (with an amount)."""
    agreed = await estimates.lock(session, matter.matter_id)
    verdict = await gate.judge(session, matter, work)
    kind = "expense" if work.minutes is None else "time"
    entry = await _new(session, kind, matter, work, verdict, agreed, by)
    session.add(entry)
    emit(session, _recorded(entry))
    await estimates.watch(session, matter.matter_id)
    return entry


async def fall_due(
    session: AsyncSession, matter: BilledMatter, staff: Timekeeper, phase: str, by: UUID
) -> Entry:
    """A fixed fee whose phase is done, once. Raises NoRate for a phase that the terms in force do
    not have."""
    found = await terms.in_force(session, matter, clock.now())
    if found is None:
        raise NoRate("The client has accepted no fee terms for this matter yet.")
    for one in found.terms.flat.phases if found.terms.flat else ():
        if one.code == phase:
            amount = found.terms.minor(one.amount)
            return await owe(session, matter, staff, found, phase, amount, one.name, by)
    raise NoRate(f"The terms in force have no phase {phase!r} with a fixed fee.")


async def owe(
    session: AsyncSession,
    matter: BilledMatter,
    staff: Timekeeper,
    found: InForce,
    phase: str,
    amount: int,
    words: str,
    by: UUID,
) -> Entry:
    """A fee that is no one's hours, once for each phase of the terms. Raises NotWaiting."""
    agreed = await estimates.lock(session, matter.matter_id)
    work = Work(staff, await directory.today(session), words)
    verdict = Verdict((), found, amount=amount, currency=found.terms.currency)
    entry = await _new(session, "fee", matter, work, verdict, agreed, by, phase)
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
    verdict = await gate.judge(session, matter, work)
    said = await _said(session, matter, work, entry.entry_id)
    changes = said | gate.priced(verdict, agreed, entry.kind, instead_of=entry)
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
        await estimates.watch(session, waiting)


async def agreed_to(session: AsyncSession, matter_id: UUID, *, by: UUID) -> None:
    """A higher estimate was agreed to: work that it covers is no longer beyond it, oldest first."""
    agreed = await estimates.lock(session, matter_id)
    waiting = await queries.beyond_agreed(session, matter_id)
    if agreed is None:
        return
    over = {side: max(spent - high, 0) for side, spent, high in gate.sides(agreed)}
    for entry in reversed(waiting):
        side = "E" if entry.kind == "expense" else "F"
        if over[side] > 0:
            over[side] -= entry.amount or 0
        else:
            await _next_version(session, entry, "terms", {"beyond_agreed": False}, None, by)


async def _judge_again(session: AsyncSession, entry: Entry, matter: BilledMatter, by: UUID) -> None:
    agreed = await estimates.lock(session, entry.matter_id)
    try:
        verdict = await gate.judge(session, matter, await gate.work_of(session, entry))
    except Invalid:  # a cost in another currency than that of these terms stays a draft
        return
    changes = gate.priced(verdict, agreed, entry.kind)
    if any(getattr(entry, name) != value for name, value in changes.items()):
        await _next_version(session, entry, "terms", changes, None, by)


async def _new(
    session: AsyncSession,
    kind: str,
    matter: BilledMatter,
    work: Work,
    verdict: Verdict,
    agreed: Standing | None,
    by: UUID,
    phase: str | None = None,
) -> Entry:
    now = clock.now()
    return Entry(
        entry_id=new_id(),
        kind=kind,
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        staff_id=work.staff.staff_id,
        phase=phase,
        receipt=work.receipt.model_dump(mode="json") if work.receipt else None,
        emergency=work.emergency,
        recorded_at=now,
        cause="recorded",
        **await _said(session, matter, work, new_id()),
        **gate.priced(verdict, agreed, kind),
        changed_by=by,
        changed_at=now,
    )


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


async def _release(
    session: AsyncSession, entry: Entry, cause: Cause, reason: str | None, by: UUID
) -> Entry:
    agreed = await estimates.lock(session, entry.matter_id)
    changes = {
        "state": "billable",
        "missing": [],
        "beyond_agreed": gate.exceeds(agreed, entry.kind, entry.amount or 0),
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
    """The next version, and what it makes of the matter's estimate."""
    changed = await _next_version(session, entry, cause, changes, reason, by)
    await estimates.watch(session, entry.matter_id)
    return changed


async def _next_version(
    session: AsyncSession,
    entry: Entry,
    cause: Cause,
    changes: dict[str, Any],
    reason: str | None,
    by: UUID,
) -> Entry:
    """Kept and told; of many at once it is enough that somebody watches after the last."""
    sealed = seal(session, entry.client_id, new_id(), "entry", "reason", reason) if reason else None
    entry.version += 1
    for name, value in changes.items():
        setattr(entry, name, value)
    entry.cause, entry.changed_by, entry.changed_at = cause, by, clock.now()
    entry.reason = sealed.model_dump(mode="json") if sealed else None
    emit(session, _corrected(entry, cause))
    await session.flush()
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
