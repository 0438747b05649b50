"""Disclosed fee terms' rows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from intake.tables import Instant, Row
from shared.contracts.billing import FeeKind


class DisclosedFees(Row, table=True):
    """A version, as it was told. `words` are sealed: those of the document that `commitment`
    binds. Without `matter_id` they stand for every matter to come."""

    __tablename__ = "disclosed_fees"
    terms_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID | None = None
    kinds: list[FeeKind] = Field(sa_type=ARRAY(Text))
    commitment: str
    words: dict[str, Any] = Field(sa_type=JSONB)
    disclosed_at: datetime = Field(sa_type=Instant)
