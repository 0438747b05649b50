"""Runs and what became of each matter in them."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from billing.tables import Instant, Row


class BillingRun(Row, table=True):
    __tablename__ = "billing_runs"
    run_id: UUID = Field(primary_key=True)
    until: date
    started_by: UUID
    started_at: datetime = Field(sa_type=Instant)


class RunMatter(Row, table=True):
    """pending → drafted, nothing (somebody was faster), or failed with a code in `detail`."""

    __tablename__ = "billing_run_matters"
    run_id: UUID = Field(primary_key=True)
    matter_id: UUID = Field(primary_key=True)
    client_id: UUID
    state: str = "pending"
    invoice_id: UUID | None = None
    detail: str | None = None
    done_at: datetime | None = Field(default=None, sa_type=Instant)
