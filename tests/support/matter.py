"""A matter with a lawyer and a client, and what happens in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.audit import RecordExported
from shared.contracts.sla_monitor import ConcernDue, ResponseDue, UpdateDue
from shared.ids import new_id
from support.firm import World


class Scene:
    def __init__(self, world: World, ada: dict[str, Any], matter: dict[str, Any]) -> None:
        self.world, self.matter = world, matter
        self.path = f"/v1/matters/{matter['id']}"
        self.ada = {"role": "attorney", "email": ada["email"]}
        self.client = {"role": "client", "client_id": matter["client_id"]}

    async def post(self, what: str, **body: Any) -> Any:
        return await self.world.call("POST", f"{self.path}/{what}", body, **self.ada)

    async def tell(self, note: str) -> Any:
        draft = (await self.post("updates", about="no_news")).json()
        told = {"channel": "phone", "held_at": datetime.now(UTC).isoformat(), "note": note}
        return await self.world.call("POST", f"/v1/updates/{draft['id']}/told", told, **self.ada)

    async def put(self) -> Any:
        return (await self.ask_to_decide()).json()

    async def ask_to_decide(self) -> Any:
        soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        options = [{"key": key, "text": key, "consequences": "…"} for key in ("yes", "no")]
        body = {"kind": "strategy", "question": "Shall we appeal?", "recommendation": "No."}
        return await self.post("decisions", **body, options=options, reply_by=soon)

    async def owe(self, **more: Any) -> None:
        now = datetime.now(UTC)
        of = {"matter_id": self.matter["id"], "client_id": self.matter["client_id"]}
        of |= {"opened_at": now, "time_zone": "UTC", "policy_version": 1, "calendar_version": 0}
        due = {"target_at": now + timedelta(days=1), "limit_at": now + timedelta(days=2)}
        await self.world.hear(UpdateDue(clock_id=new_id(), prompted_at=now, **of, **due))
        of |= {"conversation_id": new_id(), "message_ids": (new_id(),), "clock_id": new_id()}
        await self.world.hear(ResponseDue(**of | due | more))

    async def be_concerned(self) -> None:
        """The client does not understand a bill of this matter."""
        now = datetime.now(UTC)
        of = {"matter_id": self.matter["id"], "client_id": self.matter["client_id"]}
        of |= {"opened_at": now, "time_zone": "UTC", "policy_version": 1, "calendar_version": 0}
        due = {"target_at": now + timedelta(days=2), "limit_at": now + timedelta(days=5)}
        await self.world.hear(ConcernDue(clock_id=new_id(), concern_id=new_id(), **of, **due))

    async def standing(self, **by: Any) -> dict[str, Any]:
        answer = await self.world.call("GET", f"{self.path}/standing", **(by or self.ada))
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def export(self, **more: Any) -> RecordExported:
        """A finished bundle, as audit tells it."""
        told = RecordExported(
            **{
                "export_id": new_id(),
                "client_id": self.matter["client_id"],
                "matter_id": self.matter["id"],
                "requested_by": new_id(),
                "role": "attorney",
                "size": 900,
                "entries": 42,
                "digest": "3q2+7wAA",
                "exported_at": datetime.now(UTC),
            }
            | more
        )
        await self.world.hear(told)
        return told

    async def hand_over_file(self, **more: Any) -> Any:
        pack = await self.export()
        body = {"export_id": str(pack.export_id), "channel": "courier"}
        return await self.post("file-handovers", **body | more)


async def scene_in(world: World) -> Scene:
    ada = await world.staff("Ada")
    return Scene(world, ada, await world.matter(await world.client(ada), ada))
