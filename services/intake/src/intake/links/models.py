"""Links' rows. Of what opens anything only digests are kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, Text
from sqlmodel import Field

from intake.tables import Instant, Row
from shared.contracts.intake import LinkPurpose


class Link(Row, table=True):
    """`subject_id` is what it leads to: a signer, a request for information, a letter."""

    __tablename__ = "links"
    link_id: UUID = Field(primary_key=True)
    token_digest: bytes = Field(sa_type=LargeBinary)
    purpose: LinkPurpose = Field(sa_type=Text)
    subject_id: UUID
    file_id: UUID | None = None
    client_id: UUID
    name: str
    email: str
    issued_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class LinkCode(Row, table=True):
    """`tries` counts wrong entries; a code that opened a session opens no other."""

    __tablename__ = "link_codes"
    code_id: UUID = Field(primary_key=True)
    link_id: UUID
    code_digest: bytes = Field(sa_type=LargeBinary)
    issued_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    tries: int = 0
    used_at: datetime | None = Field(default=None, sa_type=Instant)


class LinkSession(Row, table=True):
    __tablename__ = "link_sessions"
    session_digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    link_id: UUID
    code_id: UUID
    expires_at: datetime = Field(sa_type=Instant)
