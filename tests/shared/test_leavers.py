"""Until a directory has answered nobody of the staff is let in, and what it said stays known while
it is silent."""

from collections.abc import Collection
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import CallerIdentity
from shared.db import Database
from shared.errors import Forbidden, Unavailable
from shared.leavers import Leavers
from support.machinery import MessagingSettings
from support.platform import Platform


def known_as(role: str, email: str | None, client: bool = False) -> CallerIdentity:
    one = uuid4()
    return CallerIdentity(id=one, role=role, email=email, client_id=one if client else None)


async def test_a_directory_that_does_not_answer_lets_nobody_in_and_nobody_in_again(
    platform: Platform,
) -> None:
    db = Database(await platform.settings(MessagingSettings, machinery_only=True))
    answers: list[Collection[str]] = [{"left@firm.test"}]

    async def directory(session: AsyncSession) -> Collection[str]:
        if not answers:
            raise TimeoutError
        return answers.pop()

    leavers = Leavers(db, directory)
    here, left = known_as("attorney", "here@firm.test"), known_as("attorney", "left@firm.test")
    for one in (here, left):
        with pytest.raises(Unavailable):
            leavers.refuse(one)
    for _ in range(2):  # the second time it has no answer
        await leavers.look()
        leavers.refuse(here)
        with pytest.raises(Forbidden):
            leavers.refuse(left)
    leavers.refuse(known_as("client", "left@firm.test", client=True))
    leavers.refuse(known_as("integration", None))
    await db.close()
