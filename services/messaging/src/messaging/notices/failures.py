"""A mail was refused for good: somebody who can mend it must hear of that, and a promise that the
machine could not keep becomes a person's."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.acknowledgments import actions as acknowledgments
from messaging.directory.models import Staff
from messaging.email import staff_texts
from messaging.notices.actions import Subject, tell
from messaging.notices.cases import acting_person, case_of, head, house_of, person
from messaging.outbound import actions as outbound
from messaging.outbound.models import OutboundMessage
from messaging.outbound.postponed import NotYetKnown
from shared import clock
from shared.contracts.messaging import MessageAcknowledged, StaffNotified
from shared.keyring import KeyNotHeld

log = structlog.get_logger()


async def refused(session: AsyncSession, outbound_id: UUID, reply: str) -> None:
    """Mark it, tell it, and hand on what it was for."""
    row = await outbound.record_refused(session, outbound_id, reply)
    if row is not None:
        await _hand_on(session, row, reply)


async def bounced(session: AsyncSession, outbound_id: UUID, status: str) -> bool:
    """A mail to a client that was accepted came back; False if that is known, or it never left."""
    row = await outbound.record_bounce(session, outbound_id, status)
    if row is not None:
        await _hand_on(session, row, status)
    return row is not None


async def _hand_on(session: AsyncSession, row: OutboundMessage, reply: str) -> None:
    try:
        if row.automatic and row.told_as_type == MessageAcknowledged.type_name():
            rule = "refused-by-their-server"
            await acknowledgments.hand_to_a_person(session, row.outbound_id, rule)
        else:
            await _tell_somebody(session, row, reply)
    except (NotYetKnown, KeyNotHeld) as missing:
        # Whoever would be told was known when the mail was written; the clocks still run. A client
        # whose key was destroyed is nobody to write about.
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
    now = clock.now()
    named = await person(session, row.staff_id) if row.staff_id else None
    if row.told_as_type == StaffNotified.type_name():
        assert named is not None
        above = named.supervisor_id
        reader = await acting_person(session, above, now) if above else await head(session)
        return f"A notice to {named.name}", reader
    told = outbound.told(row)
    assert told.client_id is not None
    case = await case_of(session, told.client_id, told.matter_id, now)
    author = await acting_person(session, named.staff_id, now) if named else case.contact
    return f"Mail to {case.client.name}", author
