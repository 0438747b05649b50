"""Two services that are nothing but machinery: messaging tells, sla-monitor keeps what it heard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar
from uuid import UUID

import asyncpg
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.app import Service, create_service
from shared.contracts.messaging import NoteWritten
from shared.db import Database
from shared.handlers import Handlers
from shared.outbox import emit
from shared.settings import Settings
from support.facts import note_written
from support.platform import Platform


class MessagingSettings(Settings):
    service: ClassVar[str] = "messaging"
    messaging_database_url: SecretStr


class SlaMonitorSettings(Settings):
    service: ClassVar[str] = "sla-monitor"
    sla_monitor_database_url: SecretStr


EFFECTS = """
    CREATE TABLE effects (
        position bigserial PRIMARY KEY, event_id uuid, client_id uuid, number int);
    GRANT SELECT, INSERT ON effects TO "{role}";
    GRANT USAGE ON SEQUENCE effects_position_seq TO "{role}";
"""


async def execute_as_admin(platform: Platform, settings: Settings, statements: str) -> None:
    name = settings.database_url.rpartition("/")[2]
    connection = await asyncpg.connect(platform.postgres.url.rpartition("/")[0] + f"/{name}")
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def with_effects(platform: Platform, settings: Settings) -> None:
    role = settings.service.replace("-", "_")
    await execute_as_admin(platform, settings, EFFECTS.format(role=role))


async def keep_effect(session: AsyncSession, event: NoteWritten) -> None:
    """What a handler does here: one row an event. The note's length is its number."""
    await session.execute(
        text("INSERT INTO effects (event_id, client_id, number) VALUES (:id, :client, :number)"),
        {"id": event.message_id, "client": event.client_id, "number": int(event.body.field)},
    )


def keeping() -> Handlers:
    handlers = Handlers()
    handlers.on(NoteWritten)(keep_effect)
    return handlers


def service_of(settings: Settings, handlers: Handlers | None = None) -> FastAPI:
    return create_service(Service(settings, handlers=handlers or Handlers()))


async def tell(db: Database, client_id: UUID, *numbers: int) -> None:
    """One transaction that tells one note for each number."""
    async with db.transaction() as session:
        for number in numbers:
            emit(session, note_written(client_id, number=number))


async def effects(db: Database) -> dict[UUID, list[int]]:
    """The numbers that took effect for each client, in the order in which they did."""
    found: dict[UUID, list[int]] = {}
    async with db.transaction() as session:
        rows = await session.execute(
            text("SELECT client_id, number FROM effects ORDER BY position")
        )
        for client_id, number in rows:
            found.setdefault(client_id, []).append(number)
    return found


async def number_sent(db: Database) -> int:
    """How many numbers of all streams Kafka has acknowledged."""
    async with db.transaction() as session:
        found = await session.execute(text("SELECT sum(last_sequence) FROM outbox_sent"))
        return int(found.scalar_one())


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    db = Database(settings)
    try:
        yield db
    finally:
        await db.close()
