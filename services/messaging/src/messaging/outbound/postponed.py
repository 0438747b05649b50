"""An event whose people the directory does not know yet waits here and is heard again.

Topics of two owners travel apart: what sla-monitor says of a client may come before what matters
said.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar
from uuid import NAMESPACE_OID, uuid5

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.directory import queries as directory
from messaging.outbound.models import PostponedEvent
from shared.contracts import FIRM_ID, Event
from shared.keyring import owners_in
from shared.runtime import Runtime

log = structlog.get_logger()

E = TypeVar("E", bound=Event)
Handler = Callable[[AsyncSession, E], Awaitable[None]]

HEARD_AGAIN_AFTER = timedelta(seconds=1)
PUT_OFF_FOR = timedelta(minutes=1)


class NotYetKnown(Exception):
    """Somebody or something that the event speaks of has not been heard of. Raised before anything
    was changed."""


def patient(handler: Handler[E]) -> Handler[E]:
    """The handler, but what it cannot do yet is kept and tried again until it can."""

    @wraps(handler)
    async def heard(session: AsyncSession, event: E) -> None:
        try:
            await handler(session, event)
        except NotYetKnown as missing:
            log.info(
                "an event waits for the directory", type=event.type_name(), missing=str(missing)
            )
            await _keep(session, event)

    return heard


async def hear_again(runtime: Runtime) -> int:
    """Give each event that is due to its handler again, each in a transaction of its own; how many
    were tried."""
    async with runtime.db.transaction() as session:
        rows = await session.execute(
            select(PostponedEvent)
            .where(col(PostponedEvent.due_at) <= func.now())
            .order_by(col(PostponedEvent.kept_at))
            .limit(100)
        )
        due = rows.scalars().all()
    for row in due:
        try:
            await _hear(runtime, row)
        except Exception as error:  # noqa: BLE001 - one that fails must not hold up the others
            log.error("a postponed event failed", type=row.type, error=repr(error))
            await _put_off(runtime, row)
    return len(due)


async def forget(session: AsyncSession, event: type[Event], **facts: Any) -> None:
    """Events of this kind with these facts wait no longer: what they asked for was taken back."""
    told = {name: str(value) for name, value in facts.items()}
    await session.execute(
        delete(PostponedEvent).where(
            col(PostponedEvent.type) == event.type_name(), col(PostponedEvent.event).contains(told)
        )
    )


async def _hear(runtime: Runtime, row: PostponedEvent) -> None:
    found = runtime.handlers.find(row.type)
    assert found is not None, f"{row.type} was kept by its own handler"
    contract, handler = found
    event = contract.model_validate(row.event)
    async with runtime.db.transaction() as session:
        matter_id = getattr(event, "matter_id", None)
        joint = await directory.joint_clients(session, matter_id) if matter_id else []
        owners = await directory.entries(session, [*owners_in(event), *joint])
    await runtime.keys.hold(FIRM_ID, *owners)
    async with runtime.db.transaction() as session:
        gone = await session.execute(
            delete(PostponedEvent)
            .where(col(PostponedEvent.postponed_id) == row.postponed_id)
            .returning(col(PostponedEvent.postponed_id))
        )
        # Another replica may have been first: then it has done, or kept again, what there is to do.
        if gone.scalar_one_or_none() is not None:
            await handler(session, event)


async def _put_off(runtime: Runtime, row: PostponedEvent) -> None:
    async with runtime.db.transaction() as session:
        await session.execute(
            update(PostponedEvent)
            .where(col(PostponedEvent.postponed_id) == row.postponed_id)
            .values(due_at=func.now() + PUT_OFF_FOR)
        )


async def _keep(session: AsyncSession, event: Event) -> None:
    facts: dict[str, Any] = event.model_dump(mode="json")
    name = event.type_name()
    await session.execute(
        insert(PostponedEvent)
        .values(
            postponed_id=uuid5(NAMESPACE_OID, name + event.model_dump_json()),
            type=name,
            event=facts,
            kept_at=func.now(),
            due_at=func.now() + HEARD_AGAIN_AFTER,
        )
        .on_conflict_do_nothing(index_elements=["postponed_id"])
    )
