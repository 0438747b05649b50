"""What must exist before services start: databases, roles, the keyring, tables, topics.

    DATABASE_URL=<superuser> python -m shared.prepare matters messaging

Each service has a database, an owner role that migrates and a role of its own that may only use it.
Everything here may run again at any time and changes nothing that is right already.
"""

import asyncio
import importlib
import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.contracts import OWNERS, PARTITIONS

SHARED_MIGRATIONS = Path(__file__).parents[2] / "migrations"
RETENTION_MILLISECONDS = str(30 * 24 * 3600 * 1000)

KEYRING = """
    CREATE TABLE IF NOT EXISTS data_keys (
        owner uuid, version int, kek_id text NOT NULL, wrapped bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(), destroyed_at timestamptz,
        PRIMARY KEY (owner, version));
    CREATE TABLE IF NOT EXISTS key_reads (
        read_at timestamptz NOT NULL DEFAULT now(), role text NOT NULL, owner uuid NOT NULL);
    CREATE OR REPLACE FUNCTION keyring_read(owners uuid[])
    RETURNS TABLE (owner uuid, version int, kek_id text, wrapped bytea)
    LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
        INSERT INTO key_reads (role, owner) SELECT session_user, unnest(owners);
        SELECT k.owner, k.version, k.kek_id, k.wrapped FROM data_keys k
        WHERE k.owner = ANY (owners) AND k.destroyed_at IS NULL;
    $$;
    CREATE OR REPLACE FUNCTION keyring_create(owner uuid, kek_id text, wrapped bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
        INSERT INTO data_keys (owner, version, kek_id, wrapped)
        VALUES ($1, 1, $2, $3) ON CONFLICT DO NOTHING;
    $$;
    REVOKE ALL ON FUNCTION keyring_read, keyring_create FROM PUBLIC;
    REVOKE ALL ON data_keys, key_reads FROM PUBLIC;
"""


def with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def prepare(packages: list[str]) -> None:
    admin = os.environ["DATABASE_URL"]
    addresses = {one: os.environ[f"{one.upper()}_DATABASE_URL"] for one in packages}
    await prepare_keyring(admin, list(addresses.values()))
    for package, address in addresses.items():
        await prepare_database(admin, address)
        own = with_database(admin, urlsplit(address).path[1:])
        await migrate(own, SHARED_MIGRATIONS, package, "machinery_version")
        await migrate(own, migrations_of(package), package, "alembic_version")
    if bootstrap := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        await topics(bootstrap, os.environ.get("KAFKA_TOPIC_PREFIX", "privity"))


async def prepare_database(admin: str, address: str) -> None:
    """The role and the database of one service. Default privileges let it use what its owner
    makes."""
    parts = urlsplit(address)
    role, database = str(parts.username), parts.path[1:]
    connection = await asyncpg.connect(admin)
    try:
        await _role(connection, role, unquote(parts.password or ""))
        await _role(connection, f"{role}_owner", None)
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await connection.execute(f'CREATE DATABASE "{database}" OWNER "{role}_owner"')
        await connection.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
        await connection.execute(f'GRANT CONNECT ON DATABASE "{database}" TO "{role}"')
    finally:
        await connection.close()
    connection = await asyncpg.connect(with_database(admin, database))
    try:
        await connection.execute(f"""
            GRANT ALL ON SCHEMA public TO "{role}_owner"; GRANT USAGE ON SCHEMA public TO "{role}";
            ALTER DEFAULT PRIVILEGES FOR ROLE "{role}_owner"
                GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{role}";
            ALTER DEFAULT PRIVILEGES FOR ROLE "{role}_owner" GRANT USAGE ON SEQUENCES TO "{role}";
        """)
    finally:
        await connection.close()


async def _role(connection: asyncpg.Connection, role: str, password: str | None) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f'CREATE ROLE "{role}"')
    if password is not None:
        quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
        await connection.execute(f'ALTER ROLE "{role}" LOGIN PASSWORD {quoted}')


async def prepare_keyring(admin: str, addresses: list[str]) -> None:
    """Data keys live apart; a service's role may call two functions and read no table."""
    connection = await asyncpg.connect(admin)
    try:
        for address in addresses:
            parts = urlsplit(address)
            await _role(connection, str(parts.username), unquote(parts.password or ""))
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'keyring'"):
            await connection.execute("CREATE DATABASE keyring")
        await connection.execute("REVOKE ALL ON DATABASE keyring FROM PUBLIC")
    finally:
        await connection.close()
    connection = await asyncpg.connect(with_database(admin, "keyring"))
    try:
        await connection.execute(KEYRING)
        for address in addresses:
            role = urlsplit(address).username
            await connection.execute(f"""
                GRANT CONNECT ON DATABASE keyring TO "{role}";
                GRANT EXECUTE ON FUNCTION keyring_read, keyring_create TO "{role}";
            """)
    finally:
        await connection.close()


async def migrate(admin: str, scripts: Path, role: str, version_table: str) -> None:
    """Bring a database to the newest state of one tree of migrations, as the owner role."""
    engine = create_async_engine(admin.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, scripts, role, version_table)
    finally:
        await engine.dispose()


def migrations_of(package: str) -> Path:
    module = importlib.import_module(package)
    return Path(str(module.__file__)).parents[2] / "migrations"


def _upgrade(connection: Connection, scripts: Path, role: str, version_table: str) -> None:
    connection.execute(text(f'SET LOCAL ROLE "{role}_owner"'))
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes |= {"connection": connection, "version_table": version_table}
    command.upgrade(config, "head")
    connection.execute(text("RESET ROLE"))


def run_migrations(target: MetaData | None = None) -> None:
    """What every migrations/env.py calls: the connection comes from `migrate`, which commits."""
    from alembic import context

    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        target_metadata=target,
        version_table=attributes["version_table"],
    )
    context.run_migrations()


async def topics(bootstrap: str, prefix: str = "privity") -> None:
    """Make the topics that are missing; refuse a partition count that is not the catalogue's."""
    wanted = {f"{prefix}.{owner}": PARTITIONS for owner in OWNERS}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        found = {
            one["topic"]: len(one["partitions"])
            for one in await admin.describe_topics(await admin.list_topics())
        }
        missing = [
            NewTopic(name, partitions, 1, topic_configs={"retention.ms": RETENTION_MILLISECONDS})
            for name, partitions in wanted.items()
            if name not in found
        ]
        if missing:
            await admin.create_topics(missing)
    finally:
        await admin.close()
    for name, partitions in wanted.items():
        if found.get(name, partitions) != partitions:
            raise SystemExit(
                f"{name} has {found[name]} partitions, the catalogue says {partitions}. They are"
                " part of the streams' names and can never change: use another topic prefix."
            )


if __name__ == "__main__":
    asyncio.run(prepare(sys.argv[1:]))
