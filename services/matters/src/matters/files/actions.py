"""Keep which packs there are, and hand one over. Audit makes them for a person, with that person's
own token (ADR-0014); here is said that the client got it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

import matters.joint_clients.queries as joint_clients
import matters.representatives.queries as representatives
from matters.files import queries
from matters.files.models import FileHandover, FilePack
from matters.files.queries import Given
from matters.matters.models import Matter
from shared import clock
from shared.contracts.audit import RecordExported
from shared.contracts.matters import FileChannel, FileHandedOver
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class NoSuchPack(Refusal):
    """There is no finished bundle of this matter with that id: ask for one first
    (`POST /v1/record/exports`), and name it when it is ready."""

    status = 422


async def note_pack(session: AsyncSession, event: RecordExported) -> None:
    row = event.model_dump(include=set(FilePack.model_fields))
    await session.execute(insert(FilePack).values(row).on_conflict_do_nothing())


async def give(
    session: AsyncSession,
    matter: Matter,
    *,
    export_id: UUID,
    channel: FileChannel,
    given_at: datetime | None,
    client_id: UUID | None,
    representative_id: UUID | None,
    note: str,
    by: UUID,
) -> Given:
    """The client has it now, or has had it since `given_at`; also after closing. Raises NoSuchPack.
    The client's key must be held."""
    pack = await queries.pack_of(session, matter, export_id)
    if pack is None:
        raise NoSuchPack(
            "There is no finished bundle of this matter with that id: ask for one first"
            " (POST /v1/record/exports), and name it when it is ready."
        )
    now = await clock.database_now(session)
    if not pack.exported_at <= (given_at or now) <= now:
        raise Invalid("A pack is given after it was made, and not in the future.")
    given_to = await _recipient(session, matter, client_id, representative_id)
    handover_id = new_id()
    content = matter.client_id, handover_id, "file", "note", note
    told = FileHandedOver(
        handover_id=handover_id,
        matter_id=matter.matter_id,
        given_to=given_to,
        channel=channel,
        note=seal(session, *content) if note else None,
        given_by=by,
        given_at=given_at or now,
        **pack.model_dump(include={"client_id", "export_id", "entries", "digest"}),
    )
    row = told.model_dump(include=set(FileHandover.model_fields) - {"note"})
    kept = told.note.model_dump(mode="json") if told.note else None
    handover = FileHandover(note=kept, **row)
    session.add(handover)
    emit(session, told)
    return Given(handover, pack)


async def _recipient(
    session: AsyncSession, matter: Matter, client_id: UUID | None, representative_id: UUID | None
) -> UUID:
    client_id = client_id or matter.client_id
    if not await joint_clients.is_client_of(session, client_id, matter.matter_id):
        raise Invalid("They are no client of this matter.")
    if representative_id is None:
        return client_id
    if await representatives.standing(session, representative_id, client_id) is None:
        raise Invalid("Nobody with that id speaks for the client.")
    return representative_id
