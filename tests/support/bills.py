"""Billing whole in this process, with a firm, its people, clients and matters that it heard of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx2
from sqlalchemy import text

from billing.app import create_app
from billing.settings import BillingSettings
from shared import clock
from shared.contracts import CONTRACTS, FIRM_ID, ContentRef, Event, Sealed
from shared.contracts.intake import AgreedCommunication, AgreedFeeTerms, EngagementSigned
from shared.contracts.matters import (
    ClientRegistered,
    FirmChanged,
    MatterOpened,
    PointOfContactAssigned,
    StaffRegistered,
)
from shared.ids import new_id
from shared.keyring import seal, unseal
from shared.runtime import Runtime
from support.facts import firm_changed
from support.platform import Platform
from support.running import Running, bearer, running

E = TypeVar("E", bound=Event)

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
HOURLY = {
    "kind": "hourly",
    "rates": [{"per_hour": "300.00"}, {"per_hour": "450", "role": "partner"}],
}
TERMS: dict[str, Any] = {
    "currency": "USD",
    "arrangements": [HOURLY],
    "scope": "Advice on the lease of 12 Quay Street, up to its signature.",
    "nature": "other",
    "invoice_frequency": "monthly",
    "payment_methods": ["bank_transfer"],
    "payment_days": 30,
    "late_penalty": {"annual_percent": "8", "grace_days": 10},
    "expenses_paid_by": "client",
}
NARRATIVE = "Drafted the assignment clause for the landlord's consent"


def noon_at_the_firm(moved_clock: Path, days: int) -> None:
    """So many days from today by its calendar, whatever hour it is and however its clocks change in
    between."""
    zone = ZoneInfo(firm_changed().time_zone)
    day = datetime.now(zone).date() + timedelta(days=days)
    noon = datetime.combine(day, time(12), zone)
    moved_clock.write_text(str((noon - datetime.now(UTC)).total_seconds()))


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


@dataclass(frozen=True)
class Person:
    id: UUID
    email: str
    role: str
    name: str


@dataclass(frozen=True)
class Matter:
    id: UUID
    client_id: UUID
    number: str


@dataclass
class Bills:
    """Calls are a partner's unless another role is named. Ada is the attorney in charge."""

    platform: Platform
    service: Running
    partner: Person = field(init=False)
    ada: Person = field(init=False)

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
        if role == "partner":
            claims.setdefault("email", self.partner.email)
        return await self.service.http.request(
            method,
            path,
            json=body,
            headers=bearer(self.platform, role, **claims) | (headers or {}),
        )

    async def made(self, path: str, body: Any, **claims: Any) -> dict[str, Any]:
        answer = await self.call("POST", path, body, **claims)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def got(self, path: str, **claims: Any) -> Any:
        answer = await self.call("GET", path, **claims)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def as_client(self, path: str, body: Any, client_id: UUID | str) -> dict[str, Any]:
        return await self.made(path, body, role="client", client_id=str(client_id))

    async def hear(self, event: Event) -> None:
        """As the consumer would: the keys that the handler names, then a transaction of its own."""
        found = self.runtime.handlers.find(event.type_name())
        assert found is not None, f"nobody hears {event.type_name()}"
        if keys_of := self.runtime.handlers.keys_of(event.type_name()):
            async with self.runtime.db.transaction() as session:
                owners = await keys_of(session, event)
            await self.runtime.keys.hold(*owners)
        async with self.runtime.db.transaction() as session:
            await found[1](session, event)

    async def sealed(self, owner: UUID, kind: str, name: str, words: str) -> Sealed:
        await self.runtime.keys.hold(owner, create=True)
        async with self.runtime.db.transaction() as session:
            return seal(session, owner, new_id(), kind, name, words)

    async def opened(self, sealed: Sealed) -> str:
        await self.runtime.keys.hold(sealed.owner)
        async with self.runtime.db.transaction() as session:
            return unseal(session, sealed)

    async def firm(self, **changes: Any) -> None:
        told = firm_changed().model_copy(update=changes)
        await self.hear(FirmChanged.model_validate(told.model_dump()))

    async def person(self, name: str, role: str = "attorney") -> Person:
        staff_id, email = new_id(), f"{name.lower()}@firm.test"
        event = StaffRegistered.model_validate(
            {
                "staff_id": staff_id,
                "name": await self.sealed(FIRM_ID, "staff", "name", name),
                "email": await self.sealed(FIRM_ID, "staff", "email", email),
                "role": role,
            }
        )
        await self.hear(event)
        return Person(staff_id, email, role, name)

    async def client(self, name: str = "Cleo") -> UUID:
        client_id = new_id()
        await self.hear(
            ClientRegistered(
                client_id=client_id,
                name=await self.sealed(client_id, "client", "name", name),
                email=await self.sealed(client_id, "client", "email", f"{name}@clients.test"),
                time_zone="Europe/Berlin",
            )
        )
        await self.assign(client_id, None, self.ada.id)
        return client_id

    async def assign(self, client_id: UUID, matter_id: UUID | None, staff_id: UUID) -> None:
        await self.hear(
            PointOfContactAssigned(
                assignment_id=new_id(),
                client_id=client_id,
                matter_id=matter_id,
                staff_id=staff_id,
                from_at=LONG_AGO,
            )
        )

    async def matter(self, client_id: UUID | None = None, area: str = "real-estate") -> Matter:
        """Of a new client unless one is named."""
        owner = client_id or await self.client()
        event = await self.opening(owner, area)
        await self.hear(event)
        return Matter(event.matter_id, owner, event.number)

    async def opening(self, client_id: UUID, area: str = "real-estate") -> MatterOpened:
        matter_id = new_id()
        return MatterOpened(
            matter_id=matter_id,
            client_id=client_id,
            number=f"2026-{str(matter_id.int)[-6:]}",
            title=await self.sealed(client_id, "matter", "title", "Tenancy of 12 Quay Street"),
            practice_area=area,
            reason=await self.sealed(client_id, "matter", "reason", "A long-standing client."),
            opened_at=LONG_AGO,
        )

    async def terms(self, matter: Matter, **changes: Any) -> dict[str, Any]:
        """Disclosed, not accepted."""
        body = {"client_id": str(matter.client_id), "matter_id": str(matter.id)}
        return await self.made("/v1/fee-terms", body | {"terms": TERMS | changes})

    async def accepted(self, matter: Matter, **changes: Any) -> dict[str, Any]:
        """Disclosed and accepted by the client; work from `now` on can be billed."""
        terms = await self.terms(matter, **changes)
        await self.accept(terms)
        return terms

    async def accept(self, terms: dict[str, Any]) -> dict[str, Any]:
        body = {"version": terms["version"], "commitment": terms["commitment"]}
        return await self.as_client(
            f"/v1/fee-terms/{terms['id']}/acceptance", body, terms["client_id"]
        )

    async def accepted_long_ago(self, matter: Matter, **changes: Any) -> dict[str, Any]:
        """As if years of work had gone by since: the acceptance's instant alone is moved."""
        terms = await self.accepted(matter, **changes)
        await self.as_owner(
            "ALTER TABLE fee_acceptances DISABLE TRIGGER written_once",
            f"UPDATE fee_acceptances SET accepted_at = '{LONG_AGO.isoformat()}'"
            f" WHERE terms_id = '{terms['id']}'",
            "ALTER TABLE fee_acceptances ENABLE TRIGGER written_once",
        )
        return terms

    async def time(self, matter: Matter, minutes: int = 60, **more: Any) -> dict[str, Any]:
        """Ada's work, by default begun just now."""
        body = {"matter_id": str(matter.id), "minutes": minutes, "narrative": NARRATIVE}
        if "worked_on" not in more:
            body["started_at"] = clock.now().isoformat()
        role, email = self.ada.role, self.ada.email
        return await self.made("/v1/time-entries", body | more, role=role, email=email)

    async def expense(self, matter: Matter, amount: str = "40.00", **more: Any) -> dict[str, Any]:
        body = {
            "matter_id": str(matter.id),
            "incurred_on": "2026-03-02",
            "cost": usd(amount),
            "narrative": "Filing fee of the land registry",
        }
        role, email = self.ada.role, self.ada.email
        return await self.made("/v1/expenses", body | more, role=role, email=email)

    async def draft(self, matter: Matter, **more: Any) -> dict[str, Any]:
        body = {"matter_id": str(matter.id), "approver_id": str(self.partner.id)}
        return await self.made("/v1/invoices", body | {"period_to": "2099-12-31"} | more)

    async def issued(self, matter: Matter, **more: Any) -> dict[str, Any]:
        """All that is billable, approved by the partner and issued."""
        drafted = await self.draft(matter, **more)
        await self.made(f"/v1/invoices/{drafted['id']}/approval", None)
        return await self.made(f"/v1/invoices/{drafted['id']}/issue", None)

    async def told(self, kind: type[E]) -> list[E]:
        """What was emitted so far of this kind, in the order of its making."""
        rows = await self.rows("SELECT type, value FROM outbox ORDER BY event_id")
        events: list[Any] = [CONTRACTS[name].model_validate_json(value) for name, value in rows]
        return [event for event in events if isinstance(event, kind)]

    async def rows(self, statement: str, **parameters: Any) -> list[Any]:
        async with self.runtime.db.transaction() as session:
            return list((await session.execute(text(statement), parameters)).all())

    async def as_owner(self, *statements: str) -> None:
        """What no role of the service may do."""
        name = self.runtime.settings.database_url.rpartition("/")[2]
        connection = await asyncpg.connect(
            self.platform.postgres.url.rpartition("/")[0] + f"/{name}"
        )
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


async def signed(
    bills: Bills, client_id: UUID, terms: dict[str, Any], at: datetime, **changes: Any
) -> EngagementSigned:
    agreed = {"terms_id": terms["id"], "version": terms["version"], "basis": "hourly",
              "commitment": terms["commitment"]} | changes  # fmt: skip
    return EngagementSigned.model_validate(
        {
            "engagement_id": new_id(),
            "agreement_version": 1,
            "client_id": client_id,
            "consultation_id": new_id(),
            "matter_id": new_id(),
            "title": await bills.sealed(client_id, "engagement", "title", "A lease"),
            "practice_area": "real-estate",
            "parties": (),
            "point_of_contact_id": bills.ada.id,
            "fee_terms": AgreedFeeTerms.model_validate(agreed),
            "communication": AgreedCommunication(),
            "terms": await bills.sealed(client_id, "engagement", "terms", "{}"),
            "document": ContentRef(content_id=new_id(), size=1, commitment="c"),
            "signatures": (),
            "countersigned_by": bills.partner.id,
            "signed_at": at,
        }
    )


@asynccontextmanager
async def bills_in(platform: Platform, **overrides: Any) -> AsyncIterator[Bills]:
    # Time moves in these tests: whether the ticker looks at it is theirs to say.
    settings = await platform.settings(
        BillingSettings, **{"billing_look_every": 3600.0, **overrides}
    )
    async with running(create_app, settings) as service:
        bills = Bills(platform, service)
        await bills.firm()
        bills.partner = await bills.person("Grace", "partner")
        bills.ada = await bills.person("Ada")
        yield bills
