"""Events of intake in: a conflict was waived on the word that some of the firm are kept away."""

from sqlalchemy.ext.asyncio import AsyncSession

import matters.clients.queries as clients
from matters.walls import actions
from shared.contracts.intake import ConflictWaived
from shared.handlers import Handlers
from shared.keyring import unseal

handlers = Handlers()


@handlers.on(ConflictWaived)
async def on_conflict_waived(session: AsyncSession, event: ConflictWaived) -> None:
    """A wall around the client, before or after their matter opens; heard for a later run it shuts
    out whom it names anew. Whoever of them answers the client hands over in the same transaction:
    refusing the wall would let them read on until somebody replays this."""
    await clients.require_registered(session, event.client_id)
    await actions.screen(
        session,
        event.client_id,
        event.screened,
        reason=unseal(session, event.reasons),
        by=event.decided_by,
    )
