"""Every service tells who read a client's data; here it becomes what the client can see."""

from sqlalchemy.ext.asyncio import AsyncSession

from matters.consents import actions
from shared.contracts.platform import RecordAccessed
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(RecordAccessed)
async def on_record_accessed(session: AsyncSession, event: RecordAccessed) -> None:
    await actions.note_view(session, event)
