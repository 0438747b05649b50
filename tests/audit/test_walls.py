"""Walls bite in the record too: what they close is neither listed nor shown, as if it were not
there; the record itself says which walls stand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from audit.app import create_app
from shared.contracts.matters import WallKind, WallLowered, WallRaised
from shared.contracts.messaging import MessageFiled, MessageQuarantined
from shared.ids import new_id
from support.firm_record import FRIDAY, Firm
from support.platform import Platform
from support.record import record_in
from support.running import running

INSIDE, OUTSIDE = "insider@firm.test", "outsider@firm.test"
ALL = set(range(6))
"""The matter is opened, a mail about no matter comes, one in the matter, another client's matter is
opened, a stranger's mail comes and is filed to the first matter."""
ANOTHERS = {3}


@dataclass
class Walled:
    firm: Firm
    insider: UUID
    wall_id: UUID

    async def raised(self, kind: WallKind, matter_id: UUID | None) -> None:
        staff_id = (await self.named(OUTSIDE)) if kind == "screen" else self.insider
        await self.firm.told(
            WallRaised(
                wall_id=self.wall_id,
                client_id=self.firm.client_id,
                matter_id=matter_id,
                kind=kind,
                staff_ids=(staff_id,),
                reason=await self.firm.seal(self.firm.client_id, "wall", "reason", "a conflict"),
                raised_at=FRIDAY,
            )
        )

    async def lowered(self) -> None:
        reason = await self.firm.seal(self.firm.client_id, "wall", "reason", "settled")
        await self.firm.told(
            WallLowered(
                wall_id=self.wall_id, client_id=self.firm.client_id, reason=reason,
                lowered_at=FRIDAY,
            )
        )  # fmt: skip

    async def named(self, email: str) -> UUID:
        one = await self.firm.staff(email)
        await self.firm.told(one)
        return one.staff_id

    async def listed(self, email: str, role: str = "partner") -> set[int]:
        """Of the first six entries those listed; each that is not is nowhere else to be seen."""
        page = await self.firm.get("/v1/record/entries?limit=500", role, email=email)
        seen = {one["index"] for one in page["items"]} & set(range(6))
        for index in range(6):
            status = await self.firm.status(f"/v1/record/entries/{index}", role, email=email)
            assert (status == 200) == (index in seen), (index, status)
            assert status in (200, 404)
        return seen


@pytest.fixture
async def walled(platform: Platform, tmp_path: Path) -> AsyncIterator[Walled]:
    async with (
        record_in(platform, tmp_path) as record,
        running(create_app, record.settings) as service,
    ):
        firm = Firm(platform, record, service, new_id(), new_id())
        stranger = new_id()
        await firm.told(
            await firm.open_matter(firm.client_id, firm.matter_id),
            await firm.received(new_id(), "about no matter"),
            await firm.received(new_id(), "in the matter", matter_id=firm.matter_id),
            await firm.open_matter(new_id(), new_id()),
            quarantined(stranger),
            await filed(firm, stranger),
        )
        one = Walled(firm, new_id(), new_id())
        one.insider = await one.named(INSIDE)
        yield one


def quarantined(message_id: UUID) -> MessageQuarantined:
    return MessageQuarantined(
        message_id=message_id,
        conversation_id=new_id(),
        received_at=FRIDAY,
        reason="unknown-sender",
    )


async def filed(firm: Firm, message_id: UUID) -> MessageFiled:
    return MessageFiled(
        message_id=message_id, conversation_id=new_id(), client_id=firm.client_id,
        matter_id=firm.matter_id, filed_by=new_id(), filed_at=FRIDAY,
        reason=await firm.seal(firm.client_id, "message", "reason", "theirs"),
    )  # fmt: skip


@pytest.mark.parametrize("of_matter", [False, True])
async def test_whom_a_wall_keeps_out_sees_no_entry_of_the_client_listed_or_alone(
    walled: Walled, of_matter: bool
) -> None:
    """An unfiltered list is narrowed by the database; what is of the client as a whole, or came
    from a stranger and was filed there, may be of the matter too."""
    assert await walled.listed(OUTSIDE) == ALL
    await walled.raised("need_to_know", walled.firm.matter_id if of_matter else None)
    assert await walled.listed(OUTSIDE) == ANOTHERS
    assert await walled.listed(INSIDE) == ALL
    assert await walled.listed("c@firm.test", "compliance") == ALL, "compliance keeps the walls"
    await walled.lowered()
    assert await walled.listed(OUTSIDE) == ALL


async def test_a_wall_around_one_matter_leaves_another_of_the_same_client_open(
    walled: Walled,
) -> None:
    firm = walled.firm
    await walled.raised("need_to_know", new_id())
    assert await walled.listed(OUTSIDE) == {0, 2, 3, 5}, "but nothing that is of no single matter"
    assert await firm.status(f"/v1/matters/{firm.matter_id}/timeline", email=OUTSIDE) == 200


async def test_a_screen_closes_to_those_it_names_and_to_compliance_if_it_names_them(
    walled: Walled,
) -> None:
    await walled.raised("screen", None)
    assert await walled.listed(INSIDE) == ALL
    assert await walled.listed(OUTSIDE) == ANOTHERS
    assert await walled.listed(OUTSIDE, "compliance") == ANOTHERS
    for filtered in (f"client_id={walled.firm.client_id}", f"matter_id={walled.firm.matter_id}"):
        path = f"/v1/record/entries?{filtered}"
        assert await walled.firm.status(path, email=OUTSIDE) == 404
        assert await walled.firm.status(path, email=INSIDE) == 200


async def test_the_pages_of_a_narrowed_list_are_full_and_in_order(walled: Walled) -> None:
    await walled.raised("need_to_know", None)
    seen: list[int] = []
    cursor = ""
    while True:
        page = await walled.firm.get(f"/v1/record/entries?limit=2{cursor}", email=OUTSIDE)
        seen += [one["index"] for one in page["items"]]
        if page["next"] is None:
            break
        assert len(page["items"]) == 2
        cursor = f"&cursor={page['next']}"
    everything = await walled.firm.get("/v1/record/entries?limit=500", email=OUTSIDE)
    assert seen == sorted(seen) == [one["index"] for one in everything["items"]]
