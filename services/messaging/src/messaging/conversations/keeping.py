"""One row of a conversation: what was said, sealed, with the original that it came as."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import custody
from messaging.conversations.custody import SealedOriginal
from messaging.conversations.models import Conversation, Message
from shared import telemetry
from shared.contracts import Sealed
from shared.contracts.messaging import Channel
from shared.keyring import seal


@dataclass(frozen=True, kw_only=True)
class Said:
    """The words of one message in either direction. `more` are further columns of `Message`."""

    message_id: UUID
    received_at: datetime
    channel: Channel
    subject: str
    body: str
    sender_name: str = ""
    sender_address: str = ""
    urgent: bool = False
    automatic: bool = False
    more: dict[str, Any] | None = None
    original: SealedOriginal | None = None


async def keep(
    session: AsyncSession,
    conversation: Conversation,
    said: Said,
    owner: UUID,
    *,
    direction: str,
    kind: str = "message",
    staff_id: UUID | None = None,
    quarantine_reason: str | None = None,
) -> Message:
    row = Message(
        message_id=said.message_id,
        conversation_id=conversation.conversation_id,
        client_id=conversation.client_id,
        matter_id=conversation.matter_id,
        direction=direction,
        kind=kind,
        channel=said.channel,
        received_at=said.received_at,
        urgent=said.urgent,
        automatic=said.automatic,
        staff_id=staff_id,
        quarantine_reason=quarantine_reason,
        trace_id=telemetry.trace_id(),
        owner=owner,
        subject=_seal(session, owner, said.message_id, "subject", said.subject),
        body=_seal(session, owner, said.message_id, "body", said.body),
        sender_name=said.sender_name or None,
        sender_address=said.sender_address or None,
        **(said.more or {}),
    )
    if said.original is not None:
        row.key_version = said.original.key_version
        row.original_size = said.original.size
        row.original_commitment = said.original.commitment
        row.content_identity = said.original.identity
    session.add(row)
    await session.flush()
    if said.original is not None:
        await custody.keep(session, said.original)
    return row


def _seal(
    session: AsyncSession, owner: UUID, message_id: UUID, field: str, text: str
) -> dict[str, Any]:
    return seal(session, owner, message_id, "message", field, text).model_dump(mode="json")


def sealed(stored: dict[str, Any] | None) -> Sealed | None:
    return Sealed.model_validate(stored) if stored else None
