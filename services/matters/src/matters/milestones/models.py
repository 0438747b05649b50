"""Plans that the firm made, and what happened in matters."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from matters.tables import ClientRow, Instant, Json, Row

Kind = Literal["milestone", "development", "deadline"]


class PlanVersion(Row, table=True):
    """A version of a practice area's plan, never changed. Version 1 is built in and has no row."""

    __tablename__ = "milestone_plans"
    area: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_type=Json)
    published_at: datetime = Field(sa_type=Instant)
    published_by: UUID


class Happening(ClientRow, table=True):
    """`at` is when it was reached, happened or is due; `words`, sealed, are a note, the summary or
    the title. Told when `told_revision` is the revision. A deadline can be met, once."""

    __tablename__ = "happenings"
    happening_id: UUID = Field(primary_key=True)
    matter_id: UUID
    kind: Kind = Field(sa_type=Text)
    revision: int = 1
    plan: str | None = None
    plan_version: int | None = None
    slug: str | None = None
    at: datetime = Field(sa_type=Instant)
    words: dict[str, Any] | None = Field(default=None, sa_type=Json)
    significant: bool = True
    marked_by: UUID
    marked_at: datetime = Field(sa_type=Instant)
    tells_at: datetime = Field(sa_type=Instant)
    told_revision: int = 0
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    reverted_at: datetime | None = Field(default=None, sa_type=Instant)
    met_at: datetime | None = Field(default=None, sa_type=Instant)
