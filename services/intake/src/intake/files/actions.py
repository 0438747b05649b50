"""Keep files: at once what was made here, part by part what people send."""

import hashlib
import hmac
import os
from base64 import b64encode
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.files import queries, rules
from intake.files.models import File, FileChunk
from intake.files.queries import SEALED_AS
from intake.files.rules import NotAcceptable
from intake.settings import IntakeSettings
from shared import clock, sealing
from shared.contracts import Sealed
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import keys_of, seal, unseal
from shared.sealing import SALT_BYTES

ABANDONED_AFTER = timedelta(days=1)


class FileTooLarge(Refusal):
    """Larger than the firm takes; send it in another way."""

    status = 413


class UploadIncomplete(Refusal):
    """Parts are missing: send them, then complete again."""


class UploadComplete(Refusal):
    """All of it is there already; nothing of it can change."""


async def keep(
    session: AsyncSession,
    *,
    client_id: UUID,
    subject_id: UUID,
    name: str,
    pdf: bytes,
) -> File:
    """What was printed here, in one piece. The client's key must be held."""
    file = _row(session, client_id, subject_id, name, len(pdf))
    key = queries.key_of(session, file)
    file.commitment, boxes = sealing.seal_chunks(key, file.file_id, SEALED_AS, pdf)
    file.parts, file.media_type, file.state = len(boxes), "application/pdf", "kept"
    session.add(file)
    await session.flush()
    rows = [
        {"file_id": file.file_id, "number": number, "box": box} for number, box in enumerate(boxes)
    ]
    await session.execute(insert(FileChunk).values(rows))
    return file


async def begin(
    session: AsyncSession, *, client_id: UUID, subject_id: UUID, name: str, size: int
) -> File:
    """A file that will arrive in parts; nothing counts before `complete`."""
    settings: IntakeSettings = session.info["settings"]
    if size > settings.intake_upload_size:
        most = rules.in_words(settings.intake_upload_size)
        raise FileTooLarge(f"A file may have at most {most}; send it in pieces, or ask us how.")
    file = _row(session, client_id, subject_id, name, size)
    session.add(file)
    await session.flush()
    return file


async def take_part(session: AsyncSession, file: File, number: int, octets: bytes) -> None:
    """The same part again replaces it, until the file is complete."""
    if file.state != "arriving":
        raise UploadComplete("All of this file is there already.")
    try:
        part = rules.part(file.size, number)
    except NotAcceptable as error:
        raise Invalid(f"There is no part {number}: {error}.") from error
    if len(octets) != part.length:
        raise Invalid(f"Part {number} has {part.length} bytes; these are {len(octets)}.")
    if number == 0:
        _media_type(session, file, octets)  # before the rest is sent in vain
    framed = octets if number else os.urandom(SALT_BYTES) + octets
    key = queries.key_of(session, file)
    box = sealing.seal_chunk(key, file.file_id, SEALED_AS, number, part.last, framed)
    added = insert(FileChunk).values(file_id=file.file_id, number=number, box=box)
    await session.execute(
        added.on_conflict_do_update(index_elements=["file_id", "number"], set_={"box": box})
    )


async def complete(session: AsyncSession, file: File) -> File:
    """All parts are there: what it is, and the commitment to it. Idempotent.

    A file that is not taken is refused and its parts go with the next sweep.
    """
    if file.state == "kept":
        return file
    count = await session.execute(
        select(func.count()).select_from(FileChunk).where(col(FileChunk.file_id) == file.file_id)
    )
    missing = file.parts - int(count.scalar_one())
    if missing:
        raise UploadIncomplete(f"{missing} of {file.parts} parts are missing.")
    pieces = queries.opened(session, file)
    committing = hmac.new(await anext(pieces), digestmod=hashlib.sha256)
    beginning = b""
    async for piece in pieces:
        beginning = beginning or piece[: rules.LONGEST_LOOK]
        committing.update(piece)
    file.media_type = _media_type(session, file, beginning)
    file.commitment = b64encode(committing.digest()).decode()
    file.state = "kept"
    return file


async def sweep(session: AsyncSession) -> None:
    """What never became complete goes after a day."""
    await session.execute(
        delete(File).where(
            col(File.state) == "arriving", col(File.created_at) < clock.now() - ABANDONED_AFTER
        )
    )


def _media_type(session: AsyncSession, file: File, beginning: bytes) -> str:
    """Raises Invalid for what is not taken."""
    name = unseal(session, Sealed.model_validate(file.name))
    try:
        return rules.media_type(beginning[: rules.LONGEST_LOOK], name)
    except NotAcceptable as error:
        raise Invalid(f"This file is not taken: {error}.") from error


def _row(session: AsyncSession, client_id: UUID, subject_id: UUID, name: str, size: int) -> File:
    file_id = new_id()
    return File(
        file_id=file_id,
        client_id=client_id,
        subject_id=subject_id,
        state="arriving",
        name=seal(session, client_id, file_id, SEALED_AS, "name", name).model_dump(mode="json"),
        size=size,
        parts=rules.parts_of(size),
        key_version=keys_of(session).key(client_id).version,
        created_at=clock.now(),
    )
