"""Packs of a matter, and how its client got one."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.files.models import FileHandover, FilePack
from matters.matters.models import Matter


class Given(NamedTuple):
    """The last time that the client got the file, and what was in it."""

    handover: FileHandover
    pack: FilePack


async def pack_of(session: AsyncSession, matter: Matter, export_id: UUID) -> FilePack | None:
    """A finished bundle that holds this matter: its own, or the client's whole record."""
    pack = await session.get(FilePack, export_id)
    if pack is None or pack.client_id != matter.client_id:
        return None
    return pack if pack.matter_id in (None, matter.matter_id) else None


async def last_given(session: AsyncSession, matter_id: UUID) -> Given | None:
    found = await session.execute(
        with_pack()
        .where(col(FileHandover.matter_id) == matter_id)
        .order_by(col(FileHandover.given_at).desc(), col(FileHandover.handover_id).desc())
        .limit(1)
    )
    row = found.first()
    return Given(*row) if row else None


def with_pack() -> Select[FileHandover, FilePack]:
    """Rows of (handover, the pack that was given)."""
    its = col(FilePack.export_id) == col(FileHandover.export_id)
    return select(FileHandover, FilePack).join(FilePack, its)
