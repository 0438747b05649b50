"""The teams' rows."""

from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from matters.tables import Row
from shared.contracts.matters import Duty


class Member(Row, table=True):
    __tablename__ = "team_members"
    matter_id: UUID = Field(primary_key=True)
    staff_id: UUID = Field(primary_key=True)
    duty: Duty = Field(sa_type=Text)
