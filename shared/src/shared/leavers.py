"""Who has left the firm may do nothing any more, whatever their token says until it expires.

Each service asks its own directory each second, beside the requests: they are refused within a
second of its having heard that somebody's entry was made inactive.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import CallerIdentity
from shared.db import Database
from shared.errors import Forbidden, Unavailable
from shared.keyring import KeyNotHeld
from shared.sealing import SealBroken

log = structlog.get_logger()

EVERY_SECONDS = 1.0
NO_ANSWER = (
    DBAPIError, OSError, TimeoutError, Unavailable, KeyNotHeld, SealBroken, ValueError,
)  # fmt: skip

FormerStaff = Callable[[AsyncSession], Awaitable[Collection[str]]]
"""The addresses, in small letters, that somebody who left had and nobody active has."""


async def of_directory(session: AsyncSession) -> Collection[str]:
    """As a service's own table `staff` says."""
    left = "SELECT lower(email) FROM staff GROUP BY lower(email) HAVING NOT bool_or(active)"
    return (await session.scalars(text(left))).all()


class Leavers:
    """One process's reading of it, written by `run` alone."""

    def __init__(self, db: Database, former_staff: FormerStaff) -> None:
        self._db = db
        self._former_staff = former_staff
        self._addresses: frozenset[str] | None = None

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """With no answer, or one out of a damaged record, what was known stays known: nobody is
        let in again by it."""
        try:
            async with self._db.transaction() as session:
                self._addresses = frozenset(await self._former_staff(session))
        except NO_ANSWER as error:
            log.warning("who has left the firm is not known", error=type(error).__name__)

    def refuse(self, caller: CallerIdentity) -> None:
        """Raises Forbidden for somebody who left, Unavailable before the first answer. A client
        may have been on the staff once."""
        if caller.client_id or caller.email is None:
            return
        if self._addresses is None:
            raise Unavailable("The firm's directory does not answer yet.")
        if caller.email in self._addresses:
            raise Forbidden(
                "Your entry in the firm's directory is not active any more; a partner can change"
                " that.",
                action="former-staff",
            )
