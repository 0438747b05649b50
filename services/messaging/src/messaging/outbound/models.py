"""What is to leave, is leaving or has left by mail: a row a purpose, its octets fixed for ever."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from messaging.tables import Instant, Row


class State(StrEnum):
    """held → queued → sending → accepted | failed; accepted → bounced. `held`: until the client's
    quiet hours end, or `withdrawn` before they did."""

    HELD = "held"
    WITHDRAWN = "withdrawn"
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    FAILED = "failed"
    BOUNCED = "bounced"


class OutboundMessage(Row, table=True):
    """`purpose` is unique: whatever is asked for twice is one mail. `boxes` are its octets, sealed
    under the key of `owner` (the client, or the firm). `told_as` is the event to tell when the mail
    is accepted, `answers` the client's messages that it answers or acknowledges. While sending,
    `next_attempt_at` is the end of the lease. `held_until` stays when it has left; it waits for no
    later than `leaves_by`. `withheld`: its words open something (a link, a code), so nobody
    is shown them again."""

    __tablename__ = "outbound_messages"
    outbound_id: UUID = Field(primary_key=True)
    purpose: str = Field(unique=True, sa_type=Text)
    message_id_header: str = Field(unique=True, sa_type=Text)
    envelope_from: str = Field(sa_type=Text)
    recipient: str = Field(sa_type=Text)
    automatic: bool
    to_client: bool
    client_id: UUID | None = None
    conversation_id: UUID | None = None
    staff_id: UUID | None = None
    answers: list[UUID] = Field(sa_type=ARRAY(Uuid))
    owner: UUID
    key_version: int
    size: int
    commitment: str = Field(sa_type=Text)
    boxes: list[bytes] = Field(sa_type=ARRAY(LargeBinary))
    told_as_type: str = Field(sa_type=Text)
    told_as: dict[str, Any] = Field(sa_type=JSONB)
    traceparent: str | None = Field(default=None, sa_type=Text)
    tracestate: str | None = Field(default=None, sa_type=Text)
    state: str = Field(default=State.QUEUED, sa_type=Text)
    attempts: int = 0
    next_attempt_at: datetime = Field(sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    accepted_at: datetime | None = Field(default=None, sa_type=Instant)
    reply: str | None = Field(default=None, sa_type=Text)
    held_until: datetime | None = Field(default=None, sa_type=Instant)
    leaves_by: datetime | None = Field(default=None, sa_type=Instant)
    withheld: bool = False


class PostponedEvent(Row, table=True):
    """An event that waits for the directory; its id is derived from it, so it waits once."""

    __tablename__ = "postponed_events"
    postponed_id: UUID = Field(primary_key=True)
    type: str = Field(sa_type=Text)
    event: dict[str, Any] = Field(sa_type=JSONB)
    kept_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
