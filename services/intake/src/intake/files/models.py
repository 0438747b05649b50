"""Files' rows. The octets lie in chunks, each sealed by itself."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from intake.tables import Instant, Row

State = Literal["arriving", "kept", "erased"]


class File(Row, table=True):
    """`name` is sealed. `parts` is how many chunks it has; while it arrives `commitment` is null
    and what its octets are is not known. Of an erased one neither name nor octets are left."""

    __tablename__ = "files"
    file_id: UUID = Field(primary_key=True)
    client_id: UUID
    subject_id: UUID
    state: State = Field(sa_type=Text)
    name: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    size: int
    parts: int
    media_type: str | None = Field(default=None, sa_type=Text)
    commitment: str | None = Field(default=None, sa_type=Text)
    key_version: int
    created_at: datetime = Field(sa_type=Instant)


class FileChunk(Row, table=True):
    __tablename__ = "file_chunks"
    file_id: UUID = Field(primary_key=True, foreign_key="files.file_id")
    number: int = Field(primary_key=True)
    box: bytes = Field(sa_type=LargeBinary)
