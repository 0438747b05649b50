"""Settings of audit, beside those that every service has."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from shared.settings import Settings


class AuditSettings(Settings):
    service: ClassVar[str] = "audit"

    audit_database_url: SecretStr
    audit_origin: str = Field(
        description="the log's name for ever, such as record.firm.example/log; no spaces, no +"
    )
    audit_signing_key_file: Path = Field(description="the seed of an Ed25519 key: 32 bytes")
    audit_checkpoint_file: Path = Field(
        description="the last checkpoint, outside the database; replicas share it"
    )
    audit_previous_key_files: list[Path] = Field(
        default=[], description="keys before this one that still sign, while readers change over"
    )
    audit_retired_keys: list[str] = Field(
        default=[], description="verifier keys that signed once; audits open old notes with them"
    )
    audit_checkpoint_copies: list[str] = Field(
        default=[], description="object stores: file:///folder or s3://bucket/prefix, as JSON"
    )
    audit_copies_every: float = 60.0
    audit_witnesses: list[str] = Field(
        default=[],
        description="who cosigns: address and verifier key of each, as JSON"
        ' (["https://witness.example witness.example+…+B…"])',
    )
    audit_witnesses_every: float = 60.0
    audit_recorded_every: float = 3600.0
    audit_silent_after: float = Field(
        780.0, description="seconds without a statement of its streams: a service is silent"
    )
    messaging_url: str = Field(
        description="where exports fetch originals, with the requester's own token"
    )
    audit_exports_kept_for: float = Field(
        7 * 86400.0, description="seconds after which a bundle, or one that stopped, is forgotten"
    )
    audit_inspect_every: float = Field(
        86400.0, description="seconds between two audits of the whole record"
    )
