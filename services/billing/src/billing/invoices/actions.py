"""Draft, approve and issue invoices, and credit what was issued. Nothing issued is ever edited.

Locks are taken in one order everywhere: the matter's estimate, the invoice, its entries, the series
of numbers last, so that numbers are given for the shortest time and in the order of commits.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing import money
from billing.directory import queries as directory
from billing.directory.models import BilledMatter, Timekeeper
from billing.entries.models import Entry
from billing.estimates import actions as estimates
from billing.invoices import booking, queries, rules
from billing.invoices.models import CreditNote, Invoice, InvoiceLine
from billing.invoices.rules import TooMuch, WrongState
from billing.ledger import rules as books
from billing.penalties import actions as penalties
from billing.terms import queries as terms
from billing.terms.rules import Terms
from shared import clock, revisions
from shared.contracts.billing import CreditNoteIssued, InvoiceIssued
from shared.errors import Forbidden, Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class NothingToInvoice(Refusal):
    """No billable entry of the matter is left: somebody else's draft may hold them."""


class DraftExists(Refusal):
    """The matter has a draft already: issue or discard it first."""


class NotApproved(Refusal):
    """Its named approver has not approved it as it stands."""


class NotTheApprover(Forbidden):
    """Another person was named to approve this invoice."""


_NEXT_NUMBER = text("""
    INSERT INTO invoice_numbers (series, year, last_number) VALUES (:series, :year, 1)
    ON CONFLICT (series, year) DO UPDATE SET last_number = invoice_numbers.last_number + 1
    RETURNING last_number
""")


async def draft(
    session: AsyncSession,
    matter: BilledMatter,
    *,
    approver: Timekeeper,
    period_to: date,
    period_from: date | None,
    by: UUID,
) -> Invoice:
    """All that is billable up to that day. Of two who draft at once one gets DraftExists or
    NothingToInvoice: an entry stands on one invoice."""
    await estimates.lock(session, matter.matter_id)
    entries = await queries.unbilled(session, matter.matter_id, period_to)
    if not entries:
        raise NothingToInvoice("Nothing of this matter can be invoiced up to that day.")
    agreed = await _terms(session, matter)
    invoice = Invoice(
        invoice_id=new_id(),
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        currency=agreed.currency,
        approver_id=approver.staff_id,
        period_from=min(period_from or date.max, *(one.worked_on for one in entries)),
        period_to=min(period_to, await directory.today(session)),
        tax_percent=agreed.tax_percent,
        payment_days=agreed.payment_days,
        penalty_percent=agreed.late_penalty.annual_percent if agreed.late_penalty else None,
        grace_days=agreed.late_penalty.grace_days if agreed.late_penalty else None,
        drafted_by=by,
        drafted_at=clock.now(),
    )
    await _insert(session, invoice)
    await _reserve(session, invoice.invoice_id, entries)
    session.add_all(_line(invoice.invoice_id, number, one) for number, one in enumerate(entries, 1))
    await session.flush()
    if agreed.cap is not None:
        await _keep_cap(session, invoice, agreed)
    await _total(session, invoice)
    return invoice


async def write_down(
    session: AsyncSession, invoice: Invoice, number: int, amount: int, reason: str
) -> None:
    """Less for one line, with the reason that the client reads. Raises TooMuch."""
    _refuse_unless_open(invoice)
    line = await session.get(InvoiceLine, (invoice.invoice_id, number))
    if line is None or line.kind not in ("F", "E"):
        raise Invalid(f"There is no line {number} that could be written down.")
    if amount > line.total:
        raise TooMuch(f"The line comes to {money.spoken(line.total, invoice.currency)}.")
    line.adjustment -= amount
    line.total -= amount
    sealed = seal(session, invoice.client_id, new_id(), "invoice", "reason", reason)
    line.reason = sealed.model_dump(mode="json")
    await session.flush()
    await _changed(session, invoice)


async def discount(
    session: AsyncSession, invoice: Invoice, amount: int, reason: str, kind: str = "IF"
) -> None:
    """Less for the whole invoice, as a line of its own. Raises TooMuch."""
    _refuse_unless_open(invoice)
    if amount > invoice.fees + invoice.expenses + invoice.adjustments:
        raise TooMuch("The discount is more than the invoice.")
    await _adjust(session, invoice, kind, amount, reason)
    await _changed(session, invoice)


async def take_off(session: AsyncSession, invoice: Invoice, number: int) -> None:
    """A line goes back to what is unbilled."""
    _refuse_unless_open(invoice)
    line = await session.get(InvoiceLine, (invoice.invoice_id, number))
    if line is None or line.is_cap:
        raise Invalid(f"There is no line {number} that could be taken off.")
    await session.delete(line)
    if line.entry_id:
        await _free(session, col(Entry.entry_id) == line.entry_id)
    await _changed(session, invoice)


async def discard(session: AsyncSession, invoice: Invoice) -> None:
    """Its entries can be invoiced again."""
    _refuse_unless_open(invoice)
    await _free(session, col(Entry.invoice_id) == invoice.invoice_id)
    invoice.state, invoice.revision = "discarded", invoice.revision + 1
    invoice.approved_by = invoice.approved_at = None
    for line in await queries.lines(session, invoice.invoice_id):
        line.entry_id = None


async def approve(
    session: AsyncSession, invoice: Invoice, staff: Timekeeper | None, if_match: str | None
) -> None:
    """By the person named, as it stands: a later change takes the approval back. Raises
    NotTheApprover, PreconditionFailed."""
    revisions.check(if_match, invoice.revision)
    if staff is None or staff.staff_id != invoice.approver_id:
        raise NotTheApprover("Another person was named to approve this invoice.")
    _refuse_unless_open(invoice)
    if not await queries.lines(session, invoice.invoice_id):
        raise NothingToInvoice("An invoice without a line is not approved: discard it.")
    invoice.state, invoice.revision = "approved", invoice.revision + 1
    invoice.approved_by, invoice.approved_at = staff.staff_id, clock.now()


async def issue(session: AsyncSession, invoice: Invoice, by: UUID) -> None:
    """From now on it is owed, numbered and in the books. Raises NotApproved; issuing it again
    changes nothing."""
    if invoice.state == "issued":
        return
    if invoice.state != "approved":
        raise NotApproved("The invoice is issued once its named approver has approved it.")
    today = await directory.today(session)
    lines = await queries.lines(session, invoice.invoice_id)
    at = clock.now()
    await session.execute(
        update(Entry).where(col(Entry.invoice_id) == invoice.invoice_id).values(state="invoiced")
    )
    # Dying from here on gives the number back with everything else: there is no gap.
    invoice.number = await _next_number(session, "invoice", today.year)
    invoice.state, invoice.issued_at, invoice.issued_on = "issued", at, today
    invoice.due_on = today + timedelta(days=invoice.payment_days)
    invoice.revision += 1
    await session.flush()
    posted = books.invoiced(_billed(lines))
    await booking.book(session, invoice, "invoice", posted, invoice.invoice_id, by)
    await penalties.owe(session, invoice, invoice.total, today, by)
    emit(session, _issued(invoice, len(lines)))
    await estimates.watch(session, invoice.matter_id)


async def credit(
    session: AsyncSession, invoice: Invoice, amounts: dict[int, int], reason: str, by: UUID
) -> CreditNote:
    """A credit note over these amounts by line, tax included. What was credited was never owed, so
    it bears no penalty; what was paid of it already is the client's, in trust. Raises TooMuch for
    more than is left of a line."""
    if invoice.state != "issued":
        raise WrongState("Only what was issued is credited; a draft is changed.")
    lines = {one.number: one for one in await queries.lines(session, invoice.invoice_id)}
    parts = [_credited(lines.get(number), amount) for number, amount in sorted(amounts.items())]
    billed = rules.added(parts)
    today = await directory.today(session)
    note = CreditNote(
        credit_note_id=new_id(),
        invoice_id=invoice.invoice_id,
        number=await _next_number(session, "credit", today.year),
        total=billed.total,
        lines={str(number): amount for number, amount in sorted(amounts.items())},
        reason=seal(session, invoice.client_id, new_id(), "credit", "reason", reason).model_dump(
            mode="json"
        ),
        issued_by=by,
        issued_at=clock.now(),
    )
    session.add(note)
    excess = await booking.lower(
        session, invoice, "credited", billed.total, note.credit_note_id, by
    )
    posted = books.credited(billed)
    await booking.book(session, invoice, "credit_note", posted, note.credit_note_id, by)
    assert invoice.issued_on is not None, "only what was issued is credited"
    await penalties.owe(session, invoice, -billed.total, invoice.issued_on, by)
    if excess:
        await penalties.owe(session, invoice, excess, today, by)
    told = note.model_dump() | invoice.model_dump(include={"client_id", "matter_id", "currency"})
    emit(session, CreditNoteIssued.model_validate(told))
    await estimates.watch(session, invoice.matter_id)
    return note


async def _terms(session: AsyncSession, matter: BilledMatter) -> Terms:
    found = await terms.in_force(session, matter, clock.now())
    found = found or await terms.disclosed(session, matter)
    assert found is not None, "what is billable was priced by terms"
    return found.terms


async def _insert(session: AsyncSession, invoice: Invoice) -> None:
    added = await session.execute(
        insert(Invoice)
        .values(invoice.model_dump(exclude={"open"}))
        .on_conflict_do_nothing()
        .returning(col(Invoice.invoice_id))
    )
    if added.one_or_none() is None:
        raise DraftExists("The matter has a draft already: issue or discard it first.")


async def _reserve(session: AsyncSession, invoice_id: UUID, entries: Sequence[Entry]) -> None:
    ids = [one.entry_id for one in entries]
    await session.execute(
        update(Entry).where(col(Entry.entry_id).in_(ids)).values(invoice_id=invoice_id)
    )


async def _free(session: AsyncSession, which: ColumnElement[bool]) -> None:
    await session.execute(
        update(Entry).where(which, col(Entry.state) == "billable").values(invoice_id=None)
    )


def _line(invoice_id: UUID, number: int, entry: Entry) -> InvoiceLine:
    amount = entry.amount or 0
    priced = rules.priced(entry.kind, entry.billed_minutes, entry.rate, amount)
    # The entry's amount is what the client was shown: the line comes to exactly that.
    return InvoiceLine(
        invoice_id=invoice_id,
        number=number,
        kind=priced.kind,
        fixed=entry.kind == "fee",
        entry_id=entry.entry_id,
        worked_on=entry.worked_on,
        units=priced.units,
        unit_cost=priced.unit_cost,
        adjustment=amount - priced.total,
        total=amount,
        staff_id=entry.staff_id if priced.kind == "F" else None,
        **entry.model_dump(include={"task_code", "activity_code", "expense_code", "narrative"}),
    )


async def _keep_cap(session: AsyncSession, invoice: Invoice, agreed: Terms) -> None:
    """After discounts: what was written down or given anyway is not taken off for the limit too."""
    lines = await queries.lines(session, invoice.invoice_id)
    for one in lines:
        if one.is_cap:
            await session.delete(one)
    await session.flush()
    if agreed.cap is None:
        return
    fees = sum(one.total for one in lines if one.kind in ("F", "IF") and not one.is_cap)
    before = await queries.fees_billed(session, invoice.matter_id)
    if over := rules.over_cap(agreed.cap, before, fees):
        limit = money.spoken(agreed.cap, agreed.currency)
        words = f"Our fees are limited to {limit}"
        await _adjust(session, invoice, "IF", over, words, is_cap=True)


async def _adjust(
    session: AsyncSession,
    invoice: Invoice,
    kind: str,
    amount: int,
    words: str,
    *,
    is_cap: bool = False,
) -> None:
    lines = await queries.lines(session, invoice.invoice_id)
    sealed = seal(session, invoice.client_id, new_id(), "invoice", "narrative", words)
    session.add(
        InvoiceLine(
            invoice_id=invoice.invoice_id,
            number=max((one.number for one in lines), default=0) + 1,
            kind=kind,
            worked_on=invoice.period_to,
            units=Decimal(0),
            unit_cost=0,
            adjustment=-amount,
            total=-amount,
            narrative=sealed.model_dump(mode="json"),
            is_cap=is_cap,
        )
    )
    await session.flush()


async def _changed(session: AsyncSession, invoice: Invoice) -> None:
    """An approval was of what stood there before."""
    invoice.state, invoice.revision = "draft", invoice.revision + 1
    invoice.approved_by = invoice.approved_at = None
    await session.flush()
    matter = await directory.matter(session, invoice.matter_id)
    await _keep_cap(session, invoice, await _terms(session, matter))
    await _total(session, invoice)


async def _total(session: AsyncSession, invoice: Invoice) -> None:
    await session.flush()
    lines = await queries.lines(session, invoice.invoice_id)
    counted = rules.totals([(one.kind, one.total) for one in lines], invoice.tax_percent)
    for line, tax in zip(lines, counted.tax_of_lines, strict=True):
        line.tax = tax
    values = {
        "fees": counted.fees,
        "expenses": counted.expenses,
        "adjustments": counted.adjustments,
        "tax": counted.tax,
        "total": counted.total,
    }
    row = await session.get_one(Invoice, invoice.invoice_id)
    for name, value in values.items():
        setattr(row, name, value)
        setattr(invoice, name, value)
    await session.flush()


async def _next_number(session: AsyncSession, series: str, year: int) -> str:
    last = (await session.execute(_NEXT_NUMBER, {"series": series, "year": year})).scalar_one()
    prefix = "" if series == "invoice" else "CN-"
    return f"{prefix}{year}-{last:05d}"


def _billed(lines: Sequence[InvoiceLine]) -> books.Billed:
    return rules.added([rules.of_line(one.kind, one.total, one.tax) for one in lines])


def _credited(line: InvoiceLine | None, amount: int) -> books.Billed:
    if line is None or line.kind not in ("F", "E"):
        raise Invalid("Credit lines of fees and expenses, by their numbers on the invoice.")
    left = line.total + line.tax - line.credited
    if not 0 < amount <= left:
        raise TooMuch(f"Line {line.number} has less than that left to credit.")
    before, line.credited = line.credited, line.credited + amount
    return rules.credit_of(rules.of_line(line.kind, line.total, line.tax), before, amount)


def _issued(invoice: Invoice, line_count: int) -> InvoiceIssued:
    return InvoiceIssued.model_validate(invoice.model_dump() | {"line_count": line_count})


def _refuse_unless_open(invoice: Invoice) -> None:
    if invoice.state not in ("draft", "approved"):
        raise WrongState("Only drafts are changed; what was issued is credited.")
