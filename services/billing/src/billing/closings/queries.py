"""Questions about closing statements, and about the expenses that they account for."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.closings.models import ClosingStatement
from billing.entries.models import Entry
from shared.errors import NotFound

# Net of what was credited, in the share that a line's net has of it.
_BILLED = text("""
    SELECT coalesce(sum(line.total - CASE WHEN line.total + line.tax = 0 THEN 0
        ELSE round(line.credited::numeric * line.total / (line.total + line.tax)) END), 0)::bigint
    FROM invoice_lines line JOIN invoices USING (invoice_id)
    WHERE invoices.matter_id = :matter_id AND invoices.state = 'issued'
        AND line.kind IN ('E', 'IE')
""")


def client_of(statement_id: UUID) -> Select[UUID]:
    return select(col(ClosingStatement.client_id)).where(
        col(ClosingStatement.statement_id) == statement_id
    )


async def statement(session: AsyncSession, statement_id: UUID) -> ClosingStatement:
    """Raises NotFound, in the words for one that the caller may not see."""
    row = await session.get(ClosingStatement, statement_id)
    if row is None:
        raise NotFound("There is nothing here that you may see.")
    return row


async def newest(session: AsyncSession, matter_id: UUID) -> ClosingStatement | None:
    found = await session.execute(
        select(ClosingStatement)
        .where(col(ClosingStatement.matter_id) == matter_id)
        .order_by(col(ClosingStatement.version).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()


async def expenses_billed(session: AsyncSession, matter_id: UUID) -> int:
    return int((await session.execute(_BILLED, {"matter_id": matter_id})).scalar_one())


async def expenses_unbilled(session: AsyncSession, matter_id: UUID) -> Sequence[Entry]:
    """Locked, oldest first: what could be put on an invoice, or stands on one not issued yet."""
    found = await session.execute(
        select(Entry)
        .where(
            col(Entry.matter_id) == matter_id,
            col(Entry.kind) == "expense",
            col(Entry.state) == "billable",
            ~col(Entry.beyond_agreed) | col(Entry.overridden),
        )
        .order_by(col(Entry.entry_id))
        .with_for_update()
    )
    return found.scalars().all()
