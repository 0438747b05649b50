"""Each test has an intake of its own, of a firm with a managing partner and an attorney."""

from collections.abc import AsyncIterator

import pytest

from support.platform import Platform
from support.prospects import Intake, intake_in


@pytest.fixture
async def intake(platform: Platform) -> AsyncIterator[Intake]:
    async with intake_in(platform) as world:
        await world.member("Eleanor Vale", "partner", email="partner@firm.test")
        await world.member("Daniel Okafor", "attorney", email="attorney@firm.test")
        yield world
