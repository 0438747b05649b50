"""Append → integrate → publish: one commit, one past, whoever dies when and however many append."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from audit import merkle
from audit.app import create_app
from audit.checkpoints import open_checkpoint
from audit.log import Log, NotOurPast
from privity.verify import Report, verify
from shared.ids import new_id
from shared.prepare import migrate, migrations_of, with_database
from support.platform import Platform
from support.record import Record, arrival, arrivals, record_in, serving


@pytest.fixture
async def record(platform: Platform, tmp_path: Path) -> AsyncIterator[Record]:
    async with record_in(platform, tmp_path) as made:
        yield made


async def check(record: Record, size: int) -> None:
    """Reads and proves the whole log: leaves, hashes, root, note; and every earlier checkpoint."""
    leaves = [row.entry for row in await record.rows("SELECT entry FROM entries ORDER BY index")]
    assert [row.index for row in await record.rows("SELECT index FROM entries ORDER BY index")] == [
        *range(size)
    ]
    hashes = merkle.extend(0, {}, [merkle.leaf_hash(leaf) for leaf in leaves])
    assert await record.hashes() == hashes
    signer = record.log.signer
    checkpoints = await record.rows("SELECT * FROM checkpoints ORDER BY size")
    assert checkpoints[-1].size == size
    for row in checkpoints:
        signed = open_checkpoint(row.note, signer.verifier, signer.name)
        assert (signed.size, signed.root) == (row.size, merkle.root(row.size, hashes))
    outside = record.settings.audit_checkpoint_file.read_text()
    assert outside in {row.note for row in checkpoints}


async def test_a_log_begins_with_a_signed_checkpoint_of_nothing(record: Record) -> None:
    await record.log.open(record.db)
    await check(record, 0)


async def test_each_poll_is_one_checkpoint_over_all_its_leaves(record: Record) -> None:
    for first, last in ((1, 1), (2, 3), (4, 300), (301, 301)):
        await record.append(arrivals(first, last))
        await check(record, last)
    sizes = [row.size for row in await record.rows("SELECT size FROM checkpoints ORDER BY size")]
    assert sizes == [0, 1, 3, 300, 301]


async def test_the_order_of_the_log_is_the_order_of_arrival(record: Record) -> None:
    told = arrivals(1, 5) + arrivals(1, 5, partition=7)
    await record.append(told)
    found = await record.rows("SELECT event_id FROM entries ORDER BY index")
    assert [row.event_id for row in found] == [one.where.event_id for one in told]


async def test_an_event_told_again_is_ignored(record: Record) -> None:
    told = arrivals(1, 3)
    await record.append(told)
    again = await record.append([*told, *told])
    assert not again.leaves
    await record.append([*told[1:], arrival(4), told[0]])
    await check(record, 4)
    assert not await record.rows("SELECT * FROM forks")


async def test_an_event_that_comes_twice_in_one_poll_is_one_leaf(record: Record) -> None:
    told = arrivals(1, 3)
    await record.append([*told, *told])
    await check(record, 3)
    assert not await record.rows("SELECT * FROM forks")


async def test_the_same_number_with_another_id_is_a_fork_and_not_a_leaf(record: Record) -> None:
    await record.append(arrivals(1, 3))
    other = arrival(2, value=b'{"other":1}')
    await record.append([arrival(4), other, other])
    await check(record, 4)
    (fork,) = await record.rows("SELECT * FROM forks")
    assert (fork.sequence, fork.event_id, fork.value) == (2, other.where.event_id, other.value)


async def test_two_events_with_one_number_in_one_poll_are_a_fork(record: Record) -> None:
    await record.append([arrival(1), arrival(1), arrival(2)])
    await check(record, 2)
    assert len(await record.rows("SELECT * FROM forks")) == 1


async def test_an_event_that_comes_again_with_other_bytes_or_elsewhere_is_a_fork(
    record: Record,
) -> None:
    event_id = new_id()
    await record.append([arrival(1, event_id=event_id)])
    await record.append([arrival(1, event_id=event_id, value=b'{"altered":1}')])
    await record.append([arrival(2, event_id=event_id)])
    await check(record, 1)
    assert len(await record.rows("SELECT * FROM forks")) == 2


async def test_bytes_of_any_kind_are_recorded(record: Record) -> None:
    odd = [b"", b"\x00", b"\xff\xfe", b"[" * 5000, b'{"client_id":"\\u0000","matter_id":7}', b"1"]
    odd += [b'{"client_id":"not an id","received_at":"0001-01-01T00:00:00+23:59"}']
    named = "privity.messaging.ClientMessageReceived.v1"
    told = [arrival(at, value=value, type_name=named) for at, value in enumerate(odd, start=1)]
    told += [arrival(len(odd) + 1, type_name="nul \x00 and\ud7ff" + "x" * 900)]
    await record.append(told)
    await check(record, len(told))
    kept = await record.rows("SELECT value FROM entries ORDER BY index")
    assert [row.value for row in kept[: len(odd)]] == odd


async def test_a_value_of_a_mebibyte_still_gives_a_small_public_entry(record: Record) -> None:
    appended = await record.append([arrival(1, value=b'{"a":"' + b"x" * 2**20 + b'"}')])
    assert len(appended.leaves[0].entry) < 600
    await check(record, 1)


async def test_recorded_times_never_go_back(record: Record) -> None:
    await record.append([arrival(1)])
    await record.as_superuser("UPDATE checkpoints SET published_at = '2100-01-01Z' WHERE size = 1")
    await record.append([arrival(2)])
    later = await record.rows("SELECT recorded_at FROM entries ORDER BY index")
    assert later[1].recorded_at.year == 2100


# Each crash point, twice: failed and not stored, failed but stored.


async def test_dying_before_the_commit_leaves_nothing_and_the_events_come_again(
    record: Record,
) -> None:
    await record.append(arrivals(1, 3))
    told = arrivals(4, 6)

    async def killed_between_append_and_commit() -> None:
        async with record.db.transaction() as session:
            await record.log.append(session, told)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await killed_between_append_and_commit()
    await check(record, 3)
    await record.append(told, record.another())
    await check(record, 6)


async def test_dying_after_the_commit_before_the_file_leaves_a_prefix_outside(
    record: Record,
) -> None:
    await record.append(arrivals(1, 3))
    told = arrivals(4, 6)
    async with record.db.transaction() as session:
        await record.log.append(session, told)
    outside = record.settings.audit_checkpoint_file.read_text()
    assert outside.split("\n")[1] == "3"
    await check(record, 6)
    assert not (await record.append(told, record.another())).leaves
    await record.append(arrivals(7, 7), record.another())
    await check(record, 7)
    assert record.settings.audit_checkpoint_file.read_text().split("\n")[1] == "7"


async def test_a_database_that_drops_the_connection_in_the_middle_stores_nothing(
    record: Record,
) -> None:
    await record.append(arrivals(1, 3))
    told = arrivals(4, 6)

    async def cut_off_before_the_commit() -> None:
        async with record.db.transaction() as session:
            await record.log.append(session, told)
            pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            killer = await record.superuser()
            await killer.execute(f"SELECT pg_terminate_backend({pid})")
            await killer.close()

    with pytest.raises(DBAPIError):
        await cut_off_before_the_commit()
    await check(record, 3)
    await record.append(told)
    await check(record, 6)


async def test_a_full_disk_in_the_middle_of_an_append_stores_nothing_and_it_goes_on(
    record: Record,
) -> None:
    """PostgreSQL's own error, where the tree is written: entries are there already by then."""
    await record.append(arrivals(1, 3))
    await record.as_superuser(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON subtrees EXECUTE FUNCTION full_disk()",
    )
    with pytest.raises(DBAPIError):
        await record.append(arrivals(4, 6))
    await check(record, 3)
    await record.as_superuser("DROP TRIGGER full_disk ON subtrees")
    await record.append(arrivals(4, 6))
    await check(record, 6)


async def test_a_signer_that_is_gone_starts_nothing_and_changes_nothing(record: Record) -> None:
    await record.append(arrivals(1, 3))
    record.settings.audit_signing_key_file.unlink()
    with pytest.raises(FileNotFoundError, match="signing-key"):
        create_app(record.settings)
    await check(record, 3)


async def test_two_replicas_at_once_make_one_log(record: Record) -> None:
    replicas = [record.another(), record.another(), record.another()]
    polls = [
        arrivals(first, first + 4, partition=partition)
        for partition in range(3)
        for first in range(1, 50, 5)
    ]

    async def replica(log: Log, partition: int) -> int:
        appended = 0
        for poll in polls[partition * 10 : partition * 10 + 10]:
            appended += len((await record.append(poll, log)).leaves)
            appended += len((await record.append(poll, log)).leaves)
        return appended

    done = await asyncio.gather(*(replica(log, at) for at, log in enumerate(replicas)))
    assert sum(done) == 150
    await check(record, 150)


async def test_two_replicas_with_the_same_events_append_them_once(record: Record) -> None:
    told = arrivals(1, 200)
    replicas = [record.another(), record.another()]
    done = await asyncio.gather(*(record.append(told, log) for log in replicas))
    assert sorted(len(one.leaves) for one in done) == [0, 200]
    await check(record, 200)
    assert not await record.rows("SELECT * FROM forks")


# A database that is not what was signed for.


async def test_a_database_put_back_in_time_is_never_appended_to(record: Record) -> None:
    await record.append(arrivals(1, 3))
    await record.append(arrivals(4, 6))
    await record.as_superuser(
        "DELETE FROM readings WHERE index >= 3",
        "DELETE FROM entries WHERE index >= 3",
        "DELETE FROM subtrees WHERE size > 3",
        "DELETE FROM checkpoints WHERE size > 3",
        "UPDATE stream_heads SET contiguous = 3, head = 3",
    )
    for log in (record.log, record.another()):
        with pytest.raises(NotOurPast, match="has 3 entries and signed for 6"):
            await record.append(arrivals(4, 6), log)
        assert "read-only" in (log.problem or "")
    assert len(await record.rows("SELECT * FROM entries")) == 3


async def test_a_database_whose_past_differs_is_never_appended_to(record: Record) -> None:
    await record.append(arrivals(1, 6))
    await record.as_superuser(
        "UPDATE subtrees SET hashes = set_byte(hashes, 260, get_byte(hashes, 260) # 1)"
    )
    with pytest.raises(NotOurPast, match="first 6 entries are not those"):
        await record.append(arrivals(7, 7), record.another())


async def test_an_emptied_database_is_never_begun_again(record: Record) -> None:
    await record.append(arrivals(1, 3))
    await record.as_superuser(
        "TRUNCATE entries, readings, subtrees, cosignatures, checkpoints, stream_heads"
    )
    with pytest.raises(NotOurPast, match="has 0 entries"):
        await record.append(arrivals(1, 3), record.another())


async def test_a_log_without_its_outside_checkpoint_is_read_only(record: Record) -> None:
    await record.append(arrivals(1, 3))
    record.settings.audit_checkpoint_file.unlink()
    log = record.another()
    with pytest.raises(NotOurPast, match="is not in"):
        await log.open(record.db)
    assert "read-only" in (log.problem or "")


@pytest.mark.parametrize("content", [b"", b"\xff", b"record.test/log\n3\nAAAA\n\n"])
async def test_a_damaged_outside_checkpoint_makes_the_log_read_only(
    record: Record, content: bytes
) -> None:
    await record.append(arrivals(1, 3))
    record.settings.audit_checkpoint_file.write_bytes(content)
    with pytest.raises(NotOurPast, match="is not its last checkpoint"):
        await record.another().open(record.db)


async def test_a_log_is_not_continued_under_another_key(
    platform: Platform, record: Record, tmp_path: Path
) -> None:
    await record.append(arrivals(1, 3))
    other = tmp_path / "other"
    other.mkdir()
    url = record.settings.database_url
    async with record_in(platform, other, audit_database_url=url) as stranger:
        with pytest.raises(NotOurPast):
            await stranger.log.open(stranger.db)


async def test_a_crash_at_the_very_first_start_can_be_started_again(record: Record) -> None:
    await record.log.open(record.db)
    await record.as_superuser("TRUNCATE checkpoints CASCADE")
    await record.another().open(record.db)
    await check(record, 0)


async def test_a_log_with_a_row_a_hash_is_taken_over_whole_and_goes_on(record: Record) -> None:
    """The form before migration 0005, made again, migrated, and appended to."""
    for first, last in ((1, 1), (2, 3), (4, 300)):
        await record.append(arrivals(first, last))
    nodes = [(*node, hashed) for node, hashed in (await record.hashes()).items()]
    before = await record.superuser()
    await before.execute("""
        SET ROLE audit_owner;
        CREATE TABLE nodes (level smallint, position bigint, hash bytea NOT NULL,
                            PRIMARY KEY (level, position));
        DROP TABLE subtrees, cosignatures; DROP FUNCTION complete_subtrees;
        DROP TRIGGER of_entries ON readings;
        DROP FUNCTION require_entries;
        ALTER TABLE readings ADD FOREIGN KEY (index) REFERENCES entries;
        DROP INDEX readings_about_client, readings_about_matter;
        ALTER TABLE exports DROP joint_clients;
        UPDATE alembic_version SET version_num = 'audit_0004';
    """)
    await before.copy_records_to_table("nodes", records=nodes)
    await before.close()
    name = record.settings.database_url.rpartition("/")[2]
    admin = with_database(record.platform.postgres.url, name)
    await migrate(admin, migrations_of("audit"), "audit", "alembic_version")
    await check(record, 300)
    await record.append(arrivals(301, 302), record.another())
    await check(record, 302)


async def test_a_reading_without_its_entry_is_refused_by_the_database(record: Record) -> None:
    await record.append(arrivals(1, 3))
    orphan = "INSERT INTO readings VALUES (9, 't', now(), NULL, NULL, '{}')"
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="a reading is of an entry"):
        await record.as_superuser(orphan)


# Nobody changes what was written.


async def written_once(connection: asyncpg.Connection) -> list[str]:
    """Every table of the database but the machinery's, and those that hold progress."""
    changing = {"stream_heads", "recorded_through", "alembic_version", "machinery_version"}
    changing |= {"exports", "export_files", "export_chunks", "audits"}
    found = await connection.fetch("""
        SELECT relname FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    """)
    names = {row["relname"] for row in found} - changing
    return sorted(name for name in names if not name.startswith(MACHINERY))


MACHINERY = ("outbox", "inbox", "parked", "idempotency", "accesses", "heads_stated")


async def test_no_role_can_update_delete_or_truncate_what_was_written(record: Record) -> None:
    await record.append([*arrivals(1, 3), arrival(2)])
    connection = await record.superuser()
    try:
        tables = await written_once(connection)
        assert {"entries", "subtrees", "checkpoints", "readings", "forks"} <= set(tables)
        found = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE NOT rolsuper AND rolname NOT LIKE 'pg\\_%'"
        )
        roles = [row["rolname"] for row in found]
        assert {"audit", "audit_owner"} <= set(roles)
        for role in roles:
            await connection.execute(f'SET ROLE "{role}"')
            for table in tables:
                for statement in (
                    f"UPDATE {table} SET {await column(connection, table)} = NULL",
                    f"DELETE FROM {table}",
                    f"TRUNCATE {table} CASCADE",
                ):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.execute(statement)
            await connection.execute("RESET ROLE")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="written once"):
            await connection.execute("DELETE FROM entries")
    finally:
        await connection.close()
    await check(record, 3)


async def column(connection: asyncpg.Connection, table: str) -> str:
    return str(
        await connection.fetchval(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1", table
        )
    )


# The verifier, from outside, against the service itself.

WRITTEN = ("entries", "subtrees", "checkpoints")
TAMPERINGS = (
    "UPDATE entries SET entry = set_byte(entry, {byte}, get_byte(entry, {byte}) # 1)"
    " WHERE index = {index}",
    "UPDATE entries SET entry = (SELECT entry FROM entries WHERE index = {other})"
    " WHERE index = {index}",
    "DELETE FROM entries WHERE index = {index}",
    "UPDATE subtrees SET hashes = set_byte(hashes, {byte}, get_byte(hashes, {byte}) # 1)",
    "UPDATE subtrees SET hashes = overlay(hashes PLACING sha256('') FROM 12737 FOR 32)"
    " WHERE first = 100",
    "DELETE FROM subtrees WHERE first = 0",
    "UPDATE checkpoints SET note = replace(note, '300', '299') WHERE size = 300",
    "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 0) WHERE size = 300",
    "DELETE FROM checkpoints WHERE size = 300",
)


async def test_twenty_sampled_tamperings_of_the_database_are_all_found(
    record: Record, tmp_path: Path
) -> None:
    """The verifier saw the log once before; then each time one row is changed behind its back."""
    await record.append(arrivals(1, 100))
    await record.append(arrivals(1, 200, service="matters", partition=4))
    await record.as_superuser(
        "ALTER TABLE subtrees DROP CONSTRAINT subtrees_first_fkey,"
        " DROP CONSTRAINT subtrees_size_fkey",
        "ALTER TABLE cosignatures DROP CONSTRAINT cosignatures_size_fkey",
        *(f"CREATE TABLE kept_{one} AS TABLE {one}" for one in WRITTEN),
    )
    async with serving(record.settings) as address:

        async def checked() -> Report:
            log, key = f"{address}/v1/record/log", record.log.signer.verifier
            return await asyncio.to_thread(verify, log, key=key, state=tmp_path / "seen")

        report = await checked()
        assert report.ok, report.doubts
        assert (report.size, len(report.streams)) == (300, 2)
        chosen = [*TAMPERINGS, *random.choices(TAMPERINGS, k=20 - len(TAMPERINGS))]
        for way in chosen:
            index, other = random.sample(range(300), 2)
            statement = way.format(index=index, other=other, byte=random.randrange(300))
            await record.as_superuser(statement)
            report = await checked()
            assert not report.ok, statement
            await record.as_superuser(
                *(
                    f"TRUNCATE {one} CASCADE; INSERT INTO {one} SELECT * FROM kept_{one}"
                    for one in WRITTEN
                )
            )
        assert (await checked()).ok
