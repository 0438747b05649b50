"""Assignments of points of contact: periods that meet without a gap and never overlap."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Computed
from sqlmodel import Field

from matters.tables import Instant, Row


class PointOfContact(Row, table=True):
    """The one contact of the matter, or, without one, of the client, from `from_at` (inclusive) to
    `until_at` (exclusive; None is for ever). `subject_id` is the matter's id or the client's."""

    __tablename__ = "points_of_contact"
    assignment_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID | None = None
    subject_id: UUID | None = Field(
        default=None, sa_column_args=[Computed("COALESCE(matter_id, client_id)", persisted=True)]
    )
    staff_id: UUID
    stand_in_id: UUID | None = None
    from_at: datetime = Field(sa_type=Instant)
    until_at: datetime | None = Field(default=None, sa_type=Instant)
    assigned_by: UUID
