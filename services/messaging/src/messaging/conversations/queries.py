"""Questions to the conversations; what other rooms of messaging may know of a message."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.acknowledgments.models import ResponsePromise
from messaging.conversations.models import Attachment, Conversation, FilingDue, Message
from messaging.directory import queries as directory
from messaging.directory.models import MergedClient
from messaging.directory.queries import Closed, Seen
from messaging.email.threading import Because
from messaging.outbound import queries as outbound
from messaging.outbound.models import OutboundMessage, State
from shared import sealing
from shared.contracts import Sealed
from shared.contracts.messaging import MessageSent
from shared.keyring import Keyring, unseal


@dataclass(frozen=True, slots=True)
class Twin:
    """A kept mail that an incoming one may be the same as."""

    message_id: UUID
    owner: UUID
    identity: bytes


async def message(session: AsyncSession, message_id: UUID) -> Message | None:
    return await session.get(Message, message_id)


def subject_of(session: AsyncSession, row: Message | Conversation) -> str:
    """Unsealed; the key of the row's owner must be held."""
    return unseal(session, Sealed.model_validate(row.subject)) if row.subject else ""


def subject_with(keys: Keyring, row: Conversation) -> str:
    """The same outside of a transaction."""
    if not row.subject:
        return ""
    sealed = Sealed.model_validate(row.subject)
    return sealing.unseal(keys.key(sealed.owner, sealed.key_version), sealed).decode()


def body_of(session: AsyncSession, row: Message) -> str:
    return unseal(session, Sealed.model_validate(row.body)) if row.body else ""


async def conversations_with(
    session: AsyncSession, message_id_headers: Sequence[str]
) -> dict[str, Conversation]:
    """The conversations that these Message-IDs belong to, of mail in and of mail out."""
    if not message_id_headers:
        return {}
    came = await session.execute(
        select(col(Message.message_id_header), col(Message.conversation_id)).where(
            col(Message.message_id_header).in_(message_id_headers)
        )
    )
    ids: dict[str, UUID] = {header: found for header, found in came if header}
    ids |= await outbound.conversations_of(session, message_id_headers)
    rows = await session.execute(
        select(Conversation).where(col(Conversation.conversation_id).in_(set(ids.values())))
    )
    by_id = {row.conversation_id: row for row in rows.scalars()}
    return {header: by_id[found] for header, found in ids.items() if found in by_id}


async def twins(
    session: AsyncSession,
    message_id_header: str | None,
    envelope_from: str,
    received_at: datetime,
    retry: timedelta,
) -> list[Twin]:
    """What an incoming mail may be a copy of: the same Message-ID, or without one the same
    envelope sender within one SMTP retry."""
    same: ColumnElement[bool] = col(Message.message_id_header) == message_id_header
    if message_id_header is None:
        same = and_(
            col(Message.message_id_header).is_(None),
            col(Message.envelope_from) == envelope_from,
            col(Message.received_at) >= received_at - retry,
        )
    rows = await session.execute(
        select(col(Message.message_id), col(Message.owner), col(Message.content_identity))
        .where(same, col(Message.content_identity).is_not(None))
        .order_by(col(Message.message_id))
    )
    return [Twin(message_id, owner, found) for message_id, owner, found in rows if found]


async def thread(session: AsyncSession, conversation_id: UUID) -> tuple[str, ...]:
    """What an answer refers to: the references and the id of the client's newest mail."""
    found = await session.execute(
        select(Message)
        .where(
            col(Message.conversation_id) == conversation_id,
            col(Message.direction) == "inbound",
            col(Message.kind) == "message",
            col(Message.message_id_header).is_not(None),
        )
        .order_by(col(Message.message_id).desc())
        .limit(1)
    )
    newest = found.scalar_one_or_none()
    if newest is None or newest.message_id_header is None:
        return ()
    return (*newest.references, newest.message_id_header)


async def strangers_mail(session: AsyncSession, address: str, since: datetime) -> list[UUID]:
    """What waits in quarantine because nobody knew this sender, and came since then."""
    found = await session.execute(
        select(col(Message.message_id)).where(
            col(Message.sender_address) == address,
            col(Message.client_id).is_(None),
            col(Message.received_at) >= since,
            col(Message.quarantine_reason) == Because.UNKNOWN_SENDER.value,
        )
    )
    return list(found.scalars())


async def filings_due(session: AsyncSession, limit: int) -> list[tuple[UUID, UUID, UUID]]:
    """(message, its client, its owner) of what can be filed, the oldest first."""
    client_id = func.coalesce(col(MergedClient.client_id), col(FilingDue.client_id))
    found = await session.execute(
        select(col(FilingDue.message_id), client_id, col(Message.owner))
        .select_from(FilingDue)
        .join(Message, col(Message.message_id) == col(FilingDue.message_id))
        .outerjoin(MergedClient, col(MergedClient.merged_id) == col(FilingDue.client_id))
        .order_by(col(FilingDue.message_id))
        .limit(limit)
    )
    return [(message_id, client_id, owner) for message_id, client_id, owner in found]


async def unfiled_since(session: AsyncSession, client_id: UUID, at: datetime) -> list[Message]:
    """The first message since then of each conversation of the client, under whichever entry, that
    has no matter."""
    theirs = await directory.entries(session, [client_id])
    found = await session.execute(
        select(Message)
        .where(
            col(Message.client_id).in_(theirs),
            col(Message.matter_id).is_(None),
            col(Message.received_at) >= at,
        )
        .order_by(col(Message.received_at).desc())
    )
    return list({row.conversation_id: row for row in found.scalars()}.values())


async def promise(session: AsyncSession, row: Message) -> ResponsePromise | None:
    """What the newest response clock of this message promises."""
    found = await session.execute(
        select(ResponsePromise)
        .where(
            col(ResponsePromise.conversation_id) == row.conversation_id,
            col(ResponsePromise.due)["message_ids"].contains([str(row.message_id)]),
        )
        .order_by(col(ResponsePromise.clock_id).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()


async def owed(session: AsyncSession, conversation_id: UUID) -> tuple[UUID, ...]:
    """The client's messages of a conversation that no answer has left for, oldest first."""
    rows = await session.execute(
        select(col(Message.message_id))
        .where(col(Message.conversation_id) == conversation_id, _unanswered(_LEAVING))
        .order_by(col(Message.message_id))
    )
    return tuple(rows.scalars())


async def conversation_owing(
    session: AsyncSession, clients: Collection[UUID], matter_id: UUID | None
) -> UUID | None:
    """The conversation with the oldest unanswered message of this client, and matter if given."""
    wanted = [col(Message.client_id).in_(clients), _unanswered(_LEAVING)]
    if matter_id is not None:
        wanted.append(col(Message.matter_id) == matter_id)
    rows = await session.execute(
        select(col(Message.conversation_id))
        .where(*wanted)
        .order_by(col(Message.received_at))
        .limit(1)
    )
    return rows.scalar_one_or_none()


async def page_of(
    session: AsyncSession,
    *,
    seen: Seen | None,
    of: Collection[UUID] | None,
    matter_id: UUID | None,
    state: str | None,
    for_client: bool,
    closed: Closed,
    before: UUID | None,
    limit: int,
) -> list[Message]:
    """Newest first. `seen` is what the caller may see, `of` whose are asked for; None: all."""
    wanted: list[ColumnElement[bool]] = []
    if seen is not None:
        theirs = col(Message.client_id).in_(seen.clients)
        wanted.append(theirs | col(Message.matter_id).in_(seen.matters))
    if closed.clients:
        whose = col(Message.client_id)
        wanted.append(whose.is_(None) | whose.not_in(closed.clients))
    if closed.matters:
        its = col(Message.matter_id)
        wanted.append(its.is_(None) | its.not_in(closed.matters))
    if for_client:
        wanted.append(col(Message.direction) != "internal")
    if of is not None:
        wanted.append(col(Message.client_id).in_(of))
    if matter_id is not None:
        wanted.append(col(Message.matter_id) == matter_id)
    if state == "unanswered":
        wanted.append(_unanswered([State.ACCEPTED]))
    if state == "quarantined":
        wanted.append(col(Message.client_id).is_(None))
    if before is not None:
        wanted.append(col(Message.message_id) < before)
    rows = await session.execute(
        select(Message).where(*wanted).order_by(col(Message.message_id).desc()).limit(limit)
    )
    return list(rows.scalars())


_LEAVING = [State.QUEUED, State.SENDING, State.ACCEPTED]


def _unanswered(states: Sequence[State]) -> ColumnElement[bool]:
    """A client's own message that no person's answer in one of these states covers."""
    answer = exists().where(
        col(OutboundMessage.answers).bool_op("@>")(array([col(Message.message_id)])),
        col(OutboundMessage.told_as_type) == MessageSent.type_name(),
        col(OutboundMessage.told_as)["kind"].astext == "answer",
        col(OutboundMessage.state).in_(states),
    )
    return and_(
        col(Message.client_id).is_not(None),
        col(Message.direction) == "inbound",
        col(Message.kind) == "message",
        col(Message.automatic).is_(False),
        col(Message.settled_at).is_(None),
        ~answer,
    )


async def corrections(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The entry that corrects each of these."""
    rows = await session.execute(
        select(col(Message.corrects), col(Message.message_id)).where(
            col(Message.corrects).in_(message_ids)
        )
    )
    return {wrong: newer for wrong, newer in rows if wrong}


async def attachment_names(session: AsyncSession, message_id: UUID) -> list[str]:
    """Unsealed, in the order in which they stand in the mail."""
    rows = await session.execute(
        select(col(Attachment.file_name))
        .where(col(Attachment.message_id) == message_id)
        .order_by(col(Attachment.part))
    )
    return [unseal(session, Sealed.model_validate(name)) for name in rows.scalars()]
