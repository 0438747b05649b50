"""Firm, staff, clients, points of contact and walls as intake last heard of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid
from sqlmodel import Field

from intake.tables import Instant, Row


class Firm(Row, table=True):
    __tablename__ = "firms"
    firm_id: UUID = Field(primary_key=True)
    name: str
    time_zone: str
    calendar_id: UUID | None = None
    revision: int


class Staff(Row, table=True):
    __tablename__ = "staff"
    staff_id: UUID = Field(primary_key=True)
    name: str
    email: str
    role: str
    managing_partner: bool = False
    active: bool = True


class Client(Row, table=True):
    __tablename__ = "clients"
    client_id: UUID = Field(primary_key=True)
    name: str
    email: str
    phone: str | None = None
    time_zone: str


class MergedClient(Row, table=True):
    """An entry that turned out to be that of `client_id`, who is merged into nobody."""

    __tablename__ = "merged_clients"
    merged_id: UUID = Field(primary_key=True)
    client_id: UUID


class Wall(Row, table=True):
    """Around the matter, or, without one, around the client. `kind` and `staff_ids` are None where
    its lowering was heard first: then it never stood."""

    __tablename__ = "walls"
    wall_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID | None = None
    kind: str | None = None
    staff_ids: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))
    lowered: bool = False


class PointOfContact(Row, table=True):
    """From `from_at` until the next one of the same client and matter."""

    __tablename__ = "points_of_contact"
    assignment_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID | None = None
    staff_id: UUID
    from_at: datetime = Field(sa_type=Instant)
