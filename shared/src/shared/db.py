"""A service's memory: one transaction per request or poll, opened and closed at the door.

`Database.transaction()` is the only place that commits. The outbox rows are its last statements, so
that a stream's head is locked for the shortest time; who waits for news is woken after the commit.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import ExceptionContext, event, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shared import outbox
from shared.settings import Settings

# What a connection of asyncpg's own raises when its server ended it. InternalClientError is its
# word for an ending that came between two statements, such as the idle time-out of a frozen holder.
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


def server_settings(settings: Settings, **more: str) -> dict[str, str]:
    """What lets the server drop a holder that froze: its locks would block everybody behind it."""

    def milliseconds(seconds: float) -> str:
        return str(int(seconds * 1000))

    return {
        "application_name": settings.service,
        "idle_in_transaction_session_timeout": milliseconds(settings.idle_in_transaction_timeout),
        "transaction_timeout": milliseconds(settings.transaction_timeout),
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": milliseconds(settings.tcp_user_timeout),
        "timezone": "UTC",
        "jit": "off",
        **more,
    }


class Database:
    """Engine, sessions and the wake-ups after a commit."""

    def __init__(self, settings: Settings, **info: Any) -> None:
        self.settings = settings
        self.engine = create_async_engine(
            settings.database_url.replace("postgresql://", "postgresql+asyncpg://", 1),
            connect_args={"server_settings": server_settings(settings), "timeout": 10},
            pool_size=10,
            max_overflow=10,
            pool_pre_ping=False,
            pool_recycle=600,
        )
        event.listen(self.engine.sync_engine, "handle_error", _lost_connections)
        self.info = {"service": settings.service, "settings": settings, **info}
        self._waiting: list[asyncio.Event] = []

    def news(self) -> asyncio.Event:
        """An event that is set after each commit that told something, or was said to be news
        (`is_news`); who waits for it clears it."""
        event = asyncio.Event()
        self._waiting.append(event)
        return event

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Commits when the block ends well, rolls back otherwise. Nothing else commits.

        The connection is taken at the first statement: what needs the network (keys) is fetched
        before it.
        """
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            session.info.update(self.info)
            try:
                yield session
                told = await outbox.write(session)
                # Dying before this line leaves nothing; after it everything, and the relay finds
                # the outbox rows at its next poll even if nobody is left to wake it.
                await session.commit()
            except BaseException:
                await asyncio.shield(session.rollback())
                raise
        if told or session.info.get("news"):
            for event in self._waiting:
                event.set()

    async def connect(self, **more: str) -> asyncpg.Connection:
        """A connection of one's own for machinery that must not share a pool (relay, bulk
        writes)."""
        return await asyncpg.connect(
            self.settings.database_url,
            server_settings=server_settings(self.settings, **more),
            timeout=10,
        )

    async def ping(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def is_news(session: AsyncSession) -> None:
    """Have who waits for `news` woken after this transaction, also if it tells no event."""
    session.info["news"] = True


def _lost_connections(context: ExceptionContext) -> None:
    """A server that dies between two statements leaves asyncpg in a state of which SQLAlchemy does
    not know that the connection is gone: it would go back to the pool and fail for ever."""
    cause = context.original_exception.__cause__
    if isinstance(cause, asyncpg.InternalClientError | asyncpg.InterfaceError):
        context.is_disconnect = True


async def transaction(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.state.runtime.db
    async with database.transaction() as session:
        request.state.session = session
        yield session


# scope="function" commits before the response leaves; with the default a failed commit was a 201.
Transaction = Annotated[AsyncSession, Depends(transaction, scope="function")]
