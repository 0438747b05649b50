"""Time in: files strangers' mail that turned out to be a client's."""

import structlog

from messaging.conversations import filing, queries
from shared.contracts import FIRM_ID
from shared.keyring import KeyNotHeld
from shared.runtime import Runtime

log = structlog.get_logger()

AT_ONCE = 100


async def file_what_is_due(runtime: Runtime) -> None:
    """One transaction a message: dying between two leaves the rest due. Several replicas may do it:
    the message's row is locked."""
    async with runtime.db.transaction() as session:
        due = await queries.filings_due(session, AT_ONCE)
    for message_id, client_id, owner in due:
        await runtime.keys.hold(FIRM_ID, client_id, owner)
        try:
            async with runtime.db.transaction() as session:
                await filing.file_what_is_due(session, message_id, client_id)
        except KeyNotHeld as missing:  # its key was destroyed: it stays as it is, others go on
            log.warning("a mail cannot be filed", missing=str(missing))
