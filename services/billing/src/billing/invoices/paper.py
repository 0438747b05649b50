"""An invoice as people and machines read it: the PDF that explains itself, and the LEDES bill."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing import money, utbms
from billing.directory import queries as directory
from billing.directory.models import BilledMatter, Timekeeper
from billing.documents import actions as documents
from billing.documents.typesetting import typeset
from billing.invoices import ledes, queries
from billing.invoices.models import Invoice, InvoiceLine
from shared import clock
from shared.contracts import Sealed
from shared.keyring import unseal


async def pdf(session: AsyncSession, invoice: Invoice) -> bytes:
    """A draft is typeset anew each time; what is issued is typeset once, when it is first asked
    for, and is the same bytes for ever. The invoice is locked."""
    if invoice.content_id is not None:
        content, _ = await documents.content_of(session, invoice.content_id)
        return content
    facts = await _facts(session, invoice)
    at = invoice.issued_at or clock.now()
    # Typesetting is work, not waiting: it must not hold up everybody else's requests.
    content = await asyncio.to_thread(typeset, "invoice", facts, at)
    if invoice.state == "issued":
        kept = await documents.keep(
            session, invoice.client_id, "invoice", content, "application/pdf"
        )
        invoice.content_id = kept.content_id
    return content


async def bill(session: AsyncSession, invoice: Invoice, profile: ledes.LedesProfile) -> ledes.Bill:
    """As LEDES has it. 1998B has no field for tax: it is an adjustment of its own."""
    matter = await session.get_one(BilledMatter, invoice.matter_id)
    people = await directory.timekeepers(session)
    rows = await queries.lines(session, invoice.invoice_id)
    lines = [_ledes_line(session, row, people, profile) for row in rows]
    if invoice.tax:
        lines.append(_tax_line(invoice, max(row.number for row in rows) + 1))
    issued_on = invoice.issued_on or await directory.today(session)
    return ledes.Bill(
        number=invoice.number or "DRAFT",
        issued_on=issued_on,
        period_from=invoice.period_from,
        period_to=invoice.period_to,
        currency=invoice.currency,
        total=invoice.total,
        matter_number=matter.number,
        client_matter_id=profile.client_matter_ids.get(matter.matter_id, ""),
        description=matter.title,
        lines=lines,
    )


def _ledes_line(
    session: AsyncSession,
    row: InvoiceLine,
    people: Mapping[UUID, Timekeeper],
    profile: ledes.LedesProfile,
) -> ledes.Line:
    who = people.get(row.staff_id) if row.staff_id else None
    return ledes.Line(
        number=row.number,
        kind=row.kind,
        units=row.units,
        unit_cost=row.unit_cost,
        adjustment=row.adjustment,
        total=row.total,
        worked_on=row.worked_on,
        narrative=unseal(session, Sealed.model_validate(row.narrative)),
        task_code=row.task_code,
        activity_code=row.activity_code,
        expense_code=row.expense_code,
        timekeeper=ledes.Timekeeper(
            id=who.staff_id.hex[-12:],
            name=who.name,
            classification=profile.classifications.get(who.role, ""),
        )
        if who
        else None,
        fixed=row.fixed,
    )


def _tax_line(invoice: Invoice, number: int) -> ledes.Line:
    return ledes.Line(
        number=number,
        kind="IE",
        units=Decimal(0),
        unit_cost=0,
        adjustment=invoice.tax,
        total=invoice.tax,
        worked_on=invoice.period_to,
        narrative=f"Tax {percent(invoice.tax_percent)}",
    )


def percent(value: Decimal) -> str:
    return f"{value.normalize():f} %"


async def _facts(session: AsyncSession, invoice: Invoice) -> dict[str, Any]:
    firm, zone = await directory.firm(session), await directory.zone(session)
    client = await directory.client(session, invoice.client_id)
    matter = await session.get_one(BilledMatter, invoice.matter_id)
    people = await directory.timekeepers(session)
    lines = await queries.lines(session, invoice.invoice_id)
    named = invoice.number or "draft"
    at = invoice.issued_at or clock.now()
    dated = [["Date", f"{at.astimezone(zone):%-d %B %Y}"]]
    if invoice.due_on:
        dated.append(["Due", f"{invoice.due_on:%-d %B %Y}"])
    approver = people.get(invoice.approver_id)
    return {
        "firm": firm.name if firm else "",
        "title": f"Invoice {named}",
        "footer": f"Invoice {named} · {matter.number}",
        "draft": invoice.state != "issued",
        "facts": [
            ["For", client.name],
            ["Matter", f"{matter.number} {matter.title}"],
            ["Work", f"{invoice.period_from:%-d %B %Y} to {invoice.period_to:%-d %B %Y}"],
            *dated,
            ["Approved by", approver.name if approver and invoice.approved_by else "not yet"],
        ],
        "fees": [_row(session, one, people, invoice) for one in lines if one.kind == "F"],
        "expenses": [_row(session, one, people, invoice) for one in lines if one.kind == "E"],
        "by_person": _by_person(lines, people, invoice.currency),
        "by_task": _by_task(lines, invoice.currency),
        "sums": list(_sums(session, lines, invoice)),
        "words": [one async for one in _words(session, invoice)],
    }


def _row(
    session: AsyncSession, line: InvoiceLine, people: Mapping[UUID, Timekeeper], invoice: Invoice
) -> dict[str, str]:
    who = people.get(line.staff_id) if line.staff_id else None
    hourly = line.kind == "F" and not line.fixed
    reason = unseal(session, Sealed.model_validate(line.reason)) if line.reason else ""
    less = f"Reduced by {_bare(-line.adjustment, invoice)}: {reason}" if reason else ""
    return {
        "number": str(line.number),
        "day": f"{line.worked_on:%d.%m.%Y}",
        "who": who.name if who else "",
        "words": unseal(session, Sealed.model_validate(line.narrative)),
        "less": less,
        "hours": f"{line.units.normalize():f}" if hourly else "",
        "rate": _bare(line.unit_cost, invoice) if hourly else "",
        "amount": _bare(line.total, invoice),
    }


def _by_person(
    lines: Iterable[InvoiceLine], people: Mapping[UUID, Timekeeper], currency: str
) -> list[list[str]]:
    """Hours and amount of each who worked."""
    found: dict[UUID, tuple[Decimal, int]] = {}
    for one in lines:
        if one.kind == "F" and one.staff_id and not one.fixed:
            hours, amount = found.get(one.staff_id, (Decimal(0), 0))
            found[one.staff_id] = (hours + one.units, amount + one.total)
    return [
        [people[who].name if who in people else "", f"{hours.normalize():f}",
         money.spoken(amount, currency)]
        for who, (hours, amount) in found.items()
    ]  # fmt: skip


def _by_task(lines: Iterable[InvoiceLine], currency: str) -> list[list[str]]:
    found: dict[str, int] = {}
    for one in lines:
        if one.kind == "F" and one.task_code:
            found[one.task_code] = found.get(one.task_code, 0) + one.total
    return [
        [f"{code} {utbms.TASKS.get(code, '')}".strip(), money.spoken(amount, currency)]
        for code, amount in sorted(found.items())
    ]


def _sums(
    session: AsyncSession, lines: Sequence[InvoiceLine], invoice: Invoice
) -> Iterable[list[str]]:
    def said(amount: int) -> str:
        return money.spoken(amount, invoice.currency)

    if invoice.fees:
        yield ["Fees", said(invoice.fees)]
    if invoice.expenses:
        yield ["Expenses", said(invoice.expenses)]
    for one in lines:
        if one.kind in ("IF", "IE"):
            yield [unseal(session, Sealed.model_validate(one.narrative)), said(one.total)]
    if invoice.tax:
        yield [f"Tax {percent(invoice.tax_percent)}", said(invoice.tax)]
    yield ["To pay", said(invoice.total)]


async def _words(session: AsyncSession, invoice: Invoice) -> AsyncIterator[str]:
    """What the figures mean, in sentences: how it compares, when it is due, whom to ask."""
    at = invoice.issued_at or clock.now()
    so_far = await queries.billed_until(session, invoice.matter_id, at)
    if invoice.state != "issued":
        so_far += invoice.total - invoice.tax
    agreed = await queries.agreed_until(session, invoice.matter_id, at)
    said = money.spoken(so_far, invoice.currency)
    compared = f", of {money.spoken(agreed, invoice.currency)} that you agreed to" if agreed else ""
    yield f"With this invoice we have billed {said} for this matter before tax{compared}."
    yield (
        "Each hour is charged at the rate of its day as you accepted it; times are shown as"
        " they are charged. Nothing here was worked before you accepted our fee terms, but what"
        " you accepted piece by piece, or what a partner recorded as an emergency."
    )
    if invoice.due_on:
        yield f"Please pay by {invoice.due_on:%-d %B %Y}. {_late(invoice)}"
    yield (
        "You can question any line by its number: in the portal, by answering our mail, or by"
        " phone. A person answers, and what you dispute bears no penalty meanwhile."
    )


def _late(invoice: Invoice) -> str:
    if invoice.penalty_percent is None:
        return "We charge no penalty for paying late."
    return (
        f"From {invoice.grace_days} days after that date we charge"
        f" {percent(invoice.penalty_percent)} a year on what is overdue, as agreed."
    )


def _bare(amount: int, invoice: Invoice) -> str:
    """Without the currency: a table of one currency says it once."""
    return money.spoken(amount, invoice.currency).removeprefix(f"{invoice.currency} ")
