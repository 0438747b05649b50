"""Questions about entries: which may be read, which terms they fall under."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries as directory
from billing.entries.models import Entry
from shared.errors import NotFound


def client_of(entry_id: UUID) -> Select[UUID]:
    return select(col(Entry.client_id)).where(col(Entry.entry_id) == entry_id)


async def entry(session: AsyncSession, entry_id: UUID, *, lock: bool = False) -> Entry:
    """Raises NotFound, in the words for one that the caller may not see."""
    wanted = select(Entry).where(col(Entry.entry_id) == entry_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    found = await session.execute(wanted)
    row = found.scalar_one_or_none()
    if row is None:
        raise NotFound("There is nothing here that you may see.")
    return row


async def told_before(session: AsyncSession, matter_id: UUID, digest: bytes, but: UUID) -> bool:
    """Whether another entry of the matter says the same in the same words."""
    found = await session.execute(
        select(col(Entry.entry_id))
        .where(
            col(Entry.matter_id) == matter_id,
            col(Entry.narrative_digest) == digest,
            col(Entry.entry_id) != but,
        )
        .limit(1)
    )
    return found.first() is not None


async def matters_with_drafts(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None
) -> list[UUID]:
    """That matter, or all of the client's, under whichever entry, in one order for everybody."""
    wanted = select(col(Entry.matter_id)).distinct().order_by(col(Entry.matter_id))
    theirs = col(Entry.client_id).in_(directory.entries_of(client_id))
    wanted = wanted.where(theirs, col(Entry.state) == "draft")
    if matter_id is not None:
        wanted = wanted.where(col(Entry.matter_id) == matter_id)
    return list((await session.execute(wanted)).scalars())


async def drafts_of(session: AsyncSession, matter_id: UUID) -> list[Entry]:
    """Locked, oldest first."""
    found = await session.execute(
        select(Entry)
        .where(col(Entry.matter_id) == matter_id, col(Entry.state) == "draft")
        .order_by(col(Entry.entry_id))
        .with_for_update()
    )
    return list(found.scalars())


async def beyond_agreed(session: AsyncSession, matter_id: UUID) -> list[Entry]:
    """Locked: what is billable but was not agreed to, oldest first."""
    found = await session.execute(
        select(Entry)
        .where(
            col(Entry.matter_id) == matter_id,
            col(Entry.state) == "billable",
            col(Entry.beyond_agreed),
            ~col(Entry.overridden),
            col(Entry.invoice_id).is_(None),
        )
        .order_by(col(Entry.entry_id))
        .with_for_update()
    )
    return list(found.scalars())
