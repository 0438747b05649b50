"""Agreements' rows, and who must sign them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from intake.names.rules import Kind
from intake.tables import Instant, Row

State = Literal[
    "draft", "proposed", "accepted", "countersigned", "signed", "declined", "expired", "replaced",
    "ended",
]  # fmt: skip
Method = Literal["electronic", "paper"]


class Engagement(Row, table=True):
    """draft → proposed → accepted (everybody signed) → countersigned → signed (sealed, in force).

    `terms` are sealed. `document_id` is the PDF that they read, `sealed_id` the one in force.
    """

    __tablename__ = "engagements"
    engagement_id: UUID = Field(primary_key=True)
    consultation_id: UUID
    client_id: UUID
    revision: int = 1
    agreement_version: int = 0
    amends: UUID | None = None
    state: State = Field(default="draft", sa_type=Text)
    practice_area: str
    terms: dict[str, Any] = Field(sa_type=JSONB)
    fee_terms: dict[str, Any] = Field(sa_type=JSONB)
    template: str
    template_version: int
    point_of_contact_id: UUID
    team: list[UUID] = Field(sa_type=ARRAY(Uuid))
    calendar_id: UUID | None = None
    matter_id: UUID
    drafted_by: UUID
    drafted_at: datetime = Field(sa_type=Instant)
    document_id: UUID | None = None
    document_sha256: bytes | None = Field(default=None, sa_type=LargeBinary)
    approved_by: UUID | None = None
    proposed_at: datetime | None = Field(default=None, sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    countersigned_by: UUID | None = None
    countersigned_name: str | None = None
    countersigned_at: datetime | None = Field(default=None, sa_type=Instant)
    sealed_id: UUID | None = None
    signed_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class Signer(Row, table=True):
    """`evidence` is sealed: from where, with what, which words were accepted. `client_id`: of the
    joint client whom this signature makes, from the draft on, whatever is tried again."""

    __tablename__ = "signers"
    signer_id: UUID = Field(primary_key=True)
    engagement_id: UUID
    position: int
    name: str
    email: str
    capacity: str | None = None
    client_id: UUID | None = None
    kind: Kind = Field(default="person", sa_type=Text)
    phone: str | None = None
    signs_for: str | None = None
    signed_at: datetime | None = Field(default=None, sa_type=Instant)
    method: Method | None = Field(default=None, sa_type=Text)
    evidence: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
