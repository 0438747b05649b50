"""Firm, staff, clients, matters and points of contact as billing last heard of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid
from sqlmodel import Field

from billing.tables import Instant, Row


class Firm(Row, table=True):
    __tablename__ = "firms"
    firm_id: UUID = Field(primary_key=True)
    name: str
    time_zone: str
    addresses: list[str] = Field(sa_type=ARRAY(Text))
    revision: int


class Timekeeper(Row, table=True):
    """A member of staff, whose time may be billed."""

    __tablename__ = "staff"
    staff_id: UUID = Field(primary_key=True)
    name: str
    email: str
    role: str
    supervisor_id: UUID | None = None
    stand_in_id: UUID | None = None
    active: bool = True


class BilledClient(Row, table=True):
    __tablename__ = "clients"
    client_id: UUID = Field(primary_key=True)
    name: str
    email: str
    time_zone: str


class MergedClient(Row, table=True):
    """An entry that turned out to be that of `client_id`, who is merged into nobody."""

    __tablename__ = "merged_clients"
    merged_id: UUID = Field(primary_key=True)
    client_id: UUID


class BilledMatter(Row, table=True):
    __tablename__ = "matters"
    matter_id: UUID = Field(primary_key=True)
    client_id: UUID
    number: str
    title: str
    practice_area: str
    opened_at: datetime = Field(sa_type=Instant)


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


class JointClient(Row, table=True):
    """A client who is represented jointly with the matter's own; `gone` once they left it."""

    __tablename__ = "joint_clients"
    membership_id: UUID = Field(primary_key=True)
    matter_id: UUID
    client_id: UUID
    gone: bool = False


class MatterClosing(Row, table=True):
    """That a matter was closed, whatever was heard of it before."""

    __tablename__ = "matter_closings"
    matter_id: UUID = Field(primary_key=True)
    client_id: UUID
    closed_at: datetime = Field(sa_type=Instant)


class ContactAssignment(Row, table=True):
    """From `from_at` until the next one of the same client and matter."""

    __tablename__ = "contact_assignments"
    assignment_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID | None = None
    staff_id: UUID
    stand_in_id: UUID | None = None
    from_at: datetime = Field(sa_type=Instant)
