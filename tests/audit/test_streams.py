"""Nothing missing: gaps are seen at once, healed when the number comes, and never forgotten."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit import streams
from audit.streams import Progress
from support.platform import Platform
from support.record import Record, arrival, arrivals, record_in

STREAM = ("messaging", 0, 1)


@pytest.fixture
async def record(platform: Platform, tmp_path: Path) -> AsyncIterator[Record]:
    async with record_in(platform, tmp_path) as made:
        yield made


async def progress(record: Record) -> Progress:
    async with record.db.transaction() as session:
        return (await streams.all_progress(session))[STREAM]


async def gaps(record: Record, through: int) -> list[tuple[int, int]]:
    async with record.db.transaction() as session:
        known = (await streams.all_progress(session)).get(STREAM, Progress())
        return await streams.gaps(session, STREAM, known, through)


async def test_a_stream_without_a_gap_is_contiguous_to_its_head(record: Record) -> None:
    await record.append(arrivals(1, 2))
    await record.append(arrivals(3, 9))
    assert await progress(record) == Progress(9, 9)
    assert await gaps(record, 9) == []


async def test_a_missing_number_is_a_gap_until_it_comes(record: Record) -> None:
    await record.append([*arrivals(1, 3), *arrivals(5, 6), arrival(9)])
    assert await progress(record) == Progress(3, 9)
    assert await gaps(record, 9) == [(4, 4), (7, 8)]
    await record.append([arrival(4)])
    assert await progress(record) == Progress(6, 9)
    assert await gaps(record, 9) == [(7, 8)]
    await record.append([arrival(8)])
    await record.append([arrival(7), arrival(10)])
    assert await progress(record) == Progress(10, 10)
    assert await gaps(record, 10) == []


async def test_a_stream_that_begins_behind_one_has_a_gap(record: Record) -> None:
    await record.append([arrival(3)])
    assert await progress(record) == Progress(0, 3)
    assert await gaps(record, 3) == [(1, 2)]


async def test_a_cut_tail_is_a_gap_up_to_the_stated_head(record: Record) -> None:
    await record.append(arrivals(1, 3))
    assert await gaps(record, 5) == [(4, 5)]


async def test_streams_are_told_apart_by_service_partition_and_epoch(record: Record) -> None:
    await record.append(
        [
            arrival(1),
            arrival(1, partition=1),
            arrival(1, epoch=2),
            arrival(2, service="matters"),
        ]
    )
    async with record.db.transaction() as session:
        assert await streams.all_progress(session) == {
            ("matters", 0, 1): Progress(0, 2),
            ("messaging", 0, 1): Progress(1, 1),
            ("messaging", 0, 2): Progress(1, 1),
            ("messaging", 1, 1): Progress(1, 1),
        }


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_the_order_of_arrival_the_end_is_the_same(record: Record, seed: int) -> None:
    order = random.Random(seed).sample(range(1, 30), k=29)
    for number in order:
        await record.append([arrival(number)])
    assert await progress(record) == Progress(29, 29)


def test_a_stream_is_named_as_its_events_name_it() -> None:
    assert streams.name_of(("sla-monitor", 3, 1)) == "privity/sla-monitor/3?epoch=1"
