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
from shared.keyring import keys_of
from shared.sealing import SALT_BYTES, DataKey, SealBroken

SEALED_AS = "file"


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
    for number in range(file.parts):
        found = await session.execute(
            select(col(FileChunk.box)).where(
                col(FileChunk.file_id) == file.file_id, col(FileChunk.number) == number
            )
        )
        last = number == file.parts - 1
        piece = sealing.unseal_chunk(key, file.file_id, SEALED_AS, number, last, found.scalar_one())
        if number == 0:
            yield piece[:SALT_BYTES]
            piece = piece[SALT_BYTES:]
        yield piece


async def content(session: AsyncSession, file: File) -> bytes:
    """All of a file that was made here and fits into memory; SealBroken if it is not what was
    committed to."""
    pieces = [piece async for piece in opened(session, file)]
    whole = b"".join(pieces[1:])
    if not hmac.compare_digest(sealing.commitment(pieces[0], whole), file.commitment or ""):
        raise SealBroken(f"commitment of {file.file_id}")
    return whole
