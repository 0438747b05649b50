"""The clients of matters. The database enters the matter's own client with the matter itself."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from matters.tables import ClientRow, Instant


class MatterClient(ClientRow, table=True):
    """`membership_id` is the matter's own id for its own client, who never leaves."""

    __tablename__ = "matter_clients"
    matter_id: UUID = Field(primary_key=True)
    client_id: UUID = Field(primary_key=True)
    membership_id: UUID
    joined_at: datetime = Field(sa_type=Instant)
    left_at: datetime | None = Field(default=None, sa_type=Instant)
