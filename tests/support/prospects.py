"""An intake of one's own: the whole service in this process, what it told, and what matters told
it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import httpx2
from sqlalchemy import text

from intake.app import create_app
from intake.settings import IntakeSettings
from shared.contracts import CONTRACTS, FIRM_ID, Event, Sealed
from shared.contracts.intake import CodeIssued, LinkIssued
from shared.contracts.matters import (
    ClientRegistered,
    EmergencyContact,
    FirmChanged,
    PointOfContactAssigned,
    Role,
    StaffRegistered,
)
from shared.ids import new_id
from shared.keyring import owners_in, seal, unseal
from shared.runtime import Runtime
from shared.sealing import DataKey
from support.platform import Platform
from support.running import Running, bearer, running

E = TypeVar("E", bound=Event)

ASKING = {
    "name": "Ann Example",
    "email": "ann@clients.test",
    "practice_area": "family",
    "understood": True,
}

BOB = {"role": "related", "name": "Bob Example"}
NOTE = {
    "needs": "She wants the house.",
    "objectives": "Keep the house, share custody.",
    "strategies": "Mediation first.",
    "limitation_dates": ["2027-03-01: division of property"],
    "next_steps": "We send the agreement.",
}
TERMS: dict[str, Any] = {
    "title": "Divorce and the family home",
    "practice_area": "family",
    "scope": "We advise and represent you both in the sale of the family home.",
    "exclusions": ["Tax advice", "Appeals"],
    "timeline": [{"what": "First draft of the settlement", "when": "by the end of March"}],
    "firm_will": ["Keep you informed", "Answer within the promised time"],
    "client_will": ["Tell us everything that matters", "Send documents in time"],
    "communication": {"respond_within": "PT48H", "update_every": "P14D", "channel": "email"},
    "emergency": "Call +1 212 555 0147 at any hour.",
    "fees": {
        "kind": "by_hand",
        "basis": "hourly",
        "explanation": "We charge by the hour, in steps of six minutes.",
        "rates": [{"who": "Partner", "amount": "400.00", "currency": "USD", "per": "hour"}],
        "invoiced_every": "P30D",
    },
}
COUPLE = [
    {"name": "Ann Example", "email": "ann@clients.test"},
    {"name": "Bob Example", "email": "bob@clients.test"},
]


@dataclass
class Holder:
    """Somebody with a link in their mailbox, and a session of it."""

    intake: "Intake"
    name: str
    link_id: UUID
    token: str
    session: str = ""

    async def call(self, method: str, door: str = "", body: Any = None) -> httpx2.Response:
        return await self.intake.call(
            method,
            f"/v1/links/{self.token}{door}",
            body,
            role="nobody",
            headers={"Link-Session": self.session, "User-Agent": "Netscape 4"},
        )

    async def code(self) -> str:
        """Ask for a code, and read it in the mailbox."""
        answer = await self.call("POST", "/code")
        assert answer.status_code == 202, answer.text
        codes = await self.intake.told(CodeIssued)
        newest = [one for one in codes if one.link_id == self.link_id][-1]
        return await self.intake.opened(newest.code)

    async def enter(self) -> "Holder":
        answer = await self.call("POST", "/session", {"code": await self.code()})
        assert answer.status_code == 200, answer.text
        self.session = answer.json()["session"]
        return self

    async def signs(self, **more: Any) -> httpx2.Response:
        read = (await self.call("GET", "/agreement")).json()
        body = {
            "name": self.name,
            "i_sign": True,
            "i_agree_to_electronic_business": True,
            "document_sha256": read.get("document_sha256", "0" * 64),
        }
        return await self.call("POST", "/sign", body | more)


@dataclass
class Intake:
    """Calls are a partner's unless another role is named; `nobody` calls without a token."""

    platform: Platform
    service: Running
    staff: dict[str, UUID] = field(default_factory=dict)

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
        signed_in = {} if role == "nobody" else bearer(self.platform, role, **claims)
        return await self.service.http.request(
            method, path, json=body, headers=signed_in | (headers or {})
        )

    async def done(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = await self.call(method, path, body, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, body: Any = None, **more: Any) -> str:
        """The status and code of a refusal."""
        answer = await self.call(method, path, body, **more)
        assert answer.status_code >= 400, answer.text
        return f"{answer.status_code} {answer.json()['code']}"

    async def asked(self, **more: Any) -> str:
        """A stranger's request by the form; its id."""
        taken = await self.done("POST", "/v1/consultation-requests", ASKING | more, role="nobody")
        return str(taken["id"])

    async def uploaded(self, consultation_id: str, content: bytes, name: str = "scan.pdf") -> Any:
        """A file of the consultation, sent in parts by a partner; the answer to its completion, or
        to the part that was refused."""
        begun = await self.done(
            "POST",
            f"/v1/consultations/{consultation_id}/files",
            {"name": name, "size": len(content)},
        )
        for number in range(begun["parts"]):
            part = content[number * begun["part_size"] : (number + 1) * begun["part_size"]]
            answer = await self.service.http.put(
                f"/v1/files/{begun['id']}/parts/{number}",
                content=part,
                headers=bearer(self.platform, "partner"),
            )
            if answer.status_code != 204:
                return answer
        return await self.call("POST", f"/v1/files/{begun['id']}/complete")

    async def held(self, **more: Any) -> str:
        """A consultation that Ann asked for beside Bob, is clear, and was held and noted; its
        id."""
        consultation_id = await self.asked(**{"parties": [BOB]} | more)
        body = {
            "staff_id": str(self.staff["Daniel Okafor"]),
            "channel": "video",
            "held_at": datetime.now(UTC).isoformat(),
            "note": NOTE,
        }
        await self.done("POST", f"/v1/consultations/{consultation_id}/hold", body)
        return consultation_id

    def draft(self, **more: Any) -> dict[str, Any]:
        return {
            "terms": TERMS,
            "signers": COUPLE,
            "point_of_contact_id": str(self.staff["Daniel Okafor"]),
            "team": [str(self.staff["Eleanor Vale"])],
        } | more

    async def drafted(self, consultation_id: str | None = None, **more: Any) -> dict[str, Any]:
        body = self.draft(consultation_id=consultation_id or await self.held()) | more
        made: dict[str, Any] = await self.done("POST", "/v1/engagements", body)
        return made

    async def step(self, row: dict[str, Any], door: str, **more: Any) -> dict[str, Any]:
        """Approve or counter-sign the revision that was read."""
        body = {"revision": row["revision"]} | more
        done: dict[str, Any] = await self.done("POST", f"/v1/engagements/{row['id']}/{door}", body)
        return done

    async def proposed(self, **more: Any) -> tuple[dict[str, Any], list[Holder]]:
        """An approved agreement, and those who must sign it, with open sessions."""
        row = await self.step(await self.drafted(**more), "approve")
        holders = [await one.enter() for one in await self.holders("signature")]
        return row, holders

    async def holders(self, purpose: str) -> list[Holder]:
        """Who got letters with links of this kind, in their order."""
        return [
            Holder(
                self,
                await self.opened(one.name),
                one.link_id,
                (await self.opened(one.url)).rpartition("/")[2],
            )
            for one in await self.told(LinkIssued)
            if one.purpose == purpose
        ]

    async def reread(self, row: dict[str, Any]) -> dict[str, Any]:
        read: dict[str, Any] = await self.done("GET", f"/v1/engagements/{row['id']}")
        return read

    async def until(self, row: dict[str, Any], state: str, seconds: float = 10) -> dict[str, Any]:
        """The engagement, once it is in that state."""
        for _ in range(int(seconds * 10)):
            read = await self.reread(row)
            if read["state"] == state:
                return read
            await asyncio.sleep(0.1)
        raise AssertionError(f"still {read['state']}")

    async def in_force(self, **more: Any) -> dict[str, Any]:
        """An agreement that everybody signed, the firm too."""
        row, holders = await self.proposed(**more)
        for one in holders:
            assert (await one.signs()).status_code == 200
        await self.step(await self.reread(row), "countersign")
        return await self.until(row, "signed")

    async def soon(self, statement: str, seconds: float = 10) -> None:
        """Until the statement finds something."""
        for _ in range(int(seconds * 10)):
            if await self.rows(statement):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"nothing yet: {statement}")

    async def check(self, consultation_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.done(
            "GET", f"/v1/consultations/{consultation_id}/conflict-check"
        )
        return found

    async def hear(self, event: Event) -> None:
        """As the consumer would."""
        await self.runtime.keys.hold(FIRM_ID, *owners_in(event), create=True)
        found = self.runtime.handlers.find(event.type_name())
        assert found is not None
        async with self.runtime.db.transaction() as session:
            await found[1](session, event)

    async def told(self, kind: type[E]) -> list[E]:
        """What was emitted so far of this kind, in the order of its making."""
        rows = await self.rows("SELECT type, value FROM outbox ORDER BY event_id")
        events: list[Any] = [CONTRACTS[name].model_validate_json(value) for name, value in rows]
        return [event for event in events if isinstance(event, kind)]

    async def rows(self, statement: str, **parameters: Any) -> list[Any]:
        async with self.runtime.db.transaction() as session:
            return list((await session.execute(text(statement), parameters)).all())

    async def opened(self, sealed: Sealed) -> str:
        await self.runtime.keys.hold(sealed.owner)
        async with self.runtime.db.transaction() as session:
            return unseal(session, sealed)

    async def sealed(self, owner: UUID, field: str, value: str) -> Sealed:
        await self.runtime.keys.hold(owner, create=True)
        async with self.runtime.db.transaction() as session:
            return seal(session, owner, owner, "test", field, value)

    def key(self, owner: UUID) -> DataKey:
        return self.runtime.keys.key(owner)

    async def member(self, name: str, role: Role = "attorney", **more: Any) -> UUID:
        """Somebody of the firm, as matters tells of them."""
        staff_id = new_id()
        email = more.pop("email", f"{name.split()[0].lower()}@firm.test")
        event = StaffRegistered(
            staff_id=staff_id,
            name=await self.sealed(FIRM_ID, "name", name),
            email=await self.sealed(FIRM_ID, "email", email),
            role=role,
            **more,
        )
        await self.hear(event)
        self.staff[name] = staff_id
        return staff_id

    async def client(self, name: str, **more: Any) -> UUID:
        """A client, as matters tells of them."""
        client_id: UUID = more.pop("client_id", None) or new_id()
        email = more.pop("email", f"{name.split()[0].lower()}@clients.test")
        event = ClientRegistered(
            client_id=client_id,
            name=await self.sealed(client_id, "name", name),
            email=await self.sealed(client_id, "email", email),
            time_zone="America/New_York",
            **more,
        )
        await self.hear(event)
        return client_id

    async def contact(self, client_id: UUID, staff_id: UUID, from_at: Any) -> None:
        await self.hear(
            PointOfContactAssigned(
                assignment_id=new_id(), client_id=client_id, staff_id=staff_id, from_at=from_at
            )
        )


FIRM = FirmChanged(
    firm_id=FIRM_ID,
    name="Harbour & Vale LLP",
    time_zone="America/New_York",
    calendar_id=None,
    addresses=("office@firm.test",),
    emergency=EmergencyContact(phone="+1 212 555 0147"),
    revision=1,
)


@asynccontextmanager
async def intake_in(platform: Platform, **overrides: Any) -> AsyncIterator[Intake]:
    given: dict[str, Any] = {
        "intake_public_url": "http://127.0.0.1:8080",
        "intake_seal_file": platform.keys / "seal.pem",
    }
    settings = await platform.settings(IntakeSettings, **given | overrides)
    async with running(create_app, settings) as service:
        world = Intake(platform, service)
        await world.hear(FIRM)
        yield world
