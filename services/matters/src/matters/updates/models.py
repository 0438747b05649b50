"""Updates from draft to delivery, and clients' own questions how it stands. Words are sealed."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from matters.tables import ClientRow, Instant, Json
from shared.contracts.matters import UpdateAbout

State = Literal["draft", "approved", "released", "sent", "failed", "cancelled"]
Format = Literal["written", "call", "meeting"]


class ProgressUpdate(ClientRow, table=True):
    """draft → approved (can be taken back until `releases_at`) → released to messaging → sent or
    failed. One that is spoken goes from draft to sent, and its `note` says what was told in person.
    `source_id` is what it tells of, a deadline once in each revision. Updates of one `draft_id` are
    the same words for each of joint clients, each as they want to hear it."""

    __tablename__ = "progress_updates"
    update_id: UUID = Field(primary_key=True)
    matter_id: UUID
    about: UpdateAbout = Field(sa_type=Text)
    format: Format = Field(sa_type=Text)
    state: State = Field(default="draft", sa_type=Text)
    revision: int = 1
    source_id: UUID | None = None
    source_revision: int = 1
    draft_id: UUID | None = None
    subject: dict[str, Any] = Field(sa_type=Json)
    body: dict[str, Any] = Field(sa_type=Json)
    report: dict[str, Any] | None = Field(default=None, sa_type=Json)
    drafted_at: datetime = Field(sa_type=Instant)
    drafted_by: UUID | None = None
    approved_by: UUID | None = None
    approved_at: datetime | None = Field(default=None, sa_type=Instant)
    releases_at: datetime | None = Field(default=None, sa_type=Instant)
    channel: str | None = None
    note: dict[str, Any] | None = Field(default=None, sa_type=Json)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)


class UpdateRequest(ClientRow, table=True):
    __tablename__ = "update_requests"
    request_id: UUID = Field(primary_key=True)
    matter_id: UUID
    requested_at: datetime = Field(sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
