"""Messaging's way out in one process: a firm, its people and a client in the directory, client
messages as rows, and events given to their handlers; the mail server is the test's own."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import text

from messaging.acknowledgments.handlers import handlers as acknowledgment_handlers
from messaging.bills.handlers import handlers as bill_handlers
from messaging.conversations.models import Conversation, Message
from messaging.directory.handlers import handlers as directory_handlers
from messaging.directory.models import Client, Firm, Matter, PointOfContact, Staff
from messaging.engagements.handlers import handlers as engagement_handlers
from messaging.notices.handlers import handlers as notice_handlers
from messaging.outbound.delivery import deliver
from messaging.settings import MessagingSettings
from messaging.ticker import tick
from messaging.updates.handlers import handlers as update_handlers
from shared import clock
from shared.app import Service, create_service
from shared.contracts import FIRM_ID, Event
from shared.contracts.sla_monitor import AcknowledgmentDue, SkippedDay
from shared.handlers import Handlers
from shared.ids import new_id
from shared.keyring import owners_in, seal
from shared.runtime import Runtime
from support.platform import Platform


def way_out(settings: MessagingSettings) -> FastAPI:
    """Messaging without its doors for mail in and HTTP."""
    return create_service(Service(settings, handlers=_handlers(), tasks=[deliver, tick]))


def nothing_leaves(settings: MessagingSettings) -> FastAPI:
    """The same without the loop that sends."""
    return create_service(Service(settings, handlers=_handlers(), tasks=[tick]))


def asleep(settings: MessagingSettings) -> FastAPI:
    """The same with no loop at all: what is due stays due."""
    return create_service(Service(settings, handlers=_handlers(), tasks=[]))


def _handlers() -> Handlers:
    handlers = Handlers()
    handlers.include(acknowledgment_handlers)
    handlers.include(notice_handlers)
    handlers.include(directory_handlers)
    handlers.include(update_handlers)
    handlers.include(engagement_handlers)
    handlers.include(bill_handlers)
    return handlers


async def settings_for(platform: Platform, smtp_port: int, **overrides: Any) -> MessagingSettings:
    settings: MessagingSettings = await platform.settings(
        MessagingSettings,
        smtp_url=f"smtp://127.0.0.1:{smtp_port}",
        messaging_mail_domain="firm.test",
        messaging_reply_key_file=platform.keys / "reply",
        **overrides,
    )
    return settings


@dataclass(frozen=True)
class People:
    """The firm of these tests: Ana is the point of contact, Robert supervises her."""

    ana: UUID = field(default_factory=new_id)
    robert: UUID = field(default_factory=new_id)
    clara: UUID = field(default_factory=new_id)
    matter: UUID = field(default_factory=new_id)
    conversation: UUID = field(default_factory=new_id)


async def known_firm(runtime: Runtime, people: People) -> None:
    """What matters has told of the firm and its staff."""
    async with runtime.db.transaction() as session:
        session.add(
            Firm(
                firm_id=FIRM_ID,
                name="Harbour & Vale LLP",
                time_zone="America/New_York",
                addresses=["office@firm.test"],
                emergency_contact={"phone": "+1 212 555 0100", "email": "", "text": ""},
                revision=1,
            )
        )
        session.add(_staff(people.robert, "Robert Vale", "partner", None))
        session.add(_staff(people.ana, "Ana Ruiz", "attorney", people.robert))


def _staff(staff_id: UUID, name: str, role: str, supervisor_id: UUID | None) -> Staff:
    return Staff(
        staff_id=staff_id,
        name=name,
        email=f"{name.split()[0].lower()}@firm.test",
        role=role,
        supervisor_id=supervisor_id,
        managing_partner=role == "partner",
    )


async def known_client(runtime: Runtime, people: People) -> None:
    """What matters has told of the client, her matter and her point of contact."""
    await runtime.keys.hold(people.clara, create=True)
    async with runtime.db.transaction() as session:
        session.add(
            Client(
                client_id=people.clara,
                name="Clara Client",
                email="clara@clients.test",
                time_zone="Europe/Madrid",
            )
        )
        session.add(
            Matter(
                matter_id=people.matter,
                client_id=people.clara,
                number="2026-0042",
                title="Client v. Northside",
                opened_at=clock.now(),
            )
        )
        session.add(
            PointOfContact(
                assignment_id=new_id(),
                client_id=people.clara,
                staff_id=people.ana,
                from_at=clock.now() - timedelta(days=1),
            )
        )


async def client_writes(
    runtime: Runtime,
    people: People,
    *,
    conversation_id: UUID | None = None,
    channel: str = "email",
    **facts: Any,
) -> Message:
    """A kept message of the client, as the door for mail in leaves it."""
    message_id, conversation = new_id(), conversation_id or people.conversation
    await runtime.keys.hold(people.clara, create=True)
    async with runtime.db.transaction() as session:
        body = seal(session, people.clara, message_id, "message", "body", "When is my hearing?")
        message = Message(
            **{
                "message_id": message_id,
                "conversation_id": conversation,
                "client_id": people.clara,
                "matter_id": people.matter,
                "direction": "inbound",
                "kind": "message",
                "channel": channel,
                "received_at": clock.now(),
                "owner": people.clara,
                "body": body.model_dump(mode="json"),
                "sender_address": "clara@clients.test",
                "message_id_header": f"<{message_id}@clients.test>" if channel == "email" else None,
                "references": ["<first@clients.test>"] if channel == "email" else [],
                "envelope_from": "clara@clients.test",
                "to_addresses": ["office@firm.test"],
                "authentication": "passed",
                **facts,
            }
        )
        if await session.get(Conversation, conversation) is None:
            session.add(
                Conversation(
                    conversation_id=conversation, client_id=people.clara, begun_at=clock.now()
                )
            )
            await session.flush()
        session.add(message)
    return message


def acknowledgment_due(people: People, message: Message, **facts: Any) -> AcknowledgmentDue:
    """What sla-monitor says of that message: an answer in two days, one of them not counted."""
    opened: datetime = message.received_at
    return AcknowledgmentDue(
        **{
            "clock_id": new_id(),
            "message_id": message.message_id,
            "conversation_id": message.conversation_id,
            "client_id": people.clara,
            "matter_id": people.matter,
            "opened_at": opened,
            "target_at": opened + timedelta(hours=24),
            "limit_at": opened + timedelta(hours=24),
            "policy_version": 1,
            "calendar_version": 1,
            "response_clock_id": new_id(),
            "response_target_at": opened + timedelta(hours=48),
            "response_limit_at": opened + timedelta(hours=72),
            "time_zone": "America/New_York",
            "skipped": (SkippedDay(day=opened.date(), reason="Harbour Day"),),
            **facts,
        }
    )


async def hear(runtime: Runtime, event: Event) -> None:
    """The event's handler, as the inbox calls it: keys held, one transaction."""
    found = runtime.handlers.find(event.type_name())
    assert found is not None
    owners = [FIRM_ID, *owners_in(event)]
    if keys_of := runtime.handlers.keys_of(event.type_name()):
        async with runtime.db.transaction() as session:
            owners += await keys_of(session, event)
    await runtime.keys.hold(*owners)
    async with runtime.db.transaction() as session:
        await found[1](session, event)


async def told(runtime: Runtime, name: str) -> list[dict[str, Any]]:
    """The values of all events of this name that were told, oldest first."""
    async with runtime.db.transaction() as session:
        rows = await session.execute(
            text("""
                SELECT convert_from(value, 'UTF8')::jsonb FROM outbox
                WHERE type LIKE :type ORDER BY event_id
            """),
            {"type": f"%.{name}.v1"},
        )
        return list(rows.scalars())


async def rows_of(runtime: Runtime, statement: str) -> list[Any]:
    async with runtime.db.transaction() as session:
        return list(await session.execute(text(statement)))
