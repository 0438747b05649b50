"""Real PostgreSQL and real Kafka for the tests: one of each a session, databases and topics per
test."""

import asyncio
import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from privity.servers import Kafka, Postgres
from shared.prepare import (
    SHARED_MIGRATIONS,
    migrate,
    migrations_of,
    prepare_database,
    prepare_keyring,
    topics,
    with_database,
)
from shared.settings import Settings

S = TypeVar("S", bound=Settings)
PASSWORD = "test"
ROLES = ("matters", "messaging", "sla_monitor", "billing", "audit", "intake")


@dataclass
class Platform:
    """The servers of a test session and what tests carve out of them."""

    postgres: Postgres
    kafka: Kafka
    issuer: str
    keys: Path
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _templates: dict[str, str] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    def address(self, role: str, database: str) -> str:
        place = self.postgres.url.rpartition("@")[2].partition("/")[0]
        return f"postgresql://{role}:{PASSWORD}@{place}/{database}"

    async def prepare(self) -> None:
        await prepare_keyring(self.postgres.url, [self.address(role, "keyring") for role in ROLES])

    async def database(self, role: str, *, machinery_only: bool = False) -> str:
        """The address of a fresh database of this service, migrated; cloned from a template."""
        name = f"{role}_machinery" if machinery_only else role
        async with self._making:
            if name not in self._templates:
                self._templates[name] = await self._template(name, role, machinery_only)
            fresh = f"{role}_{next(self._numbers)}"
            await self._execute(f'CREATE DATABASE "{fresh}" TEMPLATE "{self._templates[name]}"')
            await self._execute(f'GRANT CONNECT ON DATABASE "{fresh}" TO "{role}"')
        return self.address(role, fresh)

    async def _template(self, name: str, role: str, machinery_only: bool) -> str:
        template = f"template_{name}"
        await prepare_database(self.postgres.url, self.address(role, template))
        admin = with_database(self.postgres.url, template)
        await migrate(admin, SHARED_MIGRATIONS, role, "machinery_version")
        if not machinery_only:
            await migrate(admin, migrations_of(role), role, "alembic_version")
        return template

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.postgres.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def topics(self) -> str:
        """A topic prefix of one's own, with all topics made."""
        prefix = f"test{next(self._numbers)}"
        await topics(self.kafka.bootstrap, prefix)
        return prefix

    async def settings(
        self,
        kind: type[S],
        prefix: str = "none",
        *,
        machinery_only: bool = False,
        **overrides: Any,
    ) -> S:
        """Settings of one service over a fresh database, with the short time-outs of tests."""
        role = kind.service.replace("-", "_")
        given: dict[str, Any] = {
            "privity_profile": "local",
            "keyring_database_url": self.address(role, "keyring"),
            "kafka_bootstrap_servers": self.kafka.bootstrap,
            "kafka_topic_prefix": prefix,
            "oidc_issuer": self.issuer,
            "kek_file": self.keys / "kek",
            "otel_traces_sampler_arg": 1.0,
            "relay_send_timeout": 3.0,
            "consumer_session_timeout": 6.0,
        } | overrides
        if (name := f"{role}_database_url") not in given:
            given[name] = await self.database(role, machinery_only=machinery_only)
        return kind(**given)


def free_environment() -> None:
    """Nothing of the machine's own environment may steer a test."""
    for name in list(os.environ):
        if name.startswith(("PRIVITY_", "KAFKA_", "OTEL_", "OIDC_")) or name.endswith(
            "_DATABASE_URL"
        ):
            del os.environ[name]
