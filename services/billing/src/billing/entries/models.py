"""Entries of time, expenses and fixed fees, and timers that run."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.tables import Instant, Row


class Entry(Row, table=True):
    """The newest version; the database keeps each earlier one in `entry_versions` by itself.

    `amount` is what the entry would cost even while it is a draft, where a rate is known, so that a
    client can accept exactly it. `narrative` and `reason` are sealed under the client's key.
    """

    __tablename__ = "entries"
    entry_id: UUID = Field(primary_key=True)
    kind: str
    client_id: UUID
    matter_id: UUID
    staff_id: UUID
    version: int = 1
    state: str
    missing: list[str] = Field(sa_type=ARRAY(Text))
    worked_on: date
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    minutes: int | None = None
    billed_minutes: int | None = None
    currency: str | None = None
    rate: int | None = None
    amount: int | None = None
    task_code: str | None = None
    activity_code: str | None = None
    expense_code: str | None = None
    phase: str | None = None
    terms_id: UUID | None = None
    terms_version: int | None = None
    narrative: dict[str, Any] = Field(sa_type=JSONB)
    narrative_digest: bytes
    flags: list[str] = Field(sa_type=ARRAY(Text))
    emergency: bool = False
    beyond_agreed: bool = False
    overridden: bool = False
    receipt: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    invoice_id: UUID | None = None
    cause: str
    reason: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    changed_by: UUID
    recorded_at: datetime = Field(sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)


class EntryVersion(Row, table=True):
    """An entry as it was; written by the database with each version."""

    __tablename__ = "entry_versions"
    entry_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    entry: dict[str, Any] = Field(sa_type=JSONB)


class Timer(Row, table=True):
    """One runs a member of staff at a time."""

    __tablename__ = "timers"
    timer_id: UUID = Field(primary_key=True)
    staff_id: UUID
    client_id: UUID
    matter_id: UUID
    started_at: datetime = Field(sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
