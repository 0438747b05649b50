"""What is owed to clients, as the clocks told it: an acknowledgment each message, and answers."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from messaging.tables import Instant, Row


class State(StrEnum):
    """`waiting` for its group's end; `written`: a mail was made; `manual`: a person has the task;
    `answered`: a person wrote first."""

    WAITING = "waiting"
    WRITTEN = "written"
    MANUAL = "manual"
    ANSWERED = "answered"


class Acknowledgment(Row, table=True):
    """One acknowledgment clock. `due` is its newest AcknowledgmentDue, `outbound_id` the mail that
    acknowledges it, which may cover others too."""

    __tablename__ = "acknowledgments"
    clock_id: UUID = Field(primary_key=True)
    message_id: UUID
    conversation_id: UUID
    revision: int
    due: dict[str, Any] = Field(sa_type=JSONB)
    state: str = Field(sa_type=Text)
    wording: str = Field(sa_type=Text)
    rule: str | None = Field(default=None, sa_type=Text)
    compose_at: datetime = Field(sa_type=Instant)
    outbound_id: UUID | None = None


class ResponsePromise(Row, table=True):
    """What a response clock promises now; `due` is its newest ResponseDue."""

    __tablename__ = "response_promises"
    clock_id: UUID = Field(primary_key=True)
    conversation_id: UUID
    revision: int
    target_at: datetime = Field(sa_type=Instant)
    limit_at: datetime = Field(sa_type=Instant)
    due: dict[str, Any] = Field(sa_type=JSONB)
