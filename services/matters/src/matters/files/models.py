"""Packs, as audit finished them, and that a client was given one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from matters.tables import ClientRow, Instant, Json
from shared.contracts.matters import FileChannel


class FilePack(ClientRow, table=True):
    """A bundle of the record: of one matter, or, without one, of everything about the client.
    `digest` is of its list of files."""

    __tablename__ = "file_packs"
    export_id: UUID = Field(primary_key=True)
    matter_id: UUID | None = None
    entries: int
    digest: str
    exported_at: datetime = Field(sa_type=Instant)


class FileHandover(ClientRow, table=True):
    """`given_to` is the client, or a contact of theirs; the note is sealed."""

    __tablename__ = "file_handovers"
    handover_id: UUID = Field(primary_key=True)
    matter_id: UUID
    export_id: UUID
    given_to: UUID
    channel: FileChannel = Field(sa_type=Text)
    note: dict[str, Any] | None = Field(default=None, sa_type=Json)
    given_by: UUID
    given_at: datetime = Field(sa_type=Instant)
