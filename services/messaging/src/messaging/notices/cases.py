"""The people around a client's message, looked up together: who waits, who answers, who stands
above them. Whoever is not known yet raises NotYetKnown, before anything is written."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.directory import queries as directory
from messaging.directory.models import Client, Staff
from messaging.directory.rules import Manner
from messaging.email.rendering import Mailbox
from messaging.email.reply_addresses import ReplyKind, message_id_header, read_key, reply_address
from messaging.email.staff_texts import ReplyTo
from messaging.outbound.postponed import NotYetKnown
from messaging.settings import MessagingSettings
from shared import clock
from shared.contracts.matters import EmergencyContact
from shared.keyring import KeyNotHeld, keys_of

_key_in = lru_cache(read_key)


@dataclass(frozen=True, kw_only=True)
class House:
    """The firm as its mail shows it. `zone` is the firm's; clients read times in their own."""

    mailbox: Mailbox
    zone: ZoneInfo
    emergency: EmergencyContact
    domain: str
    key_file: Path

    @property
    def name(self) -> str:
        return self.mailbox.name

    def message_id(self, outbound_id: UUID) -> str:
        return message_id_header(outbound_id, self.domain)

    def anchor(self, conversation_id: UUID) -> str:
        """What all notices of a conversation refer to, so that mail programs keep them together."""
        return message_id_header(conversation_id, self.domain)

    def ways(self, message_id: UUID, staff_id: UUID) -> ReplyTo:
        def signed(kind: ReplyKind) -> str:
            return reply_address(
                _key_in(self.key_file),
                self.domain,
                kind=kind,
                message_id=message_id,
                staff_id=staff_id,
            )

        return ReplyTo(
            answer=signed(ReplyKind.ANSWER),
            question=signed(ReplyKind.QUESTION),
            acknowledge=signed(ReplyKind.ACKNOWLEDGE),
        )

    def bounces_to(self, outbound_id: UUID) -> str:
        """The envelope sender of a person's mail: what comes back to it names the mail."""
        return reply_address(
            _key_in(self.key_file), self.domain, kind=ReplyKind.BOUNCE, message_id=outbound_id
        )


@dataclass(frozen=True, kw_only=True)
class Case:
    """A client, how they want to hear, and their point of contact, or who acts for them now: then
    `away` is who is covered. `matter` is what people call it: number and title."""

    house: House
    client: Client
    manner: Manner
    contact: Staff
    away: Staff | None
    supervisor: Staff | None
    matter: str | None

    @property
    def zone(self) -> ZoneInfo:
        """The client's own."""
        return self.manner.zone


async def house_of(session: AsyncSession) -> House:
    firm = await directory.firm(session)
    if firm is None or not firm.addresses:
        raise NotYetKnown("the firm and its mail address")
    settings: MessagingSettings = session.info["settings"]
    return House(
        mailbox=Mailbox(name=firm.name, address=firm.addresses[0]),
        zone=ZoneInfo(firm.time_zone),
        emergency=firm.emergency,
        domain=settings.messaging_mail_domain,
        key_file=settings.messaging_reply_key_file,
    )


async def case_of(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None, at: datetime
) -> Case:
    """Everything around this client at that instant."""
    house = await house_of(session)
    client = await directory.client(session, client_id)
    if client is None:
        raise NotYetKnown(f"client {client_id}")
    contact_id = await directory.point_of_contact(session, client_id, matter_id, at)
    if contact_id is None:
        raise NotYetKnown(f"the point of contact of client {client_id}")
    named = await person(session, contact_id)
    contact = await acting_person(session, contact_id, at)
    above = named.supervisor_id
    supervisor = await acting_person(session, above, at) if above else None
    return Case(
        house=house,
        client=client,
        manner=await directory.manner(session, client),
        contact=contact,
        away=named if named != contact else None,
        supervisor=supervisor if supervisor != contact else None,
        matter=await _matter_name(session, matter_id),
    )


async def case_to_write(session: AsyncSession, client_id: UUID, matter_id: UUID | None) -> Case:
    """The same now, for what is to be said to this client; their key is held. Raises NotYetKnown
    where an event of an entry that was merged brought only that one's: heard again, it has both."""
    case = await case_of(session, client_id, matter_id, clock.now())
    if case.client.client_id != client_id:
        require_key(session, case.client)
    return case


def require_key(session: AsyncSession, client: Client) -> None:
    try:
        keys_of(session).key(client.client_id)
    except KeyNotHeld as missing:
        raise NotYetKnown(str(missing)) from missing


async def person(session: AsyncSession, staff_id: UUID) -> Staff:
    found = await directory.staff(session, staff_id)
    if found is None:
        raise NotYetKnown(f"member of staff {staff_id}")
    return found


async def acting_person(session: AsyncSession, staff_id: UUID, at: datetime) -> Staff:
    """This member of staff, or who acts for them while they are away."""
    return await person(session, await directory.acting(session, staff_id, at))


async def head(session: AsyncSession) -> Staff:
    """Who acts where nobody else is named: the managing partner, else a partner."""
    found = await directory.managing_partner(session)
    if found is None:
        raise NotYetKnown("a partner")
    return found


async def _matter_name(session: AsyncSession, matter_id: UUID | None) -> str | None:
    if matter_id is None:
        return None
    matter = await directory.matter(session, matter_id)
    if matter is None:
        raise NotYetKnown(f"matter {matter_id}")
    return f"{matter.number} {matter.title}"
