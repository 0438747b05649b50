"""Settings of matters, beside those that every service has."""

from typing import ClassVar

from pydantic import SecretStr

from shared.settings import Settings


class MattersSettings(Settings):
    service: ClassVar[str] = "matters"

    matters_database_url: SecretStr
