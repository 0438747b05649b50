"""A record of one's own: audit's log over a fresh database, fed without Kafka, or as a service on a
real socket, so that the verifier can look at it from outside."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvicorn
from sqlalchemy import text

from audit import merkle
from audit.app import create_app
from audit.checkpoints import signer_of
from audit.copies import Copies
from audit.entries import Coordinates
from audit.log import Appended, Log
from audit.rows import Arrival
from audit.settings import AuditSettings
from privity import servers
from shared.contracts import Envelope, Event
from shared.db import Database
from shared.ids import new_id
from support.platform import Platform

ORIGIN = "record.test/log"


@dataclass
class Record:
    """A log with its database; `append` is one poll."""

    platform: Platform
    settings: AuditSettings
    db: Database
    log: Log

    def another(self) -> Log:
        """What a second process, or this one after its next start, has of the log."""
        copies = Copies.at(self.settings.audit_checkpoint_copies)
        return Log(self.log.signer, self.settings.audit_checkpoint_file, copies)

    async def append(self, arrivals: Sequence[Arrival], log: Log | None = None) -> Appended:
        the_log = log or self.log
        await the_log.open(self.db)
        async with self.db.transaction() as session:
            appended = await the_log.append(session, arrivals)
        await the_log.published(appended)
        return appended

    async def rows(self, statement: str, **parameters: Any) -> list[Any]:
        async with self.db.transaction() as session:
            return list((await session.execute(text(statement), parameters)).all())

    async def hashes(self) -> dict[merkle.Node, bytes]:
        """Every hash of the tree that is stored."""
        return {
            node: row.hashes[at * 32 : at * 32 + 32]
            for row in await self.rows("SELECT first, size, hashes FROM subtrees")
            for at, node in enumerate(merkle.made_by(row.first, row.size))
        }

    async def superuser(self) -> asyncpg.Connection:
        name = self.settings.database_url.rpartition("/")[2]
        return await asyncpg.connect(self.platform.postgres.url.rpartition("/")[0] + f"/{name}")

    async def as_superuser(self, *statements: str) -> None:
        """What nobody of the platform may do: past the triggers, as a thief of the database."""
        connection = await self.superuser()
        try:
            for table in ("entries", "subtrees", "cosignatures", "checkpoints", "readings"):
                await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER written_once")
            for statement in statements:
                await connection.execute(statement)
            for table in ("entries", "subtrees", "cosignatures", "checkpoints", "readings"):
                await connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER written_once")
        finally:
            await connection.close()


@asynccontextmanager
async def record_in(platform: Platform, folder: Path, **overrides: Any) -> AsyncIterator[Record]:
    settings = await audit_settings(platform, folder, **overrides)
    db = Database(settings)
    previous = [one.read_bytes() for one in settings.audit_previous_key_files]
    seed = settings.audit_signing_key_file.read_bytes()
    signer = signer_of(settings.audit_origin, seed, *previous)
    copies = Copies.at(settings.audit_checkpoint_copies)
    try:
        yield Record(platform, settings, db, Log(signer, settings.audit_checkpoint_file, copies))
    finally:
        await db.close()


async def audit_settings(
    platform: Platform, folder: Path, prefix: str = "none", **overrides: Any
) -> AuditSettings:
    """Settings of audit whose log begins in this folder."""
    key = folder / "signing-key"
    if not key.exists():
        key.write_bytes(os.urandom(32))
    given: dict[str, Any] = {
        "audit_origin": ORIGIN,
        "audit_signing_key_file": key,
        "audit_checkpoint_file": folder / "checkpoint",
        "messaging_url": "http://127.0.0.1:9",
    }
    settings: AuditSettings = await platform.settings(AuditSettings, prefix, **(given | overrides))
    return settings


@asynccontextmanager
async def serving(settings: AuditSettings) -> AsyncIterator[str]:
    """The service on a real socket, with all that it does; gives its address."""
    port = servers.free_port()
    config = uvicorn.Config(create_app(settings), "127.0.0.1", port, log_level="warning")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


def arrival(
    sequence: int,
    *,
    service: str = "messaging",
    partition: int = 0,
    epoch: int = 1,
    event_id: UUID | None = None,
    value: bytes = b"{}",
    type_name: str = "privity.messaging.Unknown.v9",
) -> Arrival:
    """An event at this place of a stream, of a type that nobody knows unless one is given."""
    envelope = Envelope(
        id=event_id or new_id(),
        service=service,
        partition=partition,
        epoch=epoch,
        sequence=sequence,
        type=type_name,
        subject="subject",
        time=datetime(2026, 7, 10, 20, 30, tzinfo=UTC),
        key="key",
        value=value,
    )
    where = Coordinates(envelope.id, service, partition, epoch, sequence)
    return Arrival(where, envelope.headers(), value)


def arrivals(first: int, last: int, **place: Any) -> list[Arrival]:
    return [arrival(number, **place) for number in range(first, last + 1)]


class Teller:
    """Tells events into one stream of each service, numbered as its outbox would."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, event: Event, at: datetime | None = None) -> Arrival:
        service = event.owner if event.owner != "platform" else "messaging"
        number = self._numbers[service] = self._numbers.get(service, 0) + 1
        value = event.model_dump_json().encode()
        envelope = Envelope(
            id=new_id(),
            service=service,
            partition=0,
            epoch=1,
            sequence=number,
            type=event.type_name(service),
            subject=event.subject_of(),
            time=at or datetime.now(UTC),
            key=event.key_of(),
            value=value,
        )
        where = Coordinates(envelope.id, service, 0, 1, number)
        return Arrival(where, envelope.headers(), value)
