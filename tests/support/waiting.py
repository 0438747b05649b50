"""Waiting for something to become true, with a deadline and a sentence when it does not."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    look: Callable[[], Awaitable[T]], is_so: Callable[[T], bool] = bool, *, seconds: float = 60
) -> T:
    """The first value for which it is so; AssertionError with the last one after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = await look()
        if is_so(value):
            return value
        assert time.monotonic() < deadline, f"still not so after {seconds} s: {value!r}"
        await asyncio.sleep(0.05)
