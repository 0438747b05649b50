"""Templates' rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from intake.tables import Instant, Row


class Template(Row, table=True):
    """One version of the firm's wording."""

    __tablename__ = "engagement_templates"
    template: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    sections: list[dict[str, str]] = Field(sa_type=JSONB)
    published_at: datetime = Field(sa_type=Instant)
    published_by: UUID
