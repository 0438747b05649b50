"""Each kind of hole in the record is told once and healed by itself: a missing number, a cut tail,
a silent service. And what is no hole is never told."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from audit import gaps
from audit.app import create_app
from audit.rows import Arrival
from audit.ticker import Watch
from shared.contracts.audit import GapDetected, GapHealed
from shared.contracts.platform import StreamHead, StreamHeadsStated
from support.platform import Platform
from support.record import Record, arrival, arrivals, audit_settings, record_in
from support.running import Running, bearer, running
from support.waiting import eventually

OWNERS = ("messaging", "matters")


@pytest.fixture
async def record(platform: Platform, tmp_path: Path) -> AsyncIterator[Record]:
    async with record_in(platform, tmp_path) as made:
        yield made


def statement(number: int, service: str = "messaging", **heads: int) -> Arrival:
    """A statement of the last number of partition 0, itself told in partition 7."""
    stated = StreamHeadsStated(
        service=service,
        heads=tuple(StreamHead(partition=0, epoch=1, last_sequence=n) for n in heads.values()),
        stated_at=datetime.now(UTC),
    )
    return arrival(
        number,
        service=service,
        partition=7,
        value=stated.model_dump_json().encode(),
        type_name=StreamHeadsStated.type_name(service),
    )


async def look(record: Record) -> None:
    async with record.db.transaction() as session:
        await gaps.look(session, OWNERS)


async def settle(record: Record, ago: str = "1 minute") -> None:
    """As if all of it had been recorded so long ago."""
    await record.as_superuser(f"UPDATE entries SET recorded_at = now() - interval '{ago}'")


async def told(record: Record) -> tuple[list[GapDetected], list[GapHealed]]:
    rows = await record.rows("SELECT type, value FROM outbox ORDER BY partition, sequence")
    detected = [GapDetected.model_validate_json(r.value) for r in rows if "GapDet" in r.type]
    healed = [GapHealed.model_validate_json(r.value) for r in rows if "GapHeal" in r.type]
    return detected, healed


async def test_a_missing_number_is_told_once_and_healed_when_it_comes(record: Record) -> None:
    await record.append([*arrivals(1, 3), *arrivals(6, 7)])
    await look(record)
    await look(record)
    (gap,), healed = await told(record)
    assert (gap.kind, gap.stream) == ("missing", "privity/messaging/0?epoch=1")
    assert (gap.first, gap.last, healed) == (4, 5, [])
    await record.append([arrival(5)])
    await look(record)
    assert len((await told(record))[1]) == 0
    await record.append([arrival(4)])
    await look(record)
    await look(record)
    (still,), (mended,) = await told(record)
    assert (still.gap_id, mended.kind) == (mended.gap_id, "missing")
    assert mended.healed_at >= mended.detected_at == gap.detected_at


async def test_a_cut_tail_is_told_when_its_statement_has_settled(record: Record) -> None:
    await record.append([*arrivals(1, 3), statement(1, last=5)])
    await look(record)
    assert await told(record) == ([], [])
    await settle(record)
    await look(record)
    (gap,), _ = await told(record)
    assert (gap.kind, gap.first, gap.last) == ("cut-tail", 4, 5)
    await record.append(arrivals(4, 5))
    await look(record)
    assert [one.gap_id for one in (await told(record))[1]] == [gap.gap_id]


async def test_of_a_gap_that_grows_only_what_is_new_is_told(record: Record) -> None:
    await record.append([arrival(1), arrival(4)])
    await look(record)
    await record.append([arrival(9)])
    await look(record)
    detected, _ = await told(record)
    assert [(one.first, one.last) for one in detected] == [(2, 3), (5, 8)]


async def test_a_healed_gap_stays_healed_beside_an_open_one(record: Record) -> None:
    await record.append([arrival(1), arrival(3), arrival(5)])
    await look(record)
    await record.append([arrival(4)])
    await look(record)
    detected, (healed,) = await told(record)
    assert len(detected) == 2
    (open_one,) = [one for one in detected if one.gap_id != healed.gap_id]
    assert open_one.first == 2


async def test_a_record_without_a_hole_tells_nothing(record: Record) -> None:
    await record.append([*arrivals(1, 9), statement(1, last=9)])
    await settle(record)
    await look(record)
    assert await told(record) == ([], [])


async def test_two_replicas_that_look_at_once_tell_a_gap_once(record: Record) -> None:
    await record.append([arrival(2)])
    async with record.db.transaction() as one, record.db.transaction() as other:
        await gaps.look(one, OWNERS)
        await gaps.look(other, OWNERS)
    assert len((await told(record))[0]) == 1


async def test_dying_before_the_commit_leaves_the_gap_untold_and_it_is_told_next(
    record: Record,
) -> None:
    await record.append([arrival(2)])
    with pytest.raises(ConnectionError):
        async with record.db.transaction() as session:
            await gaps.look(session, OWNERS)
            raise ConnectionError
    assert await told(record) == ([], [])
    await look(record)
    assert len((await told(record))[0]) == 1


async def test_a_silence_is_told_once_and_ends_with_the_next_statement(record: Record) -> None:
    await record.append([statement(1), statement(1, "matters")])
    await settle(record, "20 minutes")
    quarter = timedelta(minutes=15)
    await record.append([statement(2, "matters")])
    for _ in range(2):
        async with record.db.transaction() as session:
            await gaps.tell_silent(session, OWNERS, OWNERS, quarter)
    (gap,), _ = await told(record)
    assert (gap.service, gap.kind, gap.stream) == ("messaging", "silent", None)
    assert gap.last_heard_at is not None
    await record.append([arrival(2, partition=7)])
    await look(record)
    assert (await told(record))[1] == []
    await record.append([statement(3)])
    await look(record)
    assert [one.gap_id for one in (await told(record))[1]] == [gap.gap_id]


# Against real Kafka: a silence is told only when everything that was said has been heard.


@pytest.fixture
async def service(platform: Platform, prefix: str, tmp_path: Path) -> AsyncIterator[Running]:
    settings = await audit_settings(platform, tmp_path, prefix)
    async with running(create_app, settings) as made:
        yield made


async def silent(service: Running) -> list[str]:
    async with service.runtime.db.transaction() as session:
        found = await session.execute(text("SELECT service FROM silences ORDER BY service"))
        return list(found.scalars())


async def test_a_service_that_never_spoke_is_silent_and_the_list_of_gaps_says_so(
    platform: Platform, service: Running
) -> None:
    watch = Watch(service.runtime, timedelta(minutes=13), ("messaging",), sure_after=0.2)

    async def looked() -> list[str]:
        await watch.look_now()
        return await silent(service)

    await eventually(looked, lambda found: found == ["messaging"])
    answer = await service.http.get(
        "/v1/record/gaps?state=open", headers=bearer(platform, "operations")
    )
    (one,) = answer.json()["items"]
    assert (one["service"], one["kind"], one["healed_at"]) == ("messaging", "silent", None)
    assert (await service.http.get("/v1/record/gaps")).status_code == 401
    refused = await service.http.get("/v1/record/gaps", headers=bearer(platform, "attorney"))
    assert refused.status_code == 403


async def test_nobody_is_silent_while_audit_cannot_hear(platform: Platform, record: Record) -> None:
    """Its consumer never started, as when Kafka is away."""
    async with running(create_app, record.settings) as deaf:
        watch = Watch(deaf.runtime, timedelta(minutes=13), ("messaging",), sure_after=0.0)
        for _ in range(3):
            await watch.look_now()
        assert await silent(deaf) == []


# Pure: what is left of a range.


@given(
    st.tuples(st.integers(1, 40), st.integers(0, 20)),
    st.sets(st.integers(1, 60)),
)
def test_what_is_left_of_a_range_is_what_was_not_told(
    place: tuple[int, int], numbers: set[int]
) -> None:
    first, last = place[0], place[0] + place[1]
    known = [(one, one) for one in sorted(numbers)]
    left = gaps.without((first, last), known)
    assert [n for begin, end in left for n in range(begin, end + 1)] == [
        n for n in range(first, last + 1) if n not in numbers
    ]
