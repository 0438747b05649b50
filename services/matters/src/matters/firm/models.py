"""The firm's one row."""

from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from matters.tables import Row


class Firm(Row, table=True):
    """`revision` counts what was written; 0 is a row that nobody has filled yet."""

    __tablename__ = "firms"
    firm_id: UUID = Field(primary_key=True)
    revision: int = 0
    name: str = ""
    time_zone: str = "UTC"
    calendar_id: UUID | None = None
    addresses: list[str] = Field(default=[], sa_type=ARRAY(Text))
    emergency: dict[str, str] = Field(default={}, sa_type=JSONB)
