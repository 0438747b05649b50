"""A mail was refused for good: somebody who can mend it must hear of that, and a promise that the
machine could not keep becomes a person's."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.acknowledgments import actions as acknowledgments
from messaging.directory import queries as directory
from messaging.directory.models import Staff
from messaging.email import staff_texts
from messaging.notices.actions import Subject, tell
from messaging.notices.cases import head, house_of, person
from messaging.outbound import actions as outbound
from messaging.outbound.models import OutboundMessage
from messaging.outbound.postponed import NotYetKnown
from shared.contracts.messaging import MessageAcknowledged, StaffNotified

log = structlog.get_logger()


async def refused(session: AsyncSession, outbound_id: UUID, reply: str) -> None:
    """Mark it, tell it, and hand on what it was for."""
    row = await outbound.record_refused(session, outbound_id, reply)
    if row is None:
        return
    try:
        if row.automatic and row.told_as_type == MessageAcknowledged.type_name():
            await acknowledgments.hand_to_a_person(session, outbound_id, "refused-by-their-server")
        else:
            await _tell_somebody(session, row, reply)
    except NotYetKnown as missing:
        # Whoever would be told was known when the mail was written; the clocks still run.
        log.error("nobody to tell of a refused mail", missing=str(missing))


async def _tell_somebody(session: AsyncSession, row: OutboundMessage, reply: str) -> None:
    """The author of a mail to a client; of a mail to staff, whoever stands above its reader."""
    if row.told_as.get("about") == "failure":
        log.error("a notice of failure was refused", outbound_id=str(row.outbound_id))
        return
    what, reader = await _what_and_whom(session, row)
    assert row.conversation_id is not None
    await tell(
        session,
        await house_of(session),
        reader,
        purpose=f"failure/{row.outbound_id}",
        about="failure",
        of=Subject(conversation_id=row.conversation_id, client_id=row.client_id),
        title="A mail could not be delivered",
        blocks=staff_texts.undeliverable(what, row.recipient, reply),
    )


async def _what_and_whom(session: AsyncSession, row: OutboundMessage) -> tuple[str, Staff]:
    named = await person(session, row.staff_id) if row.staff_id else None
    if row.told_as_type == StaffNotified.type_name():
        assert named is not None
        above = named.supervisor_id
        return f"A notice to {named.name}", await person(session, above) if above else await head(
            session
        )
    client = await directory.client(session, row.client_id) if row.client_id else None
    return f"Mail to {client.name if client else 'a client'}", named or await head(session)
