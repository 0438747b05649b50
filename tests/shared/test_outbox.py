"""The outbox: gapless numbers in commit order, whatever fails and however many write at once."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.contracts.messaging import NoteWritten
from shared.db import Database
from shared.ids import new_id
from shared.outbox import emit
from support.facts import firm_changed, note_written
from support.machinery import MessagingSettings, execute_as_admin
from support.platform import Platform


@pytest.fixture
async def db(platform: Platform) -> AsyncIterator[Database]:
    database = Database(await platform.settings(MessagingSettings, machinery_only=True))
    yield database
    await database.close()


async def streams(db: Database) -> dict[int, list[int]]:
    async with db.transaction() as session:
        rows = await session.execute(
            text("SELECT partition, sequence FROM outbox ORDER BY partition, sequence")
        )
        found: dict[int, list[int]] = {}
        for partition, sequence in rows:
            found.setdefault(partition, []).append(sequence)
        return found


async def test_writers_at_once_leave_no_gap_and_no_number_twice(db: Database) -> None:
    clients = [new_id() for _ in range(20)]

    async def write(number: int) -> None:
        async with db.transaction() as session:
            for offset in range(3):
                emit(session, note_written(clients[(number * 7 + offset * 5) % 20]))

    await asyncio.gather(*(write(number) for number in range(60)))
    found = await streams(db)
    assert sum(map(len, found.values())) == 180
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in found.values())


async def test_a_rollback_gives_its_numbers_back(db: Database) -> None:
    client = new_id()
    with pytest.raises(RuntimeError):
        async with db.transaction() as session:
            emit(session, note_written(client))
            raise RuntimeError
    async with db.transaction() as session:
        emit(session, note_written(client))
    assert list((await streams(db)).values()) == [[1]]


async def test_a_deferred_constraint_fails_before_a_head_is_locked_and_leaves_nothing(
    platform: Platform, db: Database
) -> None:
    await execute_as_admin(
        platform,
        db.settings,
        """
        CREATE TABLE parents (n int PRIMARY KEY);
        CREATE TABLE children (n int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
        GRANT ALL ON parents, children TO messaging
        """,
    )
    with pytest.raises(IntegrityError):
        async with db.transaction() as session:
            await session.execute(text("INSERT INTO children VALUES (1)"))
            emit(session, note_written(new_id()))
    assert await streams(db) == {}


async def test_what_could_never_be_sent_is_refused_at_once(db: Database) -> None:
    async with db.transaction() as session:
        with pytest.raises(ValueError, match="travels by reference"):
            emit(session, note_written(new_id(), box="x" * 300_000))
        with pytest.raises(ValueError, match="matters's to tell"):
            emit(session, firm_changed())


async def test_events_of_one_key_are_numbered_as_they_were_told(db: Database) -> None:
    client = new_id()
    async with db.transaction() as session:
        told = [emit(session, note_written(client)) for _ in range(5)]
    async with db.transaction() as session:
        rows = await session.execute(text("SELECT event_id FROM outbox ORDER BY sequence"))
        kept: list[UUID] = list(rows.scalars())
    assert kept == told
    assert NoteWritten.type_name() == "privity.messaging.NoteWritten.v1"
