"""Settings of messaging, beside those that every service has."""

import ipaddress
from pathlib import Path
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.settings import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

URGENT_WORDS = (
    "urgent", "urgently", "emergency", "immediately", "asap", "as soon as possible", "arrested",
    "police", "custody", "deadline today", "eviction", "served with",
)  # fmt: skip


class MessagingSettings(Settings):
    service: ClassVar[str] = "messaging"

    messaging_database_url: SecretStr

    messaging_smtp_in_host: str = "127.0.0.1"
    messaging_smtp_in_port: int = 2525
    messaging_smtp_in_name: str = Field("localhost", description="the name in the SMTP greeting")
    messaging_smtp_certificate: Path | None = Field(
        None, description="PEM chain for STARTTLS; without it one of our own making"
    )
    messaging_smtp_key: Path | None = None
    messaging_mail_size: int = Field(
        50 * 1024 * 1024, description="octets; attachments grow by a third on their way"
    )
    messaging_peer_connections: int = 20
    messaging_peer_mails_a_minute: int = 120
    messaging_smtp_retry_hours: float = Field(
        4.0, description="how long a mail without a Message-ID may come again and be the same"
    )
    mail_trusted_peers: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="networks whose client mail counts as authenticated, instead of DMARC"
    )
    messaging_urgent_words: tuple[str, ...] = URGENT_WORDS

    smtp_url: SecretStr = Field(
        description="smtp://[user:password@]host:port, smtps or smtp+starttls"
    )
    messaging_mail_domain: str = Field(description="of Message-IDs and reply addresses")
    messaging_reply_key_file: Path
    messaging_notice_bodies: bool = Field(
        False, description="whether a client's words may go to the lawyer's mailbox"
    )
    messaging_grouping: float = 600.0
    messaging_daily_cap: int = 20
    messaging_send_connections: int = 4
    messaging_send_lease: float = 30.0
    messaging_triage_staff_id: UUID | None = Field(
        None, description="who files quarantined mail; without it the managing partner"
    )

    @field_validator("mail_trusted_peers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(one.strip() for one in value.split(",") if one.strip())
        return value
