"""A firm with one matter, whose events are put on a record of one's own by hand, and the doors of
audit over it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared import sealing
from shared.contracts import FIRM_ID, Event, Sealed
from shared.contracts.matters import MatterOpened, StaffRegistered
from shared.contracts.messaging import ClientMessageReceived
from shared.ids import new_id
from support.platform import Platform
from support.record import Record, Teller
from support.running import Running, bearer

FRIDAY = datetime(2026, 7, 10, 20, 30, tzinfo=UTC)


@dataclass
class Firm:
    """A firm with one matter, whose events are put on the record by hand."""

    platform: Platform
    record: Record
    service: Running
    client_id: UUID
    matter_id: UUID
    tell: Teller = field(default_factory=Teller)

    async def seal(self, owner: UUID, kind: str, name: str, content: str) -> Sealed:
        await self.service.runtime.keys.hold(owner, create=True)
        key = self.service.runtime.keys.key(owner)
        return sealing.seal(key, new_id(), kind, name, content.encode())

    async def told(self, *events: Event, at: datetime = FRIDAY) -> None:
        await self.record.append([self.tell(event, at) for event in events])

    async def get(self, path: str, role: str = "partner", **claims: Any) -> Any:
        answer = await self.service.http.get(path, headers=bearer(self.platform, role, **claims))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def status(self, path: str, role: str = "partner", **claims: Any) -> int:
        headers = bearer(self.platform, role, **claims)
        return (await self.service.http.get(path, headers=headers)).status_code

    async def timeline(self, role: str = "partner", **claims: Any) -> list[dict[str, Any]]:
        page = await self.get(f"/v1/matters/{self.matter_id}/timeline?limit=500", role, **claims)
        items: list[dict[str, Any]] = page["items"]
        return items

    async def open_matter(self, client_id: UUID, matter_id: UUID) -> MatterOpened:
        return MatterOpened(
            matter_id=matter_id,
            client_id=client_id,
            number="2026-0001",
            title=await self.seal(client_id, "matter", "title", "Estate of Vale"),
            practice_area="estate",
            reason=await self.seal(client_id, "matter", "reason", "asked for"),
            opened_at=FRIDAY,
        )

    async def staff(self, email: str, **members: Any) -> StaffRegistered:
        return StaffRegistered(
            name=await self.seal(FIRM_ID, "staff", "name", email.split("@")[0]),
            email=await self.seal(FIRM_ID, "staff", "email", email),
            **({"staff_id": new_id(), "role": "attorney"} | members),
        )

    async def received(self, message_id: UUID, subject: str, **members: Any) -> Event:
        return ClientMessageReceived(
            message_id=message_id,
            subject_text=await self.seal(self.client_id, "message", "subject", subject),
            **(
                {
                    "conversation_id": new_id(),
                    "client_id": self.client_id,
                    "channel": "email",
                    "received_at": FRIDAY,
                }
                | members
            ),
        )
