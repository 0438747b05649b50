"""One row a fact: what reached a client, when, by whom and how. `words` are sealed."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from matters.tables import ClientRow, Instant, Json

Kind = Literal["answer", "question", "acknowledgment", "notice", "call", "meeting"]


class Telling(ClientRow, table=True):
    """`telling_id` is the message's own. Without `staff_id` a machine of the firm said it; `counts`
    as in `rules.counts`. One that came back (`returned_at`) was not told after all."""

    __tablename__ = "tellings"
    telling_id: UUID = Field(primary_key=True)
    matter_id: UUID
    kind: Kind = Field(sa_type=Text)
    channel: str
    told_at: datetime = Field(sa_type=Instant)
    staff_id: UUID | None = None
    counts: bool
    words: dict[str, Any] | None = Field(default=None, sa_type=Json)
    returned_at: datetime | None = Field(default=None, sa_type=Instant)
