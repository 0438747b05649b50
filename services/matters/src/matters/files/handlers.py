"""Events of audit in: a bundle of the record is finished."""

from sqlalchemy.ext.asyncio import AsyncSession

from matters.files import actions
from shared.contracts.audit import RecordExported
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(RecordExported)
async def on_record_exported(session: AsyncSession, event: RecordExported) -> None:
    await actions.note_pack(session, event)
