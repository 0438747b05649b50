"""Time in: what is due is looked for again and again, and nothing of it is kept in memory."""

import asyncio

import structlog
from sqlalchemy.exc import DBAPIError

import intake.engagements.actions as engagements
import intake.files.actions as files
from intake.consultations.erasure import erase_what_is_due
from intake.information.ticker import remind_all
from intake.settings import IntakeSettings
from shared.errors import Unavailable
from shared.runtime import Runtime

log = structlog.get_logger()


async def tick(runtime: Runtime) -> None:
    """Until cancelled; a database or keyring that is away is waited for."""
    settings = runtime.settings
    assert isinstance(settings, IntakeSettings)
    while True:
        try:
            await look(runtime)
            await remind_all(runtime)
        except (DBAPIError, OSError, TimeoutError, Unavailable) as error:
            log.warning("ticker waits", error=repr(error))
        await asyncio.sleep(settings.intake_tick)


async def look(runtime: Runtime) -> None:
    async with runtime.db.transaction() as session:
        await erase_what_is_due(session)
        await files.sweep(session)
        await engagements.expire_what_is_due(session)
