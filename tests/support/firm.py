"""A firm of one's own: the whole service in this process, and what it told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import httpx2
from sqlalchemy import text

from matters.app import create_app
from matters.settings import MattersSettings
from shared.contracts import CONTRACTS, FIRM_ID, Event, Sealed
from shared.contracts.messaging import ClientMessageReceived
from shared.ids import new_id
from shared.keyring import owners_in, unseal
from shared.runtime import Runtime
from support.platform import Platform
from support.running import Running, bearer, running

E = TypeVar("E", bound=Event)

FIRM = {
    "name": "Harbour & Vale LLP",
    "time_zone": "America/New_York",
    "addresses": ["office@firm.test"],
    "emergency": {"phone": "+1 212 555 0147", "email": "", "text": "Call at any hour."},
}


@dataclass
class World:
    """Calls are a partner's unless another role is named."""

    platform: Platform
    service: Running

    @property
    def runtime(self) -> Runtime:
        return self.service.runtime

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str = "partner",
        headers: dict[str, str] | None = None,
        **claims: Any,
    ) -> httpx2.Response:
        return await self.service.http.request(
            method,
            path,
            json=body,
            headers=bearer(self.platform, role, **claims) | (headers or {}),
        )

    async def made(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.call("POST", path, body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def staff(self, name: str = "Ada", role: str = "attorney", **more: Any) -> dict[str, Any]:
        email = more.pop("email", f"{name.lower()}@firm.test")
        return await self.made("/v1/staff", name=name, email=email, role=role, **more)

    async def client(
        self, contact: dict[str, Any], name: str = "Cleo", **more: Any
    ) -> dict[str, Any]:
        body = {"name": name, "email": f"{name.lower()}@clients.test", **more}
        return await self.made("/v1/clients", point_of_contact_id=contact["id"], **body)

    async def matter(self, client: dict[str, Any], contact: dict[str, Any]) -> dict[str, Any]:
        return await self.made(
            "/v1/matters",
            client_id=client["id"],
            title="Tenancy of 12 Quay Street",
            practice_area="real-estate",
            point_of_contact_id=contact["id"],
            reason="Long-standing client; the agreement follows this week.",
        )

    async def told(self, kind: type[E]) -> list[E]:
        """What was emitted so far of this kind, in the order of its making."""
        rows = await self.rows("SELECT type, value FROM outbox ORDER BY event_id")
        events: list[Any] = [CONTRACTS[name].model_validate_json(value) for name, value in rows]
        return [event for event in events if isinstance(event, kind)]

    async def hear(self, *events: Event) -> None:
        """As if they came over Kafka, each in a transaction of its own."""
        for event in events:
            of_platform = event.owner == "platform"
            name = event.type_name("messaging" if of_platform else None)
            found = self.runtime.handlers.find(name)
            assert found is not None
            owners = [FIRM_ID, *owners_in(event)]
            if keys_of := self.runtime.handlers.keys_of(name):
                async with self.runtime.db.transaction() as session:
                    owners += await keys_of(session, event)
            await self.runtime.keys.hold(*owners)
            async with self.runtime.db.transaction() as session:
                await found[1](session, event)

    async def writing(self, client_id: str, **more: Any) -> UUID:
        """A client writes: the id of their message."""
        of = {"message_id": new_id(), "conversation_id": new_id(), "channel": "email"}
        wrote = {"client_id": client_id, "received_at": datetime.now(UTC)} | of | more
        message = ClientMessageReceived.model_validate(wrote)
        await self.hear(message)
        return message.message_id

    async def rows(self, statement: str, **parameters: Any) -> list[Any]:
        async with self.runtime.db.transaction() as session:
            return list((await session.execute(text(statement), parameters)).all())

    async def opened(self, sealed: Sealed) -> str:
        await self.runtime.keys.hold(sealed.owner, FIRM_ID)
        async with self.runtime.db.transaction() as session:
            return unseal(session, sealed)

    async def contacts(self, subject_id: str | UUID) -> list[Any]:
        """(staff_id, from_at, until_at), in their order."""
        return await self.rows(
            "SELECT staff_id::text, from_at, until_at FROM points_of_contact"
            " WHERE subject_id = :subject_id ORDER BY from_at",
            subject_id=subject_id,
        )


@asynccontextmanager
async def firm_in(platform: Platform, **overrides: Any) -> AsyncIterator[World]:
    settings = await platform.settings(MattersSettings, **overrides)
    async with running(create_app, settings) as service:
        yield World(platform, service)
