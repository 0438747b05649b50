"""Where a message belongs: out of quarantine to a client, to another matter, and what was written
before this service had heard of the client or the matter that it belongs to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.conversations import queries
from messaging.conversations.actions import tell_received
from messaging.conversations.models import Conversation, FilingDue, Message
from messaging.directory import queries as directory
from shared import clock
from shared.contracts import FIRM_ID
from shared.contracts.matters import ClientRegistered
from shared.contracts.messaging import MessageFiled, MessageRefiled
from shared.errors import Refusal
from shared.keyring import seal
from shared.outbox import emit


class MessageOfAnotherClient(Refusal):
    """The message is on the record of a client already and cannot go to another one."""


class NothingToFile(Refusal):
    """Only what a client or a stranger wrote can be filed."""


async def file_message(
    session: AsyncSession,
    row: Message,
    *,
    client_id: UUID,
    matter_id: UUID | None,
    filed_by: UUID,
    reason: str,
) -> None:
    """Out of quarantine to a client, or to another matter of the same client. Clocks keep the
    first receipt."""
    if row.direction != "inbound" or row.kind != "message":
        raise NothingToFile("Only what came from outside can be filed.")
    if row.client_id is None:
        await _out_of_quarantine(session, row, client_id, matter_id, filed_by, reason)
    elif row.client_id not in await directory.entries(session, [client_id]):
        raise MessageOfAnotherClient("The message is on another client's record already.")
    elif row.matter_id != matter_id:
        await _refile(session, row, matter_id, filed_by, reason)


async def _out_of_quarantine(
    session: AsyncSession,
    row: Message,
    client_id: UUID,
    matter_id: UUID | None,
    filed_by: UUID,
    reason: str,
) -> None:
    row.client_id, row.matter_id = client_id, matter_id
    row.filed_at, row.filed_by = clock.now(), filed_by
    await session.flush()
    place = {"client_id": client_id, "matter_id": matter_id}
    await _move(session, row.conversation_id, place)
    # The seals stay those of the stranger's conversation: what was told once reads the same.
    await tell_received(session, row)
    emit(
        session,
        MessageFiled(
            message_id=row.message_id,
            conversation_id=row.conversation_id,
            client_id=client_id,
            matter_id=matter_id,
            filed_by=filed_by,
            filed_at=row.filed_at,
            reason=seal(session, client_id, row.message_id, "filing", "reason", reason),
        ),
    )


async def _refile(
    session: AsyncSession, row: Message, matter_id: UUID | None, filed_by: UUID | None, reason: str
) -> None:
    """The whole conversation goes with the message: its one response clock cannot be split."""
    assert row.client_id is not None
    previous, row.matter_id = row.matter_id, matter_id
    await _move(session, row.conversation_id, {"matter_id": matter_id})
    emit(
        session,
        MessageRefiled(
            message_id=row.message_id,
            conversation_id=row.conversation_id,
            client_id=row.client_id,
            matter_id=matter_id,
            previous_matter_id=previous,
            filed_by=filed_by,
            filed_at=clock.now(),
            reason=seal(session, row.client_id, row.message_id, "filing", "reason", reason),
        ),
    )


async def only_matter(session: AsyncSession, client_id: UUID) -> UUID | None:
    """The client's one open matter. Who keeps a message and who hears of a matter at the same time
    wait for each other here, so that one of the two sees what the other did."""
    name = str(await directory.survivor(session, client_id))
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 8))"), {"name": name}
    )
    matters = await directory.open_matters(session, client_id)
    return matters[0].matter_id if len(matters) == 1 else None


async def join_matter_heard_late(
    session: AsyncSession, client_id: UUID, matter_id: UUID, since: datetime
) -> None:
    """What the client wrote after their only matter was opened, or they had joined it, and before
    this service heard of it, belongs to that matter as if it had been heard of in time. The keys of
    all entries of the client must be held."""
    if await only_matter(session, client_id) != matter_id:
        return
    for row in await queries.unfiled_since(session, client_id, since):
        await _refile(session, row, matter_id, None, "It was theirs before the message came.")


async def pass_on(session: AsyncSession, client_id: UUID) -> None:
    """The conversations of entries that were merged go on with the client who stays. Their messages
    stay as they were recorded, under the keys that they were sealed under."""
    theirs = await directory.entries(session, [client_id])
    await session.execute(
        update(Conversation)
        .where(col(Conversation.client_id).in_(theirs))
        .values(client_id=client_id)
    )


async def _move(session: AsyncSession, conversation_id: UUID, place: dict[str, Any]) -> None:
    for table in (Conversation, Message):
        here = col(table.conversation_id) == conversation_id
        await session.execute(update(table).where(here).values(place))


async def expect_mail_heard_early(
    session: AsyncSession, address: str, event: ClientRegistered
) -> None:
    """What came from a client's address after they were registered, and before this service heard
    of it, waits in quarantine: it is theirs. The ticker files it, for that needs its keys."""
    if event.registered_at is None:
        return
    client_id = await directory.survivor(session, event.client_id)
    if await directory.clients_with_address(session, address) != [client_id]:
        return  # an address that two clients share is ambiguous: a person decides
    for message_id in await queries.strangers_mail(session, address, event.registered_at):
        row = {"message_id": message_id, "client_id": client_id}
        await session.execute(insert(FilingDue).values(row).on_conflict_do_nothing())


async def file_what_is_due(session: AsyncSession, message_id: UUID, client_id: UUID) -> None:
    """The keys of the client and of the message's owner are held. A person may have been first."""
    row = await session.get_one(Message, message_id, with_for_update=True)
    await session.execute(delete(FilingDue).where(col(FilingDue.message_id) == message_id))
    if row.client_id is None:
        reason = "The sender had been registered as a client before it arrived."
        matter_id = await only_matter(session, client_id)
        await file_message(
            session, row, client_id=client_id, matter_id=matter_id, filed_by=FIRM_ID, reason=reason
        )
