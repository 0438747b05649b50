"""Events of billing in: fees were explained to a client."""

from sqlalchemy.ext.asyncio import AsyncSession

from intake.fees import actions
from shared.contracts.billing import FeesDisclosed
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(FeesDisclosed)
async def on_fees_disclosed(session: AsyncSession, event: FeesDisclosed) -> None:
    await actions.keep(session, event)
