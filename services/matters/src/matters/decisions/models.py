"""Decisions and questions about them. `content` (question, recommendation, and each option with its
consequences) is sealed field by field."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlmodel import Field

from matters.tables import ClientRow, Instant, Json
from shared.contracts.matters import DecisionKind

State = Literal["requested", "recorded", "withdrawn"]
Channel = Literal["portal", "email", "letter", "phone", "in_person", "video"]


class Decision(ClientRow, table=True):
    """`decided_by` is the client, or the representative of theirs who decided. Joint clients have
    one each, of the same `joint_decision_id`."""

    __tablename__ = "decisions"
    decision_id: UUID = Field(primary_key=True)
    joint_decision_id: UUID | None = None
    matter_id: UUID
    kind: DecisionKind = Field(sa_type=Text)
    state: State = Field(default="requested", sa_type=Text)
    content: dict[str, Any] = Field(sa_type=Json)
    option_keys: list[str] = Field(sa_type=ARRAY(Text))
    in_writing: bool
    reply_by: datetime = Field(sa_type=Instant)
    requested_by: UUID
    requested_at: datetime = Field(sa_type=Instant)
    chosen: str | None = None
    decided_by: UUID | None = None
    channel: Channel | None = Field(default=None, sa_type=Text)
    written: bool | None = None
    writing_id: UUID | None = None
    comment: dict[str, Any] | None = Field(default=None, sa_type=Json)
    recorded_by: UUID | None = None
    recorded_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)


class DecisionQuestion(ClientRow, table=True):
    """Without a decision it is about the strategy."""

    __tablename__ = "decision_questions"
    question_id: UUID = Field(primary_key=True)
    decision_id: UUID | None = None
    matter_id: UUID
    question: dict[str, Any] = Field(sa_type=Json)
    asked_at: datetime = Field(sa_type=Instant)
    answer: dict[str, Any] | None = Field(default=None, sa_type=Json)
    answered_by: UUID | None = None
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
