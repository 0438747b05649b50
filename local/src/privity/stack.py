"""What a local platform is made of: its addresses, its secrets, and what each service is told.

A part whose address is given in the environment (DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS, SMTP_URL,
OIDC_ISSUER, OTEL_EXPORTER_OTLP_ENDPOINT) runs elsewhere and is not started here.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from privity import keys, servers, state
from privity.places import HOST, SERVICES, Ports

ORIGIN = "localhost/privity"
FIRM_ADDRESS = "office@firm.test"
MAILBOX_PASSWORD = "privity"
WITH_DATABASE = ("matters", "sla_monitor", "messaging", "billing", "audit", "intake")
GIVEN = (
    "DATABASE_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "SMTP_URL",
    "OIDC_ISSUER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    *(f"{service.upper()}_DATABASE_URL" for service in WITH_DATABASE),
)


@dataclass(frozen=True)
class Stack:
    """One checkout's platform. `given` are the addresses of parts that run elsewhere."""

    home: Path
    ports: Ports
    given: Mapping[str, str]

    @classmethod
    def chosen(cls, home: Path) -> Self:
        """As the environment says."""
        given = {name: os.environ[name] for name in GIVEN if os.environ.get(name)}
        return cls(home, Ports.chosen(), given)

    @classmethod
    def found(cls, home: Path) -> Self:
        """As it was started, else as it would be."""
        running = state.read(home)
        return cls(home, running.ports, running.given) if running else cls.chosen(home)

    @property
    def database_url(self) -> str:
        own = servers.postgres_url(self.ports.postgres, self.password("postgres"))
        return self.given.get("DATABASE_URL", own)

    @property
    def kafka(self) -> str:
        return self.given.get("KAFKA_BOOTSTRAP_SERVERS", self.ports.address("kafka"))

    @property
    def issuer(self) -> str:
        return self.given.get("OIDC_ISSUER", self.ports.url("issuer"))

    @property
    def smtp_url(self) -> str:
        return self.given.get("SMTP_URL", f"smtp://{self.ports.address('smtp')}")

    @property
    def tracing(self) -> str | None:
        given = "OTEL_EXPORTER_OTLP_ENDPOINT" in self.given
        return None if given else self.ports.url("tracing")

    @property
    def clock_offset(self) -> Path:
        return self.home / "clock-offset"

    def key(self, name: str) -> Path:
        return keys.key_file(self.home / "keys", name)

    def password(self, role: str) -> str:
        return keys.password(self.home / "keys", role)

    def database_of(self, service: str, database: str | None = None) -> str:
        """A service's own address: its role may use its own database, and the keyring."""
        server = urlsplit(self.database_url).netloc.rpartition("@")[2]
        own = f"postgresql://{service}:{self.password(service)}@{server}/{service}"
        given = self.given.get(f"{service.upper()}_DATABASE_URL", own)
        return urlsplit(given)._replace(path=f"/{database}").geturl() if database else given

    def environment_of(self, service: str) -> dict[str, str]:
        """Everything a service is told. Never the superuser's address."""
        own = self._databases([service]) if service in WITH_DATABASE else {}
        return self._common() | own

    def environment_to_prepare(self) -> dict[str, str]:
        databases = self._databases(WITH_DATABASE)
        return self._common() | databases | {"DATABASE_URL": self.database_url}

    def _databases(self, services: Sequence[str]) -> dict[str, str]:
        told = {f"{name.upper()}_DATABASE_URL": self.database_of(name) for name in services}
        return told | {"KEYRING_DATABASE_URL": self.database_of(services[0], "keyring")}

    def _common(self) -> dict[str, str]:
        zipkin = {"OTEL_EXPORTER_ZIPKIN_ENDPOINT": f"{self.tracing}/api/v2/spans"}
        doors = {f"{name.upper()}_URL": self.ports.url(name) for name in SERVICES[:-1]}
        return {
            "PRIVITY_PROFILE": "local",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "OIDC_ISSUER": self.issuer,
            "OIDC_AUDIENCE": "privity",
            "KEK_FILE": str(self.key("kek")),
            "AUDIT_SIGNING_KEY_FILE": str(self.key("audit-signing")),
            "AUDIT_ORIGIN": ORIGIN,
            "AUDIT_CHECKPOINT_FILE": str(self.home / "checkpoint"),
            "INTAKE_PUBLIC_URL": self.ports.url("gateway"),
            "INTAKE_SEAL_FILE": str(self.home / "keys" / "intake-seal.pem"),
            "MESSAGING_REPLY_KEY_FILE": str(self.key("messaging-reply")),
            "MESSAGING_SMTP_IN_HOST": HOST,
            "MESSAGING_SMTP_IN_PORT": str(self.ports.smtp_in),
            "MESSAGING_MAIL_DOMAIN": FIRM_ADDRESS.partition("@")[2],
            "MESSAGING_NOTICE_BODIES": "true",  # in production a notice does not repeat the letter
            "CLOCK_OFFSET_FILE": str(self.clock_offset),
            "SMTP_URL": self.smtp_url,
            "MAIL_TRUSTED_PEERS": "127.0.0.0/8,::1/128",
            "OTEL_TRACES_SAMPLER_ARG": "1.0",
            "NO_PROXY": f"{HOST},localhost",
            "MALLOC_ARENA_MAX": "2",
            **(zipkin if self.tracing else {}),
            **doors,
        }
