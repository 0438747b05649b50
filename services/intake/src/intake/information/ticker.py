"""Time in: who has not sent what was asked for is reminded, in their own daytime."""

import intake.consultations.queries as consultations
from intake.information import actions, queries
from shared import clock
from shared.runtime import Runtime


async def remind_all(runtime: Runtime) -> None:
    """Keys are fetched between a look and the transaction that reminds; who was reminded meanwhile
    by another replica is not found again."""
    async with runtime.db.transaction() as looking:
        due = await queries.to_remind(looking, clock.now())
    if not due:
        return
    await runtime.keys.hold(*(row.client_id for row in due))
    async with runtime.db.transaction() as session:
        for row in await queries.to_remind(session, clock.now()):
            if row.client_id in {one.client_id for one in due}:
                of = await consultations.consultation(session, row.consultation_id)
                await actions.remind(session, row, of.time_zone)
