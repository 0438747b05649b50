"""Documents, sealed in chunks under the key of the client whom they concern."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary
from sqlmodel import Field

from billing.tables import Instant, Row


class KeptDocument(Row, table=True):
    __tablename__ = "documents"
    content_id: UUID = Field(primary_key=True)
    owner: UUID
    key_version: int
    kind: str
    media_type: str
    size: int
    commitment: str
    boxes: list[bytes] = Field(sa_type=ARRAY(LargeBinary))
    kept_at: datetime = Field(sa_type=Instant)
