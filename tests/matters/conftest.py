"""Each test has a firm of its own."""

from collections.abc import AsyncIterator

import pytest

from support.firm import World, firm_in
from support.platform import Platform


@pytest.fixture
async def world(platform: Platform) -> AsyncIterator[World]:
    async with firm_in(platform) as world:
        yield world
