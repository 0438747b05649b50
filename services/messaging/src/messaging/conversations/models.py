"""Conversations, their messages, the kept originals, and every delivery of a mail.

Subjects, bodies, file names and originals are sealed here as they are in events. `owner` is whose
key that is: the client's, or the conversation's own for what came from a stranger.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from messaging.tables import Instant, Row

Direction = Literal["inbound", "outbound", "internal"]
Kind = Literal[
    "message", "answer", "question", "acknowledgment", "update", "notice", "note", "call", "report"
]


class Conversation(Row, table=True):
    """`client_id` is None exactly while its one message waits in quarantine."""

    __tablename__ = "conversations"
    conversation_id: UUID = Field(primary_key=True)
    client_id: UUID | None = None
    matter_id: UUID | None = None
    subject: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    begun_at: datetime = Field(sa_type=Instant)


class Message(Row, table=True):
    """One message in either direction, a call or a note. `received_at` is the server's first
    receipt, for what the firm says its writing, for a call when it was held.

    `headers` to `answered_after` are what a later acknowledgment has to know of a mail.
    `settled_at` is when a call or a letter, which nobody delivers, answered this message;
    `corrects` the entry that this one puts right.
    """

    __tablename__ = "messages"
    message_id: UUID = Field(primary_key=True)
    conversation_id: UUID
    client_id: UUID | None = None
    matter_id: UUID | None = None
    direction: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    channel: str = Field(sa_type=Text)
    received_at: datetime = Field(sa_type=Instant)
    urgent: bool = False
    automatic: bool = False
    staff_id: UUID | None = None
    quarantine_reason: str | None = Field(default=None, sa_type=Text)
    filed_at: datetime | None = Field(default=None, sa_type=Instant)
    filed_by: UUID | None = None
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    trace_id: str | None = Field(default=None, sa_type=Text)

    owner: UUID
    subject: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    body: dict[str, Any] | None = Field(default=None, sa_type=JSONB)

    sender_name: str | None = Field(default=None, sa_type=Text)
    sender_address: str | None = Field(default=None, sa_type=Text)
    sender_differs: bool = False
    message_id_header: str | None = Field(default=None, sa_type=Text)
    content_identity: bytes | None = None
    duplicate_id_of: UUID | None = None
    corrects: UUID | None = None
    references: list[str] = Field(default=[], sa_type=ARRAY(Text))
    envelope_from: str | None = Field(default=None, sa_type=Text)
    to_addresses: list[str] = Field(default=[], sa_type=ARRAY(Text))
    headers: list[list[str]] = Field(default=[], sa_type=JSONB)
    authentication: str | None = Field(default=None, sa_type=Text)
    calendar_method: str | None = Field(default=None, sa_type=Text)
    answered_after: float | None = None
    defects: list[str] = Field(default=[], sa_type=ARRAY(Text))

    key_version: int | None = None
    original_size: int | None = None
    original_commitment: str | None = Field(default=None, sa_type=Text)


class OriginalChunk(Row, table=True):
    """A piece of a mail exactly as it arrived, sealed (shared.sealing.seal_chunks)."""

    __tablename__ = "originals"
    message_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    box: bytes


class Attachment(Row, table=True):
    """A view into the original: its part number there, and what it is."""

    __tablename__ = "attachments"
    attachment_id: UUID = Field(primary_key=True)
    message_id: UUID
    part: int
    file_name: dict[str, Any] = Field(sa_type=JSONB)
    media_type: str = Field(sa_type=Text)
    size: int
    commitment: str = Field(sa_type=Text)


class Arrival(Row, table=True):
    """One delivery of a mail to us: the same mail twice, or to two addresses, is one message."""

    __tablename__ = "arrivals"
    arrival_id: UUID = Field(primary_key=True)
    message_id: UUID
    peer: str = Field(sa_type=Text)
    helo: str = Field(sa_type=Text)
    envelope_from: str = Field(sa_type=Text)
    recipients: list[str] = Field(sa_type=ARRAY(Text))
    arrived_at: datetime = Field(sa_type=Instant)


class FilingDue(Row, table=True):
    """A stranger's mail that is a client's: filed as soon as its keys are held."""

    __tablename__ = "filings_due"
    message_id: UUID = Field(primary_key=True)
    client_id: UUID
