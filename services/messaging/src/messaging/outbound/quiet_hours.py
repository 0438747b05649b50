"""What the firm begins of itself waits for the end of a client's quiet hours; what answers them, or
cannot wait, does not. A mail that waits is a row like any other: composed, fixed, and sent once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.directory import queries as directory
from shared import clock
from shared.db import is_news
from shared.runtime import Runtime

_HOLD_ANEW = text("""
    UPDATE outbound_messages SET held_until = LEAST(CAST(:until AS timestamptz), leaves_by)
    WHERE client_id = :client_id AND state = 'held'
""")
_WITHDRAW = text("""
    UPDATE outbound_messages SET state = 'withdrawn'
    WHERE outbound_id = :outbound_id AND state = 'held'
""")
_WITHDRAW_ALL = text("""
    UPDATE outbound_messages SET state = 'withdrawn'
    WHERE state = 'held' AND starts_with(purpose, :purposes)
""")
_RELEASE = text("""
    UPDATE outbound_messages SET state = 'queued', next_attempt_at = now()
    WHERE state = 'held' AND held_until <= :now RETURNING outbound_id
""")


async def until(
    session: AsyncSession, client_id: UUID, leaves_by: datetime | None
) -> datetime | None:
    """Until when a mail to this client waits; None: it leaves now, because nobody is disturbed or
    because it would come too late."""
    client = await directory.client(session, client_id)
    if client is None:
        return None
    end = (await directory.manner(session, client)).quiet_until(clock.now())
    return None if end and leaves_by and end >= leaves_by else end


async def hold_anew(session: AsyncSession, client_id: UUID) -> None:
    """The client's quiet hours or zone changed: what waits for them follows."""
    end = await until(session, client_id, None) or clock.now()
    await session.execute(_HOLD_ANEW, {"client_id": client_id, "until": end})


async def withdraw(session: AsyncSession, outbound_id: UUID) -> None:
    """What still waits is not sent any more. What has left, or is leaving, stands."""
    await session.execute(_WITHDRAW, {"outbound_id": outbound_id})


async def withdraw_all(session: AsyncSession, purposes: str) -> None:
    """Likewise all whose purpose begins so."""
    await session.execute(_WITHDRAW_ALL, {"purposes": purposes})


async def release(runtime: Runtime) -> None:
    """Several replicas may do it: a row that is no longer `held` is found by nobody."""
    async with runtime.db.transaction() as session:
        released = await session.execute(_RELEASE, {"now": clock.now()})
        if released.first() is not None:
            is_news(session)  # for the delivery
        # If we die before the commit they are held, and the next look releases them; after it they
        # are queued, and delivery takes them as it takes all others.
