"""Contacts of clients with their authority. One whose authority ended stays on file."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from matters.tables import ClientRow, Instant

Authority = Literal["decide", "inform"]


class Representative(ClientRow, table=True):
    __tablename__ = "representatives"
    representative_id: UUID = Field(primary_key=True)
    revision: int = 1
    name: str
    email: str
    phone: str | None = None
    authority: Authority = Field(sa_type=Text)
    added_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
