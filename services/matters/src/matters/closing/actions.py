"""Close a matter. What is still owed stands in the way until it is done, or given up with a reason;
a legal hold stops disposal, never closing. Retention counts from here."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import matters.decisions.actions as decisions
import matters.decisions.queries as asked
import matters.updates.actions as updates
from matters.closing import queries
from matters.closing.models import Closing
from matters.matters.models import Matter
from matters.matters.queries import require_open
from shared import clock
from shared.contracts.matters import MatterClosed
from shared.errors import Refusal
from shared.keyring import seal
from shared.outbox import emit


class StillOpen(Refusal):
    """Something is still owed in the matter: end it, or give it up with a reason."""


async def close(
    session: AsyncSession,
    matter: Matter,
    *,
    reason: str,
    letter: str,
    give_up: Mapping[UUID, str],
    by: UUID,
) -> Closing:
    """The closing letter goes out as the last update. Raises StillOpen with what stands in the
    way, and MatterClosed for the second of two at once. The client's key must be held."""
    await session.refresh(matter, with_for_update=True)
    require_open(matter)
    left = await queries.still_open(session, matter.matter_id)
    if in_the_way := [one for one in left if one.id not in give_up]:
        raise StillOpen(
            "Something is still owed in the matter: end it, or give it up with a reason.",
            open=[{"id": str(one.id), "kind": one.kind} for one in in_the_way],
        )
    for decision in await asked.open_in(session, matter.matter_id):
        await decisions.withdraw(session, decision, reason=give_up[decision.decision_id])
    await updates.write_last(session, matter, letter, by=by)
    now = await clock.database_now(session)
    content = matter.client_id, matter.matter_id, "closing"
    sealed = seal(session, *content, "reason", reason)
    closing = Closing(
        matter_id=matter.matter_id,
        client_id=matter.client_id,
        reason=sealed.model_dump(mode="json"),
        given_up=[
            {
                "id": str(one.id),
                "kind": one.kind,
                "reason": seal(session, *content, str(one.id), give_up[one.id]).model_dump(
                    mode="json"
                ),
            }
            for one in left
        ],
        closed_by=by,
        closed_at=now,
    )
    session.add(closing)
    matter.closed_at = now
    emit(
        session,
        MatterClosed(
            matter_id=matter.matter_id,
            client_id=matter.client_id,
            closed_at=now,
            closed_by=by,
            reason=sealed,
            given_up=tuple(one.id for one in left),
        ),
    )
    return closing
