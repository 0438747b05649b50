"""Firm, staff, clients, matters and points of contact as messaging last heard of them."""

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from messaging.tables import Instant, Row
from shared.contracts.matters import EmergencyContact


class Firm(Row, table=True):
    __tablename__ = "firms"
    firm_id: UUID = Field(primary_key=True)
    name: str
    time_zone: str
    addresses: list[str] = Field(sa_type=ARRAY(Text))
    emergency_contact: dict[str, str] = Field(sa_type=JSONB)
    revision: int

    @property
    def emergency(self) -> EmergencyContact:
        return EmergencyContact.model_validate(self.emergency_contact)


class Staff(Row, table=True):
    __tablename__ = "staff"
    staff_id: UUID = Field(primary_key=True)
    name: str
    email: str
    role: str
    supervisor_id: UUID | None = None
    stand_in_id: UUID | None = None
    managing_partner: bool = False
    active: bool = True


class Client(Row, table=True):
    __tablename__ = "clients"
    client_id: UUID = Field(primary_key=True)
    name: str
    email: str
    time_zone: str


class MergedClient(Row, table=True):
    """An entry that turned out to be a client known already; `client_id` stays."""

    __tablename__ = "merged_clients"
    merged_id: UUID = Field(primary_key=True)
    client_id: UUID


class Preferences(Row, table=True):
    """How a client wants to hear; `wishes` are purpose → channel or format. Of their words about
    accessibility only `reading`, what they ask of a mail, is kept."""

    __tablename__ = "preferences"
    client_id: UUID = Field(primary_key=True)
    revision: int
    wishes: dict[str, str] = Field(sa_type=JSONB)
    quiet_from: time | None = None
    quiet_until: time | None = None
    language: str
    reading: str = Field(sa_type=Text)


class Matter(Row, table=True):
    __tablename__ = "matters"
    matter_id: UUID = Field(primary_key=True)
    client_id: UUID
    number: str
    title: str
    opened_at: datetime = Field(sa_type=Instant)


class JointClient(Row, table=True):
    """A client who is represented jointly with the matter's own; `gone` once they left it."""

    __tablename__ = "joint_clients"
    membership_id: UUID = Field(primary_key=True)
    matter_id: UUID
    client_id: UUID
    gone: bool = False


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


class Absence(Row, table=True):
    """Who is away when, and who acts for them."""

    __tablename__ = "absences"
    absence_id: UUID = Field(primary_key=True)
    revision: int
    staff_id: UUID
    stand_in_id: UUID
    from_at: datetime = Field(sa_type=Instant)
    until_at: datetime = Field(sa_type=Instant)
    cancelled: bool = False


class PointOfContact(Row, table=True):
    """From `from_at` until the next one of the same client and matter."""

    __tablename__ = "points_of_contact"
    assignment_id: UUID = Field(primary_key=True)
    client_id: UUID
    matter_id: UUID | None = None
    staff_id: UUID
    stand_in_id: UUID | None = None
    from_at: datetime = Field(sa_type=Instant)
