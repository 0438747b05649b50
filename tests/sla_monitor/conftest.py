"""A firm as sla-monitor sees it: facts go in through the handlers, what it told is read back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from shared import sealing
from shared.contracts import CONTRACTS, FIRM_ID, Event, Sealed
from shared.contracts.matters import (
    EmergencyContact,
    FirmChanged,
    PointOfContactAssigned,
    StaffRegistered,
)
from shared.contracts.messaging import (
    CallLogged,
    ClientMessageReceived,
    MessageAcknowledged,
    MessageBounced,
    MessageFiled,
    MessageQuarantined,
    MessageSent,
)
from shared.db import Database
from shared.ids import new_id
from shared.keyring import FileKeyProvider, Keyring
from sla_monitor import clocks, publishing
from sla_monitor.calendar import CalendarDraft
from sla_monitor.handlers import handlers
from sla_monitor.models import Clock, Kind
from sla_monitor.rules import ClockPolicy
from sla_monitor.settings import SlaMonitorSettings
from support.platform import Platform

E = TypeVar("E", bound=Event)
NEW_YORK = ZoneInfo("America/New_York")
OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def local(instant: str) -> datetime:
    """An instant by the wall clock of New York."""
    return datetime.fromisoformat(instant).replace(tzinfo=NEW_YORK).astimezone(UTC)


def sealed() -> Sealed:
    return Sealed(
        owner=FIRM_ID,
        key_version=1,
        content_id=FIRM_ID,
        kind="x",
        field="x",
        box="",
        commitment="",
    )


@dataclass
class World:
    """One client with one conversation, over a database of its own."""

    db: Database
    keys: Keyring
    client_id: UUID = field(default_factory=new_id)
    conversation_id: UUID = field(default_factory=new_id)
    matter_id: UUID | None = None

    async def hear(self, *events: Event) -> None:
        await self.keys.hold(FIRM_ID)
        async with self.db.transaction() as session:
            for event in events:
                of_platform = event.owner == "platform"
                found = handlers.find(event.type_name("messaging" if of_platform else None))
                assert found is not None
                await found[1](session, event)

    async def told(self, *kinds: type[E]) -> list[E]:
        """What was emitted so far, in the order of its making; of these kinds, or all."""
        async with self.db.transaction() as session:
            rows = await session.execute(text("SELECT type, value FROM outbox ORDER BY event_id"))
            events: list[Any] = [CONTRACTS[name].model_validate_json(value) for name, value in rows]
        return [event for event in events if not kinds or isinstance(event, kinds)]

    async def clocks(self, kind: Kind | None = None) -> list[Clock]:
        async with self.db.transaction() as session:
            own = col(Clock.client_id) == self.client_id
            own |= col(Clock.conversation_id) == self.conversation_id
            found = await session.execute(select(Clock).where(own).order_by(col(Clock.clock_id)))
            return [each for each in found.scalars() if kind in (None, each.kind)]

    async def clock(self, kind: Kind) -> Clock:
        (clock,) = await self.clocks(kind)
        return clock

    async def fire(self, now: datetime, *, confirmed: bool = True) -> None:
        """What the ticker does once everything was heard, at an instant of the test's choice."""
        async with self.db.transaction() as session:
            found = await session.execute(select(Clock).where(col(Clock.next_at) <= now))
            heard = now if confirmed else datetime.min.replace(tzinfo=UTC)
            for clock in found.scalars():
                await clocks.fire(session, clock, now, detected_at=now, heard_until=heard)

    async def publish_calendar(self, **changes: Any) -> UUID:
        asked = {
            "name": "Office",
            "time_zone": "America/New_York",
            "weekly": OFFICE,
            "holidays": {"country": "US"},
        } | changes
        async with self.db.transaction() as session:
            row = await publishing.publish_calendar(
                session, CalendarDraft.model_validate(asked), FIRM_ID
            )
        return row.calendar_id

    async def publish_policy(self, kind: Kind, version: int = 2, **policy: Any) -> None:
        async with self.db.transaction() as session:
            value = ClockPolicy.model_validate(policy)
            await publishing.publish_policy(session, kind, value, version, FIRM_ID)

    async def recompute(self) -> None:
        for kind in get_args(Kind):
            async with self.db.transaction() as session:
                await clocks.recompute_stale(session, kind)

    async def with_office(self) -> UUID:
        """The firm works New York office hours with federal holidays."""
        calendar_id = await self.publish_calendar()
        await self.hear(self.firm_changed(calendar_id))
        return calendar_id

    def message(self, received_at: datetime, **more: Any) -> ClientMessageReceived:
        given = {"message_id": new_id(), "channel": "email"} | self._of() | more
        return ClientMessageReceived(received_at=received_at, **given)

    def sent(self, sent_at: datetime, kind: str = "answer", **more: Any) -> MessageSent:
        given = {"message_id": new_id(), "channel": "email", "kind": kind} | self._of() | more
        return MessageSent(sent_at=sent_at, **given)

    def acknowledged(self, at: datetime, *covers: UUID, **more: Any) -> MessageAcknowledged:
        given = {"acknowledgment_id": new_id(), "automatic": True, "channel": "email"}
        return MessageAcknowledged(covers=covers, acknowledged_at=at, **(given | self._of() | more))

    def bounced(self, message_id: UUID, at: datetime) -> MessageBounced:
        return MessageBounced(message_id=message_id, bounced_at=at, status="5.1.1", **self._of())

    def call(self, held_at: datetime, **more: Any) -> CallLogged:
        given = {
            "message_id": new_id(),
            "channel": "phone",
            "direction": "outbound",
            "two_way": True,
            "entered_at": held_at,
            "staff_id": new_id(),
            "note": sealed(),
        }
        return CallLogged(held_at=held_at, **(given | self._of() | more))

    def quarantined(self, received_at: datetime, message_id: UUID) -> MessageQuarantined:
        return MessageQuarantined(
            message_id=message_id,
            conversation_id=self.conversation_id,
            received_at=received_at,
            reason="unknown-sender",
        )

    def filed(self, filed_at: datetime, message_id: UUID) -> MessageFiled:
        return MessageFiled(
            message_id=message_id,
            filed_by=new_id(),
            filed_at=filed_at,
            reason=sealed(),
            **self._of(),
        )

    def firm_changed(
        self, calendar_id: UUID | None = None, revision: int = 1, zone: str = "America/New_York"
    ) -> FirmChanged:
        return FirmChanged(
            firm_id=FIRM_ID,
            name="Harbour & Vale LLP",
            time_zone=zone,
            calendar_id=calendar_id,
            addresses=("office@firm.test",),
            emergency=EmergencyContact(),
            revision=revision,
        )

    def staff(self, staff_id: UUID, **more: Any) -> StaffRegistered:
        address = f"{staff_id}@firm.test".encode()
        email = sealing.seal(self.keys.key(FIRM_ID), staff_id, "staff", "email", address)
        return StaffRegistered(
            staff_id=staff_id, name=sealed(), email=email, role="attorney", **more
        )

    def contact(
        self, staff_id: UUID, from_at: datetime, matter_id: UUID | None = None
    ) -> PointOfContactAssigned:
        return PointOfContactAssigned(
            assignment_id=new_id(),
            client_id=self.client_id,
            matter_id=matter_id,
            staff_id=staff_id,
            from_at=from_at,
        )

    def _of(self) -> dict[str, Any]:
        return {
            "client_id": self.client_id,
            "conversation_id": self.conversation_id,
            "matter_id": self.matter_id,
        }


@pytest.fixture
async def world(platform: Platform) -> AsyncIterator[World]:
    settings = await platform.settings(SlaMonitorSettings)
    provider = FileKeyProvider(settings.kek_file)
    keys = Keyring(settings.keyring_database_url.get_secret_value(), provider)
    await keys.open()
    await keys.hold(FIRM_ID, create=True)
    db = Database(settings, keys=keys)
    yield World(db, keys)
    await db.close()
    await keys.close()


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
