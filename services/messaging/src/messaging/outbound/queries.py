"""What the other rooms ask about mail that left: threads, states, when a promise was kept."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.outbound.models import State
from shared.contracts.messaging import MessageAcknowledged


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How far a mail of ours has come; `reply` is the other server's last word, `held_until`
    the end of the quiet hours that it waits or waited for."""

    state: State
    accepted_at: datetime | None
    reply: str | None
    held_until: datetime | None


async def conversations_of(session: AsyncSession, headers: Iterable[str]) -> dict[str, UUID]:
    """The conversations that these Message-IDs of mail to clients belong to."""
    rows = await session.execute(
        text("""
            SELECT message_id_header, conversation_id FROM outbound_messages
            WHERE message_id_header = ANY (CAST(:headers AS text[])) AND to_client
        """),
        {"headers": list(headers)},
    )
    return {header: conversation_id for header, conversation_id in rows}


async def thread(session: AsyncSession, conversation_id: UUID) -> tuple[str, ...]:
    """The Message-IDs of what went to the client in this conversation, oldest first."""
    rows = await session.execute(
        text("""
            SELECT message_id_header FROM outbound_messages
            WHERE conversation_id = :conversation_id AND to_client AND accepted_at IS NOT NULL
            ORDER BY accepted_at
        """),
        {"conversation_id": conversation_id},
    )
    return tuple(rows.scalars())


async def automatic_sent_at(session: AsyncSession, header: str) -> datetime | None:
    """When an automatic mail of ours with this Message-ID was accepted: who answers it within
    seconds is a machine."""
    found = await session.execute(
        text("""
            SELECT accepted_at FROM outbound_messages
            WHERE message_id_header = :header AND automatic
        """),
        {"header": header},
    )
    at: datetime | None = found.scalar_one_or_none()
    return at


async def has_purpose(session: AsyncSession, purpose: str) -> bool:
    found = await session.execute(
        text("SELECT EXISTS (SELECT FROM outbound_messages WHERE purpose = :purpose)"),
        {"purpose": purpose},
    )
    return bool(found.scalar_one())


async def automatic_since(session: AsyncSession, recipient: str, since: datetime) -> int:
    """How many automatic mails went, or are to go, to this address."""
    found = await session.execute(
        text("""
            SELECT count(*) FROM outbound_messages
            WHERE lower(recipient) = lower(:recipient) AND automatic AND created_at >= :since
        """),
        {"recipient": recipient, "since": since},
    )
    count: int = found.scalar_one()
    return count


async def deliveries(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID, Delivery]:
    """By the id of the message, which is the id of its mail."""
    rows = await session.execute(
        text("""
            SELECT outbound_id, state, accepted_at, reply, held_until FROM outbound_messages
            WHERE outbound_id = ANY (CAST(:ids AS uuid[]))
        """),
        {"ids": list(message_ids)},
    )
    return {
        row.outbound_id: Delivery(
            state=State(row.state),
            accepted_at=row.accepted_at,
            reply=row.reply,
            held_until=row.held_until,
        )
        for row in rows
    }


async def acknowledged_at(
    session: AsyncSession, message_ids: Collection[UUID]
) -> dict[UUID, datetime]:
    """When each of these messages of a client was first acknowledged or answered."""
    return await _first(session, message_ids, ["acknowledgment", "answer", "question"])


async def answered_at(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When each of these messages was first answered by a person: not acknowledged, not asked
    back."""
    return await _first(session, message_ids, ["answer"])


async def is_being_answered(
    session: AsyncSession, message_id: UUID, *, fully: bool = False
) -> bool:
    """Whether a person's mail that covers this message has left or is about to; `fully`: an answer,
    not only an acknowledgment or a question."""
    found = await session.execute(
        text("""
            SELECT EXISTS (
                SELECT FROM outbound_messages
                WHERE answers @> ARRAY[CAST(:message_id AS uuid)] AND NOT automatic
                    AND state IN ('queued', 'sending', 'accepted')
                    AND (NOT :fully OR told_as ->> 'kind' = 'answer'))
        """),
        {"message_id": message_id, "fully": fully},
    )
    answered: bool = found.scalar_one()
    return answered


async def last_acknowledged_at(session: AsyncSession, conversation_id: UUID) -> datetime | None:
    """When the last automatic acknowledgment of this conversation was written."""
    found = await session.execute(
        text("""
            SELECT max(created_at) FROM outbound_messages
            WHERE conversation_id = :conversation_id AND to_client AND automatic
                AND told_as_type = :type AND state IN ('queued', 'sending', 'accepted')
        """),
        {"conversation_id": conversation_id, "type": MessageAcknowledged.type_name()},
    )
    at: datetime | None = found.scalar_one()
    return at


async def _first(
    session: AsyncSession, message_ids: Collection[UUID], kinds: list[str]
) -> dict[UUID, datetime]:
    """An acknowledgment's event has no `kind`: it is one."""
    wanted: dict[str, Any] = {"ids": list(message_ids), "kinds": kinds}
    rows = await session.execute(
        text("""
            SELECT message_id, min(accepted_at)
            FROM outbound_messages CROSS JOIN unnest(answers) AS message_id
            WHERE answers && CAST(:ids AS uuid[]) AND message_id = ANY (CAST(:ids AS uuid[]))
                AND to_client AND state = 'accepted'
                AND coalesce(told_as ->> 'kind', 'acknowledgment') = ANY (CAST(:kinds AS text[]))
            GROUP BY message_id
        """),
        wanted,
    )
    return {message_id: at for message_id, at in rows}
