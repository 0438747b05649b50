"""Settings every service has. They come from the environment; nothing is read on import."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProcessSettings(BaseSettings):
    """What every process of ours is told, also one without a memory (gateway): who may call it, and
    where traces and logs go. Times are seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    service: ClassVar[str] = ""

    privity_profile: Literal["local", "production"] = "production"
    oidc_issuer: str
    oidc_audience: str = "privity"
    otel_exporter_zipkin_endpoint: str | None = None
    otel_exporter_otlp_endpoint: str | None = None
    otel_traces_sampler_arg: float = 0.1
    log_level: str = "INFO"
    max_body_bytes: int = 1_048_576

    @property
    def local(self) -> bool:
        return self.privity_profile == "local"


class Settings(ProcessSettings):
    """Base of a service's settings; a service adds its own with its prefix as alias.

    Database addresses are per service, `<SERVICE>_DATABASE_URL`: each has a database and a role of
    its own.
    """

    keyring_database_url: SecretStr
    kafka_bootstrap_servers: str
    kafka_topic_prefix: str = "privity"
    kek_file: Path
    clock_offset_file: Path | None = None

    idle_in_transaction_timeout: float = 10.0
    transaction_timeout: float = 60.0
    relay_idle_session_timeout: float = 15.0
    relay_send_timeout: float = 10.0
    tcp_user_timeout: float = 10.0
    consumer_session_timeout: float = 10.0
    consumer_breaker: int = Field(20, description="parked events in a row that stop the consumer")
    consumer_retry_for: float = 5.0
    heads_stated_every: float = 60.0
    heads_stated_idle: float = 600.0
    access_window: float = 600.0

    @property
    def database_url(self) -> str:
        """The service's own database, as a plain postgresql:// address."""
        secret = getattr(self, f"{self.service.replace('-', '_')}_database_url")
        assert isinstance(secret, SecretStr)
        return secret.get_secret_value()

    def topic(self, owner: str) -> str:
        """One topic per owner; the prefix lets several firms share a cluster."""
        return f"{self.kafka_topic_prefix}.{owner}"

    @property
    def consumer_group(self) -> str:
        """The service's name; with a prefix of one's own, apart from other firms' services."""
        own = self.kafka_topic_prefix != "privity"
        return self.topic(self.service) if own else self.service
