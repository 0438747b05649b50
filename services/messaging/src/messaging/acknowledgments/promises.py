"""What response clocks promise now, as they told it: the highest revision counts."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.acknowledgments.models import ResponsePromise
from messaging.email.texts import Promise
from shared.contracts.sla_monitor import AcknowledgmentDue, ResponseDue


async def keep_promise(session: AsyncSession, due: ResponseDue) -> None:
    """Remember this revision, unless a higher one was heard before."""
    known = await session.get(ResponsePromise, due.clock_id)
    if known is None:
        known = ResponsePromise(
            clock_id=due.clock_id,
            conversation_id=due.conversation_id,
            revision=0,
            target_at=due.target_at,
            limit_at=due.limit_at,
            due={},
        )
        session.add(known)
    if due.revision > known.revision:
        known.revision = due.revision
        known.target_at, known.limit_at = due.target_at, due.limit_at
        known.due = due.model_dump(mode="json")


async def promise_of(session: AsyncSession, clock_id: UUID) -> Promise | None:
    known = await session.get(ResponsePromise, clock_id)
    if known is None:
        return None
    due = ResponseDue.model_validate(known.due)
    return Promise(target_at=due.target_at, limit_at=due.limit_at, skipped=due.skipped)


def promised_with(due: AcknowledgmentDue) -> Promise:
    """The response clock's instants as they were when this acknowledgment became owed."""
    return Promise(
        target_at=due.response_target_at, limit_at=due.response_limit_at, skipped=due.skipped
    )
