"""Which invoices a penalty may be due for, and what the facts make of it."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.invoices.models import Invoice
from billing.penalties import rules
from billing.penalties.models import OwedChange


async def to_look_at(session: AsyncSession, today: date, limit: int) -> list[UUID]:
    """The invoices whose day has come, the oldest first."""
    found = await session.execute(
        select(col(Invoice.invoice_id))
        .where(col(Invoice.penalty_on) <= today)
        .order_by(col(Invoice.penalty_on), col(Invoice.invoice_id))
        .limit(limit)
    )
    return list(found.scalars())


async def accrued(session: AsyncSession, invoice: Invoice, through: date) -> int:
    """The penalty in all by what is known now; nothing without agreed terms."""
    if invoice.penalty_percent is None or invoice.due_on is None:
        return 0
    changes = await session.execute(
        select(col(OwedChange.day), col(OwedChange.change)).where(
            col(OwedChange.invoice_id) == invoice.invoice_id
        )
    )
    return rules.accrued(
        [(day, change) for day, change in changes],
        due_on=invoice.due_on,
        grace_days=invoice.grace_days or 0,
        annual_percent=invoice.penalty_percent,
        through=through,
    )
