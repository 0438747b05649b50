"""A process starts once and dies as a whole, so that whoever started it starts it again."""

import asyncio
import gc
import signal
from types import FrameType

import pytest

from shared.app import Service, create_service, run_or_die
from support.machinery import MessagingSettings
from support.platform import Platform
from support.running import no_task_dies, running


async def fails() -> None:
    raise LookupError("no more work")


async def test_a_task_that_fails_ends_its_process() -> None:
    heard: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        heard.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        with pytest.raises(LookupError):
            await run_or_die("worker", fails())
        await asyncio.sleep(0)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


async def test_a_task_that_dies_fails_the_test_around_it_and_says_of_what() -> None:
    with pytest.raises(AssertionError, match="no more work"), no_task_dies():
        with pytest.raises(LookupError):
            await run_or_die("worker", fails())
        await asyncio.sleep(0)


async def test_a_task_that_is_cancelled_ends_alone() -> None:
    running = asyncio.create_task(run_or_die("worker", asyncio.sleep(60)))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_task_that_fails_while_it_is_cancelled_asks_nobody_to_end() -> None:
    async def ends_badly() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise LookupError("its connection was gone")

    with no_task_dies():
        running = asyncio.create_task(run_or_die("worker", ends_badly()))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(LookupError):
            await running


async def test_what_a_start_made_is_not_looked_through_again_and_a_process_has_one_start(
    platform: Platform,
) -> None:
    settings = await platform.settings(MessagingSettings, machinery_only=True)
    gc.unfreeze()
    for _ in range(2):
        before = gc.get_freeze_count()
        async with running(lambda given: create_service(Service(given)), settings):
            frozen = gc.get_freeze_count()
            await asyncio.sleep(0)  # its tasks begin
        assert frozen > 10_000 if before == 0 else frozen <= before
