"""Closing statements by version, never changed."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.tables import Instant, Row


class ClosingStatement(Row, table=True):
    """`expenses` are all of the matter's, `deducted` those that the client has not had a bill for;
    `to_client` = recovered − fee − deducted − others. `outcome` and `text` are sealed, `entry_id`
    is the fee that it made billable."""

    __tablename__ = "closing_statements"
    statement_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID
    version: int
    terms_id: UUID
    terms_version: int
    entry_id: UUID | None = None
    stage: str | None = None
    currency: str
    recovered: int
    base: int
    percent: Decimal = Field(sa_type=Numeric)
    fee: int
    expenses: int
    deducted: int
    others: int
    to_client: int
    outcome: dict[str, Any] = Field(sa_type=JSONB)
    text: dict[str, Any] = Field(sa_type=JSONB)
    content_id: UUID
    commitment: str
    issued_by: UUID
    issued_at: datetime = Field(sa_type=Instant)
