"""Questions about invoices, and what one says when it is read as a whole."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries as directory
from billing.entries.models import Entry
from billing.invoices.models import CreditNote, Invoice, InvoiceLine, ReceiverProfile
from shared.errors import NotFound


def client_of(invoice_id: UUID) -> Select[UUID]:
    return select(col(Invoice.client_id)).where(col(Invoice.invoice_id) == invoice_id)


async def invoice(session: AsyncSession, invoice_id: UUID, *, lock: bool = False) -> Invoice:
    """Raises NotFound, in the words for one that the caller may not see."""
    wanted = select(Invoice).where(col(Invoice.invoice_id) == invoice_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row = (await session.execute(wanted)).scalar_one_or_none()
    if row is None:
        raise NotFound("There is nothing here that you may see.")
    return row


async def lines(session: AsyncSession, invoice_id: UUID) -> Sequence[InvoiceLine]:
    found = await session.execute(
        select(InvoiceLine)
        .where(col(InvoiceLine.invoice_id) == invoice_id)
        .order_by(col(InvoiceLine.number))
    )
    return found.scalars().all()


async def credit_notes(session: AsyncSession, invoice_id: UUID) -> Sequence[CreditNote]:
    found = await session.execute(
        select(CreditNote)
        .where(col(CreditNote.invoice_id) == invoice_id)
        .order_by(col(CreditNote.credit_note_id))
    )
    return found.scalars().all()


async def unbilled(session: AsyncSession, matter_id: UUID, until: date) -> list[Entry]:
    """What can be put on an invoice, locked: billable, on no other invoice, and agreed to or
    overridden. Who waited here for somebody else's invoice finds what that one left."""
    found = await session.execute(
        select(Entry)
        .where(
            col(Entry.matter_id) == matter_id,
            col(Entry.state) == "billable",
            col(Entry.invoice_id).is_(None),
            col(Entry.amount) > 0,
            col(Entry.worked_on) <= until,
            ~col(Entry.beyond_agreed) | col(Entry.overridden),
        )
        .order_by(col(Entry.entry_id))
        .with_for_update()
    )
    return sorted(found.scalars(), key=lambda one: (one.kind == "expense", one.worked_on))


async def fees_billed(session: AsyncSession, matter_id: UUID) -> int:
    """Fees on issued invoices after discounts; what was credited later still counts to a cap."""
    found = await session.execute(
        text("""
            SELECT coalesce(sum(line.total), 0)::bigint
            FROM invoice_lines line JOIN invoices USING (invoice_id)
            WHERE invoices.matter_id = :matter_id AND invoices.state = 'issued'
                AND line.kind IN ('F', 'IF')
        """),
        {"matter_id": matter_id},
    )
    return int(found.scalar_one())


async def billed_until(session: AsyncSession, matter_id: UUID, at: datetime) -> int:
    """All that was invoiced for a matter up to and including that instant, without tax."""
    found = await session.execute(
        text("""
            SELECT coalesce(sum(total - tax), 0)::bigint FROM invoices
            WHERE matter_id = :matter_id AND issued_at <= :at
        """),
        {"matter_id": matter_id, "at": at},
    )
    return int(found.scalar_one())


async def agreed_until(session: AsyncSession, matter_id: UUID, at: datetime) -> int | None:
    """The amount that the client had agreed to by then: the upper end of the estimate."""
    found = await session.execute(
        text("""
            SELECT fees_high + costs_high FROM estimate_versions JOIN estimates USING (estimate_id)
            WHERE matter_id = :matter_id AND agreed_at <= :at
            ORDER BY estimate_versions.version DESC LIMIT 1
        """),
        {"matter_id": matter_id, "at": at},
    )
    amount = found.scalar_one_or_none()
    return None if amount is None else int(amount)


async def profile(
    session: AsyncSession, client_id: UUID, *, lock: bool = False
) -> ReceiverProfile | None:
    """Of entries that were merged, that of the one that stays before the others'."""
    whose = col(ReceiverProfile.client_id)
    stays = await directory.survivor(session, client_id)
    wanted = select(ReceiverProfile).where(whose.in_(directory.entries_of(client_id)))
    wanted = wanted.order_by(whose != stays, whose).limit(1)
    found = await session.execute(wanted.with_for_update() if lock else wanted)
    return found.scalar_one_or_none()
