"""The embedded servers are real ones: they enforce, keep and forget as in production."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from privity import servers
from privity.processes import NotStarted, Program, start


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture
def own_postgres(data: Path) -> Iterator[servers.Postgres]:
    server = servers.start_postgres(data / "postgres", servers.free_port(), fast=True)
    yield server
    server.stop()


async def test_postgres_lets_nobody_in_without_the_password(
    own_postgres: servers.Postgres,
) -> None:
    admin = await asyncpg.connect(own_postgres.url)
    await admin.execute("DROP ROLE IF EXISTS matters; CREATE ROLE matters LOGIN PASSWORD 'right'")
    methods = await admin.fetch("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    await admin.close()
    url = own_postgres.url.replace("postgres:postgres@", "matters:wrong@")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)
    await (await asyncpg.connect(url.replace("wrong", "right"))).close()
    assert {row["auth_method"] for row in methods} == {"scram-sha-256", "reject"}


def test_a_free_port_is_lent_to_no_connection_and_given_by_one_process_only() -> None:
    own = [servers.free_port() for _ in range(50)]
    ask = "from privity.servers import free_port; print(*(free_port() for _ in range(50)))"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    others = [int(one) for one in told.stdout.split()]
    assert len({*own, *others}) == 100
    lent = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(*own, *others) < lent


async def test_postgres_has_what_was_committed_before_it_was_killed(data: Path) -> None:
    port = servers.free_port()
    first = servers.start_postgres(data / "killed", port, fast=True)
    session = await asyncpg.connect(first.url)
    await session.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
    os.kill(first.pid, signal.SIGKILL)
    first.stop()
    session.terminate()

    second = servers.start_postgres(data / "killed", port, fast=True)
    session = await asyncpg.connect(second.url)
    assert await session.fetchval("SELECT n FROM kept") == 1
    await session.close()
    second.stop()


async def test_an_initialisation_that_broke_off_is_begun_anew(data: Path) -> None:
    broken = data / "broken.new"
    broken.mkdir()
    (broken / "PG_VERSION").write_text("18")
    server = servers.start_postgres(data / "broken", servers.free_port(), fast=True)
    server.stop()
    assert not broken.exists()


async def test_kafka_has_what_it_acknowledged_before_it_was_killed(data: Path) -> None:
    port = servers.free_port()
    first = servers.start_kafka(data / "kafka", port)
    await _make_topic(first.bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=first.bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait("kept", b"1", partition=0)
    await producer.stop()
    os.kill(first.pid, signal.SIGKILL)
    first.stop()

    second = servers.start_kafka(data / "kafka", port)
    assert await _first_record(second.bootstrap) == b"1"
    await _no_topic_appears_by_itself(second.bootstrap)
    second.stop()


async def _make_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()


async def _first_record(bootstrap: str) -> bytes | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition("kept", 0)])
    record = await consumer.getone()
    await consumer.stop()
    return record.value


async def _no_topic_appears_by_itself(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.describe_topics(["never-made"])
    assert "never-made" not in await admin.list_topics()
    await admin.close()


def test_what_ends_before_it_answers_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = Program("quitter", ["sh", "-c", "echo no licence; exit 3"], lambda: False)
    with pytest.raises(NotStarted, match=r"(?s)quitter ended with 3.*no licence"):
        start(program, tmp_path / "quitter.log")
