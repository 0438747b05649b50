"""Each test has a firm of its own, and money that moves with the clock."""

from collections.abc import AsyncIterator

import pytest

from support.bills import Bills, bills_in
from support.platform import Platform


@pytest.fixture
async def bills(platform: Platform) -> AsyncIterator[Bills]:
    async with bills_in(platform) as bills:
        yield bills
