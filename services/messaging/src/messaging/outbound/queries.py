"""What the other rooms ask about mail that left: threads, states, when a promise was kept."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.outbound.models import OutboundMessage, State
from shared.contracts.messaging import MessageAcknowledged, MessageSent

_AWAY = [State.ACCEPTED, State.BOUNCED]
_ON_ITS_WAY = [State.QUEUED, State.SENDING, State.ACCEPTED]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How far a mail of ours has come; `reply` is the other server's last word."""

    state: State
    accepted_at: datetime | None
    reply: str | None


async def conversations_of(session: AsyncSession, headers: Iterable[str]) -> dict[str, UUID]:
    """The conversations that these Message-IDs of mail to clients belong to."""
    rows = await session.execute(
        select(OutboundMessage.message_id_header, OutboundMessage.conversation_id).where(
            OutboundMessage.message_id_header.in_(list(headers)),  # type: ignore[attr-defined]
            OutboundMessage.to_client,
        )
    )
    return {header: conversation for header, conversation in rows if conversation}


async def thread(session: AsyncSession, conversation_id: UUID) -> tuple[str, ...]:
    """The Message-IDs of what went to the client in this conversation, oldest first."""
    rows = await session.execute(
        select(OutboundMessage.message_id_header)
        .where(
            OutboundMessage.conversation_id == conversation_id,
            OutboundMessage.to_client,
            OutboundMessage.state.in_(_AWAY),  # type: ignore[attr-defined]
        )
        .order_by(OutboundMessage.accepted_at)  # type: ignore[arg-type]
    )
    return tuple(rows.scalars())


async def automatic_sent_at(session: AsyncSession, header: str) -> datetime | None:
    """When an automatic mail of ours with this Message-ID was accepted: who answers it within
    seconds is a machine."""
    found = await session.execute(
        select(OutboundMessage.accepted_at).where(
            OutboundMessage.message_id_header == header, OutboundMessage.automatic
        )
    )
    return found.scalar_one_or_none()


async def automatic_since(session: AsyncSession, recipient: str, since: datetime) -> int:
    """How many automatic mails went, or are to go, to this address."""
    found = await session.execute(
        select(func.count()).where(
            func.lower(OutboundMessage.recipient) == recipient.lower(),
            OutboundMessage.automatic,
            OutboundMessage.created_at >= since,
        )
    )
    return found.scalar_one()


async def deliveries(
    session: AsyncSession, message_ids: Collection[UUID]
) -> dict[UUID, Delivery]:
    """By the id of the message, which is the id of its mail."""
    rows = await session.execute(
        select(
            OutboundMessage.outbound_id,
            OutboundMessage.state,
            OutboundMessage.accepted_at,
            OutboundMessage.reply,
        ).where(OutboundMessage.outbound_id.in_(list(message_ids)))  # type: ignore[attr-defined]
    )
    return {
        outbound_id: Delivery(state=State(state), accepted_at=accepted_at, reply=reply)
        for outbound_id, state, accepted_at, reply in rows
    }


async def acknowledged_at(
    session: AsyncSession, message_ids: Collection[UUID]
) -> dict[UUID, datetime]:
    """When each of these messages of a client was first acknowledged or answered."""
    return await _first(session, message_ids, _accepted())


async def answered_at(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When each of these messages was first answered by a person: not acknowledged, not asked
    back."""
    answers = _accepted().where(
        OutboundMessage.told_as_type == MessageSent.type_name(),
        OutboundMessage.told_as["kind"].astext == "answer",  # type: ignore[index]
    )
    return await _first(session, message_ids, answers)


async def is_being_answered(session: AsyncSession, message_id: UUID) -> bool:
    """Whether a person's mail that covers this message has left or is about to."""
    found = await session.execute(
        select(OutboundMessage.outbound_id)
        .where(
            OutboundMessage.answers.contains([message_id]),  # type: ignore[attr-defined]
            OutboundMessage.automatic.is_(False),  # type: ignore[attr-defined]
            OutboundMessage.state.in_(_ON_ITS_WAY),  # type: ignore[attr-defined]
        )
        .limit(1)
    )
    return found.scalar_one_or_none() is not None


async def last_acknowledged_at(session: AsyncSession, conversation_id: UUID) -> datetime | None:
    """When the last automatic acknowledgment of this conversation was written."""
    found = await session.execute(
        select(func.max(OutboundMessage.created_at)).where(
            OutboundMessage.conversation_id == conversation_id,
            OutboundMessage.told_as_type == MessageAcknowledged.type_name(),
            OutboundMessage.automatic,
            OutboundMessage.state.in_(_ON_ITS_WAY),  # type: ignore[attr-defined]
        )
    )
    return found.scalar_one()


def _accepted() -> Select[tuple[UUID, datetime | None]]:
    return select(
        func.unnest(OutboundMessage.answers).label("message_id"),
        OutboundMessage.accepted_at,  # type: ignore[call-overload]
    ).where(OutboundMessage.to_client, OutboundMessage.state == State.ACCEPTED)


async def _first(
    session: AsyncSession,
    message_ids: Collection[UUID],
    chosen: Select[tuple[UUID, datetime | None]],
) -> dict[UUID, datetime]:
    wanted = chosen.where(OutboundMessage.answers.overlap(list(message_ids))).subquery()  # type: ignore[attr-defined]
    rows = await session.execute(
        select(wanted.c.message_id, func.min(wanted.c.accepted_at))
        .where(wanted.c.message_id.in_(list(message_ids)))
        .group_by(wanted.c.message_id)
    )
    return {message_id: at for message_id, at in rows}
