"""Somebody on the way to become a client, as intake tells matters of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared import sealing
from shared.contracts import ContentRef, Sealed
from shared.contracts.intake import (
    AgreedCommunication,
    AgreedFeeTerms,
    ConsultationRequested,
    EngagementParty,
    EngagementSigned,
    JointlyEngaged,
)
from shared.ids import new_id
from support.firm import World

NOW = datetime.now(UTC) - timedelta(hours=1)


class Prospect:
    """Somebody who asks intake; their key is made there."""

    def __init__(self, world: World) -> None:
        self.world, self.client_id, self.matter_id = world, new_id(), new_id()

    def sealed(self, words: str, field: str = "name") -> Sealed:
        key = self.world.runtime.keys.key(self.client_id)
        return sealing.seal(key, self.client_id, "prospect", field, words.encode())

    async def requested(self, **more: Any) -> ConsultationRequested:
        await self.world.runtime.keys.hold(self.client_id, create=True)
        facts = {
            "consultation_id": new_id(),
            "client_id": self.client_id,
            "source": "form",
            "name": self.sealed("Cleo Marsh"),
            "email": self.sealed("Cleo@Clients.test", "email"),
            "time_zone": "Europe/Lisbon",
            "practice_area": "family",
            "requested_at": NOW,
        }
        return ConsultationRequested(**facts | more)

    def jointly(self, client: dict[str, Any]) -> JointlyEngaged:
        """Of the firm's clients, as somebody who signs beside the prospect."""
        return JointlyEngaged(
            client_id=UUID(client["id"]),
            signer_id=new_id(),
            name=self.sealed(client["name"]),
            email=self.sealed(client["email"], "email"),
            kind="person",
        )

    async def signed(self, contact: dict[str, Any], **more: Any) -> EngagementSigned:
        await self.world.runtime.keys.hold(self.client_id, create=True)
        document = ContentRef(content_id=new_id(), size=1, commitment="")
        adverse = EngagementParty(
            party_id=new_id(), role="adverse", kind="person", name=self.sealed("Marc Marsh")
        )
        facts = {
            "engagement_id": new_id(),
            "agreement_version": 1,
            "client_id": self.client_id,
            "consultation_id": new_id(),
            "matter_id": self.matter_id,
            "title": self.sealed("Marsh divorce", "title"),
            "practice_area": "family",
            "parties": (adverse,),
            "point_of_contact_id": contact["id"],
            "fee_terms": AgreedFeeTerms(
                terms_id=new_id(), version=1, basis="hourly", commitment=""
            ),
            "communication": AgreedCommunication(update_every="P14D"),
            "terms": self.sealed("{}", "terms"),
            "document": document,
            "signatures": (),
            "countersigned_by": contact["id"],
            "signed_at": NOW + timedelta(minutes=30),
        }
        return EngagementSigned(**facts | more)
