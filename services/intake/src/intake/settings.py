"""Settings of intake, beside those that every service has."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from shared.settings import Settings

MOST_TOLD = 96 * 1024  # octets that travel sealed in one event, which has at most 256 KiB


class IntakeSettings(Settings):
    service: ClassVar[str] = "intake"

    intake_database_url: SecretStr
    intake_public_url: str = Field(description="where links in letters lead: the gateway's address")

    intake_requests_an_hour: int = Field(
        600,
        ge=1,
        description="requests of strangers, all together: above it they are asked to call",
    )
    intake_requests_at_once: int = Field(
        4, ge=1, description="strangers whom one process takes in beside each other"
    )
    intake_prospects_kept_days: int = Field(
        365, description="after a decline, until contact details and notes are erased"
    )
    intake_waivers: bool = Field(
        True, description="whether the firm's rules let a real conflict be waived at all"
    )
    intake_never_waived_in: tuple[str, ...] = Field(
        (), description="practice areas in which no conflict may be waived"
    )

    intake_link_days: int = Field(14, description="until a link expires, and with it the offer")
    intake_code_minutes: int = 10
    intake_codes_a_link: int = Field(5, description="codes asked for through one link")
    intake_code_tries: int = Field(5, description="wrong entries of one code")
    intake_session_minutes: int = 30

    intake_seal_file: Path = Field(
        description="PEM: the key that seals agreements, and its certificate chain"
    )
    intake_tsa_url: str | None = Field(None, description="RFC 3161 timestamps, where there are any")
    intake_tick: float = Field(1.0, description="seconds between two looks at what is due")

    intake_upload_size: int = Field(2 * 1024**3, description="octets of one file")
    intake_remind_every_days: float = 3.0

    max_body_bytes: int = 4_194_304
