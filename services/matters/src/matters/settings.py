"""Settings of matters, beside those that every service has."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared.settings import Settings


class MattersSettings(Settings):
    service: ClassVar[str] = "matters"

    matters_database_url: SecretStr
    matters_undo: float = Field(
        600, description="seconds in which what would tell the client something can be taken back"
    )
