"""Consents, disclosures, and who of the firm has read. Scope, recipient and grounds are sealed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from matters.tables import ClientRow, Instant, Json, Row
from shared.contracts.matters import DisclosureBasis


class Consent(ClientRow, table=True):
    """Without a matter it is about all of the client's. `purpose` is what it is for: a disclosure
    with another purpose is not covered. `lapsed_at` is when its expiry was obeyed."""

    __tablename__ = "consents"
    consent_id: UUID = Field(primary_key=True)
    matter_id: UUID | None = None
    purpose: str
    recipient: dict[str, Any] = Field(sa_type=Json)
    scope: dict[str, Any] = Field(sa_type=Json)
    given_by: UUID
    granted_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    lapsed_at: datetime | None = Field(default=None, sa_type=Instant)


class Disclosure(ClientRow, table=True):
    """`document` is the court order itself, sealed, where that is the basis."""

    __tablename__ = "disclosures"
    disclosure_id: UUID = Field(primary_key=True)
    matter_id: UUID | None = None
    basis: DisclosureBasis = Field(sa_type=Text)
    purpose: str
    consent_id: UUID | None = None
    recipient: dict[str, Any] = Field(sa_type=Json)
    content: dict[str, Any] = Field(sa_type=Json)
    grounds: dict[str, Any] = Field(sa_type=Json)
    document: dict[str, Any] | None = Field(default=None, sa_type=Json)
    made_by: UUID
    made_at: datetime = Field(sa_type=Instant)


class FileView(Row, table=True):
    """That somebody read a client's data, in one window of ten minutes, as a service told it."""

    __tablename__ = "file_views"
    client_id: UUID = Field(primary_key=True)
    caller_id: UUID = Field(primary_key=True)
    purpose: str = Field(primary_key=True)
    first_at: datetime = Field(primary_key=True, sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant)
    role: str
    count: int
