"""Estimates by version, what was committed to others, and which thresholds were crossed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.tables import Instant, Row


class MatterEstimate(Row, table=True):
    """One of a matter: its newest version, and the one that the client agreed to last. Whoever
    changes what a matter costs holds this row's lock, so that a threshold is crossed once."""

    __tablename__ = "estimates"
    estimate_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID
    version: int
    agreed_version: int | None = None


class EstimateVersion(Row, table=True):
    """`document` is a sealed Estimate: phases, tasks and assumptions have words of the matter."""

    __tablename__ = "estimate_versions"
    estimate_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    currency: str
    fees_low: int
    fees_likely: int
    fees_high: int
    costs_low: int
    costs_likely: int
    costs_high: int
    document: dict[str, Any] = Field(sa_type=JSONB)
    reason: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    issued_by: UUID
    issued_at: datetime = Field(sa_type=Instant)
    agreed_by: UUID | None = None
    agreed_at: datetime | None = Field(default=None, sa_type=Instant)


class EstimateLine(Row, table=True):
    """The likely amounts of a task, in the clear: a code is no narrative."""

    __tablename__ = "estimate_lines"
    estimate_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    phase: str = Field(primary_key=True)
    task: str = Field(primary_key=True)
    fees_likely: int
    costs_likely: int


class Commitment(Row, table=True):
    """Promised to somebody else for the client (an expert engaged), until it is laid out."""

    __tablename__ = "commitments"
    commitment_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID
    currency: str
    amount: int
    words: dict[str, Any] = Field(sa_type=JSONB)
    made_by: UUID
    made_at: datetime = Field(sa_type=Instant)
    released_at: datetime | None = Field(default=None, sa_type=Instant)


class ThresholdCrossing(Row, table=True):
    """Once for each version, measure and percentage; not `told` where the client knew: it was so
    when the version was put to them, or a higher one was crossed at once."""

    __tablename__ = "threshold_crossings"
    estimate_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    measure: str = Field(primary_key=True)
    percent: int = Field(primary_key=True)
    reached: int
    estimated: int
    told: bool
    crossed_at: datetime = Field(sa_type=Instant)
