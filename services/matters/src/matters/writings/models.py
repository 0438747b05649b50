"""Messages of clients by their ids; the words are messaging's."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from matters.tables import ClientRow, Instant


class Writing(ClientRow, table=True):
    __tablename__ = "writings"
    message_id: UUID = Field(primary_key=True)
    received_at: datetime = Field(sa_type=Instant)
