"""Names as they were written, and as they are compared."""

from uuid import UUID

from sqlalchemy.types import Text
from sqlmodel import Field

from intake.names.rules import Kind, Role
from intake.tables import Row


class Name(Row, table=True):
    """`subject_id` is whose name it is: a client, a party or a member of staff. `form`, `sound` and
    `initials` are made by `rules.fold`."""

    __tablename__ = "names"
    name_id: UUID = Field(primary_key=True)
    subject_id: UUID
    client_id: UUID | None = None
    consultation_id: UUID | None = None
    role: Role = Field(sa_type=Text)
    kind: Kind = Field(sa_type=Text)
    written: str = Field(sa_type=Text)
    form: str = Field(sa_type=Text)
    sound: str = Field(sa_type=Text)
    initials: str = Field(sa_type=Text)
