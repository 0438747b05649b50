"""The directory's rows."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from matters.tables import Instant, Row


class StaffMember(Row, table=True):
    __tablename__ = "staff"
    staff_id: UUID = Field(primary_key=True)
    revision: int = 1
    name: str
    email: str
    phone: str | None = None
    role: str
    supervisor_id: UUID | None = None
    stand_in_id: UUID | None = None
    managing_partner: bool = False
    active: bool = True
    registered_at: datetime = Field(sa_type=Instant)
