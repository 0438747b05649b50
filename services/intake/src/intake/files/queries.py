"""Files as they were kept."""

import hmac
from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.files.models import File, FileChunk
from shared import sealing
from shared.contracts import ContentRef
from shared.errors import NotFound
from shared.keyring import keys_of
from shared.sealing import SALT_BYTES, DataKey, SealBroken

SEALED_AS = "file"


async def file(session: AsyncSession, file_id: UUID) -> File:
    found = await session.get(File, file_id)
    if found is None:
        raise NotFound("There is nothing here that you may see.")
    return found


async def locked(session: AsyncSession, file_id: UUID) -> File:
    """Nobody changes a part while another completes the file."""
    return await session.get_one(File, file_id, with_for_update=True, populate_existing=True)


async def kept(session: AsyncSession, file_id: UUID) -> File | None:
    """The file, once all of it is there."""
    found = await session.get(File, file_id)
    return found if found is not None and found.state == "kept" else None


def reference(file: File) -> ContentRef:
    assert file.commitment is not None, "only what is kept is committed to"
    return ContentRef(content_id=file.file_id, size=file.size, commitment=file.commitment)


def key_of(session: AsyncSession, file: File) -> DataKey:
    return keys_of(session).key(file.client_id, file.key_version)


async def opened(session: AsyncSession, file: File) -> AsyncIterator[bytes]:
    """Its octets without ever holding more than a part of them; the first piece is the salt. The
    client's key must be held."""
    key = key_of(session, file)
    yield (await part(session, key, file, 0))[:SALT_BYTES]
    for number in range(file.parts):
        piece = await part(session, key, file, number)
        yield piece if number else piece[SALT_BYTES:]


async def part(session: AsyncSession, key: DataKey, file: File, number: int) -> bytes:
    """One part of it; before the first stands the salt."""
    found = await session.execute(
        select(col(FileChunk.box)).where(
            col(FileChunk.file_id) == file.file_id, col(FileChunk.number) == number
        )
    )
    last = number == file.parts - 1
    return sealing.unseal_chunk(key, file.file_id, SEALED_AS, number, last, found.scalar_one())


async def content(session: AsyncSession, file: File) -> bytes:
    """All of a file that was made here and fits into memory; SealBroken if it is not what was
    committed to, NotFound if it was erased."""
    if file.state != "kept":
        raise NotFound("There is nothing here that you may see.")
    pieces = [piece async for piece in opened(session, file)]
    whole = b"".join(pieces[1:])
    if not hmac.compare_digest(sealing.commitment(pieces[0], whole), file.commitment or ""):
        raise SealBroken(f"commitment of {file.file_id}")
    return whole
