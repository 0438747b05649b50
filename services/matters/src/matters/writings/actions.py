"""Keep that a client wrote, once, however often it is heard."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from matters.writings.models import Writing
from shared.contracts.messaging import ClientMessageReceived


async def note(session: AsyncSession, event: ClientMessageReceived) -> None:
    """What a machine sent for them (out of office) says nothing of their will."""
    if not event.automatic:
        row = event.model_dump(include=set(Writing.model_fields))
        await session.execute(insert(Writing).values(row).on_conflict_do_nothing())
