"""Quiet hours, language and needs; purposes and their channels stand with the client."""

from datetime import time
from typing import Any
from uuid import UUID

from sqlmodel import Field

from matters.tables import ClientRow, Json


class ClientPreferences(ClientRow, table=True):
    __tablename__ = "client_preferences"
    client_id: UUID = Field(primary_key=True)
    revision: int = 0
    quiet_from: time | None = None
    quiet_until: time | None = None
    language: str = "en"
    accessibility: dict[str, Any] | None = Field(default=None, sa_type=Json)
