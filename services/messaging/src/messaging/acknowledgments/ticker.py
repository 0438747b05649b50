"""Time in: writes grouped acknowledgments when their ten minutes end."""

from uuid import UUID

import structlog
from sqlalchemy import text

from messaging.acknowledgments import actions
from messaging.outbound.postponed import NotYetKnown
from shared import clock
from shared.contracts import FIRM_ID
from shared.keyring import KeyNotHeld
from shared.runtime import Runtime

log = structlog.get_logger()


async def write_due_groups(runtime: Runtime) -> None:
    """One transaction a conversation."""
    for conversation_id, client_id in await _due(runtime):
        await runtime.keys.hold(FIRM_ID, client_id)
        try:
            async with runtime.db.transaction() as session:
                await actions.write_group(session, conversation_id)
        except (NotYetKnown, KeyNotHeld) as missing:
            log.warning("a grouped acknowledgment waits", missing=str(missing))


async def _due(runtime: Runtime) -> list[tuple[UUID, UUID]]:
    async with runtime.db.transaction() as session:
        rows = await session.execute(
            text("""
                SELECT DISTINCT conversation_id, CAST(due ->> 'client_id' AS uuid)
                FROM acknowledgments WHERE state = 'waiting' AND compose_at <= :now LIMIT 100
            """),
            {"now": clock.now()},
        )
        return [(conversation_id, client_id) for conversation_id, client_id in rows]
