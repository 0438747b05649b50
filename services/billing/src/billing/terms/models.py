"""Agreements on fees, their versions as they were disclosed, and what was accepted."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from billing.tables import Instant, Row


class FeeAgreement(Row, table=True):
    """Of one matter, or, without one, standing for a client's later matters. `version` is the
    newest that was disclosed."""

    __tablename__ = "fee_agreements"
    terms_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID | None = None
    version: int


class FeeTerms(Row, table=True):
    """A version, never changed. `document` is sealed Terms, `text` the sealed words of the PDF,
    `changes` those that say what is new against the version before."""

    __tablename__ = "fee_terms"
    terms_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    kinds: list[str] = Field(sa_type=ARRAY(Text))
    currency: str
    practice_areas: list[str] = Field(sa_type=ARRAY(Text))
    document: dict[str, Any] = Field(sa_type=JSONB)
    text: dict[str, Any] = Field(sa_type=JSONB)
    changes: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    content_id: UUID
    commitment: str
    disclosed_by: UUID
    disclosed_at: datetime = Field(sa_type=Instant)


class FeeAcceptance(Row, table=True):
    __tablename__ = "fee_acceptances"
    terms_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    method: str
    accepted_by: UUID
    accepted_at: datetime = Field(sa_type=Instant)
    evidence: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
