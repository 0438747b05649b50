"""Parties; their names are sealed as they came."""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from matters.tables import ClientRow, Json
from shared.contracts.matters import PartyRole


class Party(ClientRow, table=True):
    __tablename__ = "matter_parties"
    matter_id: UUID = Field(primary_key=True)
    party_id: UUID = Field(primary_key=True)
    role: PartyRole = Field(sa_type=Text)
    kind: Literal["person", "company"] = Field(sa_type=Text)
    name: dict[str, Any] = Field(sa_type=Json)
    also: list[dict[str, Any]] = Field(default=[], sa_type=Json)
