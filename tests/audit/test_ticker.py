"""By the hour audit tells each service how far the record covers it, and keeps to that itself."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from audit import ticker
from audit.app import create_app
from shared.contracts.audit import RecordedThrough
from support.platform import Platform
from support.record import Record, arrival, arrivals, record_in
from support.running import running
from support.waiting import eventually

HOUR = timedelta(hours=1)


@pytest.fixture
async def record(platform: Platform, tmp_path: Path) -> AsyncIterator[Record]:
    async with record_in(platform, tmp_path) as made:
        yield made


async def tell(record: Record) -> list[RecordedThrough]:
    """What one tick tells."""
    async with record.db.transaction() as session:
        await ticker.tell_recorded(session, HOUR)
    rows = await record.rows("SELECT value FROM outbox ORDER BY time, event_id")
    return [RecordedThrough.model_validate_json(row.value) for row in rows]


async def test_each_service_is_told_what_is_recorded_without_a_gap(record: Record) -> None:
    await record.append([*arrivals(1, 5), arrival(7), arrival(1, service="matters", partition=3)])
    told = {one.service: one.heads for one in await tell(record)}
    assert {service: [head.last_sequence for head in heads] for service, heads in told.items()} == {
        "messaging": [5],
        "matters": [1],
    }


async def test_it_is_told_once_an_hour(record: Record) -> None:
    await record.append(arrivals(1, 5))
    assert len(await tell(record)) == 1
    assert len(await tell(record)) == 1
    async with record.db.transaction() as session:
        await session.execute(
            text("UPDATE recorded_through SET told_at = now() - interval '61 min'")
        )
    assert len(await tell(record)) == 2


async def test_audit_notes_for_itself_what_it_tells_the_others(record: Record) -> None:
    await record.append(arrivals(1, 4, service="audit", partition=2))
    await tell(record)
    (row,) = await record.rows("SELECT recorded_sequence FROM outbox_sent WHERE partition = 2")
    assert row.recorded_sequence == 4


async def test_the_log_is_opened_at_the_start_and_readyz_says_so(
    platform: Platform, prefix: str, tmp_path: Path
) -> None:
    async with (
        record_in(platform, tmp_path, prefix=prefix) as record,
        running(create_app, record.settings) as service,
    ):

        async def ready() -> bool:
            return (await service.http.get("/readyz")).status_code == 200

        await eventually(ready)
        sizes = await record.rows("SELECT size FROM checkpoints")
        assert 0 in {row.size for row in sizes}
