"""Every record of every topic over real Kafka: recorded, or kept apart as a stray; never parked."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from sqlalchemy import text

from audit.app import create_app
from audit.rows import Arrival
from audit.settings import AuditSettings
from privity import servers
from privity.verify import verify
from shared.contracts import OWNERS
from shared.telemetry import EVENT_ID, LOG_INDEX
from support.platform import Platform
from support.record import arrival, arrivals, audit_settings, record_in, serving
from support.running import Running, running
from support.waiting import eventually

TELLERS = ("matters", "messaging", "sla-monitor")


@pytest.fixture
async def settings(platform: Platform, prefix: str, tmp_path: Path) -> AuditSettings:
    return await audit_settings(platform, tmp_path, prefix)


@asynccontextmanager
async def producer(platform: Platform) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(
        bootstrap_servers=platform.kafka.bootstrap, acks="all", max_request_size=2_000_000
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def send(kafka: AIOKafkaProducer, prefix: str, told: list[Arrival]) -> None:
    for one in told:
        await kafka.send(
            f"{prefix}.{one.where.service}",
            value=one.value,
            key=b"key",
            partition=one.where.partition,
            headers=list(one.headers),
        )
    await kafka.flush()


async def count(service: Running, table: str) -> int:
    async with service.runtime.db.transaction() as session:
        return (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()


async def heard(service: Running) -> int:
    """Leaves of what the test told; audit tells of itself too."""
    return await count(service, "entries WHERE service <> 'audit'")


async def test_one_leaf_for_each_event_of_every_service(
    platform: Platform, prefix: str, settings: AuditSettings
) -> None:
    async with producer(platform) as kafka, running(create_app, settings) as service:
        for owner in TELLERS:
            for partition in (0, 11):
                await send(kafka, prefix, arrivals(1, 20, service=owner, partition=partition))
        total = 20 * 2 * len(TELLERS)
        await eventually(lambda: heard(service), lambda found: found == total)
        async with service.runtime.db.transaction() as session:
            kept = await session.execute(text("SELECT * FROM entries WHERE service <> 'audit'"))
            assert all(b'["ce_id",' in row.metadata and row.value == b"{}" for row in kept)


async def test_bytes_that_nobody_understands_are_recorded_and_never_parked(
    platform: Platform, prefix: str, settings: AuditSettings
) -> None:
    odd = [b"\xff\xfe", b"not json", b"", b'{"client_id":' * 400]
    async with producer(platform) as kafka, running(create_app, settings) as service:
        told = [arrival(at, value=value) for at, value in enumerate(odd, start=1)]
        await send(kafka, prefix, [*told, arrival(5)])
        await eventually(lambda: heard(service), lambda found: found == 5)
        assert await count(service, "parked_events") == 0
        assert await count(service, "strays") == 0


async def test_what_has_no_place_in_the_owners_stream_is_kept_apart_and_stops_nothing(
    platform: Platform, prefix: str, settings: AuditSettings
) -> None:
    async with producer(platform) as kafka, running(create_app, settings) as service:
        topic = f"{prefix}.messaging"
        foreign = arrival(1, service="matters")
        moved = arrival(1, partition=4)
        for headers in ([], [("ce_id", b"x")], foreign.headers, moved.headers):
            await kafka.send(topic, value=b"stray", partition=0, headers=list(headers))
        await send(kafka, prefix, arrivals(1, 3))
        await eventually(lambda: heard(service), lambda found: found == 3)
        assert await count(service, "strays") == 4


async def test_a_restart_at_any_point_records_each_event_once(
    platform: Platform, prefix: str, settings: AuditSettings
) -> None:
    """Offsets put back, as after a crash between Kafka's delivery and our commit."""
    async with producer(platform) as kafka:
        async with running(create_app, settings) as service:
            await send(kafka, prefix, arrivals(1, 50))
            await eventually(lambda: heard(service), lambda found: found == 50)
            async with service.runtime.db.transaction() as session:
                await session.execute(text("UPDATE inbox_offsets SET next_offset = 0"))
        await send(kafka, prefix, arrivals(51, 60))
        async with running(create_app, settings) as service:
            await eventually(lambda: heard(service), lambda found: found == 60)
            assert await count(service, "forks") == 0


async def test_two_replicas_share_the_topics_and_one_log(
    platform: Platform, prefix: str, settings: AuditSettings
) -> None:
    async with (
        producer(platform) as kafka,
        running(create_app, settings) as one,
        running(create_app, settings) as other,
    ):
        assigned = lambda: asyncio.sleep(0, one.runtime.consumer.state.assigned)  # noqa: E731
        await eventually(assigned, lambda found: 0 < found < 12 * len(OWNERS))
        for partition in range(12):
            await send(kafka, prefix, arrivals(1, 40, partition=partition))
        await eventually(lambda: heard(other), lambda found: found == 480)
        assert await count(one, "forks") == 0
        async with one.runtime.db.transaction() as session:
            rows = await session.execute(
                text("SELECT contiguous, head FROM stream_heads WHERE service = 'messaging'")
            )
            assert [tuple(row) for row in rows] == [(40, 40)] * 12


async def test_a_log_put_back_in_time_turns_readyz_red_and_stays_as_it_is(
    platform: Platform, prefix: str, settings: AuditSettings, tmp_path: Path
) -> None:
    async with record_in(platform, tmp_path, audit_database_url=settings.database_url) as record:
        await record.append(arrivals(1, 6))
        ahead = settings.audit_checkpoint_file.read_text()
        await record.as_superuser(
            "TRUNCATE entries, readings, subtrees, cosignatures, checkpoints, stream_heads"
        )
        settings.audit_checkpoint_file.unlink()
        await record.append(arrivals(1, 3), record.another())
        settings.audit_checkpoint_file.write_text(ahead)
        async with producer(platform) as kafka, running(create_app, settings) as service:
            await send(kafka, prefix, arrivals(4, 6))

            async def checks() -> dict[str, str]:
                return (await service.http.get("/readyz")).json()["checks"]

            found = await eventually(checks, lambda found: "read-only" in found["log"])
            assert "has 3 entries and signed for 6" in found["log"]
            found = await eventually(checks, lambda found: found["consumer"] != "ok")
            assert await heard(service) == 3


async def test_a_checkpoint_follows_an_append_within_a_second_and_verifies_from_outside(
    platform: Platform, prefix: str, settings: AuditSettings, tmp_path: Path
) -> None:
    async with (
        producer(platform) as kafka,
        serving(settings) as address,
        record_in(platform, tmp_path, audit_database_url=settings.database_url) as made,
    ):
        key = made.log.signer.verifier
        for first, last in ((1, 300), (301, 301), (302, 600)):
            await send(kafka, prefix, arrivals(first, last, partition=2))
            told = lambda: made.rows("SELECT index FROM entries WHERE service = 'messaging'")  # noqa: E731
            await eventually(told, lambda rows, last=last: len(rows) == last)
            report = await asyncio.to_thread(
                verify, f"{address}/v1/record/log", key=key, state=tmp_path / "seen"
            )
            assert report.ok, report.doubts
            assert report.size >= last
        late = await made.rows("""
            SELECT max(c.published_at - e.recorded_at) FROM entries e CROSS JOIN LATERAL (
                SELECT published_at FROM checkpoints WHERE size > e.index
                ORDER BY size LIMIT 1) c
        """)
        assert late[0][0].total_seconds() < 1


async def test_a_leaf_is_the_last_span_of_its_facts_own_trace(
    platform: Platform, prefix: str, settings: AuditSettings
) -> None:
    async with producer(platform) as kafka, running(create_app, settings) as service:
        spans = InMemorySpanExporter()
        provider = trace.get_tracer_provider()
        assert isinstance(provider, TracerProvider)
        provider.add_span_processor(SimpleSpanProcessor(spans))
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        told = arrival(1)
        traced = Arrival(told.where, [*told.headers, ("traceparent", parent.encode())], told.value)
        await send(kafka, prefix, [traced])
        await eventually(lambda: heard(service), lambda found: found == 1)
        event_id = str(told.where.event_id)

        async def appended() -> list[ReadableSpan]:
            found = spans.get_finished_spans()
            return [one for one in found if (one.attributes or {}).get(EVENT_ID) == event_id]

        (span,) = await eventually(appended)
        assert span.name == "audit append"
        assert span.parent is not None
        assert format(span.parent.span_id, "016x") == "b7ad6b7169203331"
        assert format(span.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
        assert LOG_INDEX in (span.attributes or {})


def environment(settings: AuditSettings) -> dict[str, str]:
    """The settings as a process of its own is told them."""
    told = {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in settings
        if value is not None
    }
    return os.environ | told


@contextmanager
def audit_process(settings: AuditSettings) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "uvicorn", "--factory", "audit.app:create_app"]
    with subprocess.Popen(
        [*command, "--port", str(servers.free_port()), "--log-level", "critical"],
        env=environment(settings),
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_killed_while_it_appends_each_event_is_one_leaf_of_one_log(
    platform: Platform, prefix: str, settings: AuditSettings, tmp_path: Path
) -> None:
    """SIGKILL twice in flight, each time with less recorded than told; then it catches up."""
    total = 12_000
    async with (
        producer(platform) as kafka,
        record_in(platform, tmp_path, audit_database_url=settings.database_url) as record,
    ):
        recorded = lambda: record.rows(  # noqa: E731
            "SELECT count(*) FROM entries WHERE service <> 'audit'"
        )
        for partition in range(12):
            await send(kafka, prefix, arrivals(1, total // 12, partition=partition))
        for floor in (0, 1500):
            with audit_process(settings):
                found = await eventually(
                    recorded, lambda rows, at=floor: rows[0][0] > at, seconds=60
                )
            assert floor < found[0][0] < total
        with audit_process(settings):
            await eventually(recorded, lambda rows: rows[0][0] == total, seconds=60)
        assert await record.rows("SELECT 1 FROM forks UNION ALL SELECT 1 FROM strays") == []
        rows = await record.rows("SELECT * FROM stream_heads WHERE service = 'messaging'")
        assert {(row.contiguous, row.head) for row in rows} == {(total // 12, total // 12)}
        async with serving(settings.model_copy(update={"kafka_topic_prefix": "none"})) as address:
            key = record.log.signer.verifier
            report = await asyncio.to_thread(verify, f"{address}/v1/record/log", key=key)
            assert report.ok, report.doubts
