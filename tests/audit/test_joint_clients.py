"""A matter of joint clients is read as one: by each while they are represented, by the team,
behind the walls around any of them, and in a bundle that proves itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from audit.app import create_app
from privity.verify import verify
from shared.contracts.matters import (
    ClientRegistered,
    JointClientJoined,
    JointClientLeft,
    PointOfContactAssigned,
    WallRaised,
)
from shared.ids import new_id
from support.bundles import Messaging, ask, bundle, checked, mailed, messaging_at, unpacked, until
from support.facts import firm_changed
from support.firm_record import FRIDAY, Firm
from support.platform import Platform
from support.record import record_in
from support.running import bearer, running

LAWYER, OUTSIDE = "lawyer@firm.test", "outsider@firm.test"


@dataclass
class Joint:
    """Ann's matter, in which Bob is a joint client: the firm as it tells of each, and of a stranger
    whose mail names the matter too."""

    ann: Firm
    bob: Firm
    stranger: Firm
    messaging: Messaging
    membership_id: UUID

    async def told(self, kind: type[JointClientJoined | JointClientLeft], **members: Any) -> None:
        await self.ann.told(
            kind(
                membership_id=self.membership_id,
                matter_id=self.ann.matter_id,
                client_id=self.ann.client_id,
                joint_client_id=self.bob.client_id,
                reason=await self.ann.seal(self.ann.client_id, "joint", "reason", "both signed"),
                **members,
            )
        )

    async def left(self) -> None:
        await self.told(JointClientLeft, left_at=FRIDAY + timedelta(days=9))

    async def walled(self, client_id: UUID, matter_id: UUID | None = None) -> None:
        """Nobody may look behind it but one who works nowhere else."""
        await self.ann.told(
            WallRaised(
                wall_id=new_id(), client_id=client_id, matter_id=matter_id, kind="need_to_know",
                staff_ids=(new_id(),), raised_at=FRIDAY,
                reason=await self.ann.seal(client_id, "wall", "reason", "a conflict"),
            )
        )  # fmt: skip

    async def read_by(self, one: Firm) -> list[str]:
        """The timeline as this client sees it; what is of Bob says so."""
        items = await self.ann.timeline("client", client_id=str(one.client_id))
        bobs = [item["summary"] for item in items if item["client_id"] == str(self.bob.client_id)]
        assert bobs in (["Bob asks"], ["A stranger"])
        return [item["summary"] for item in items]

    async def closed_to(self, client_id: UUID) -> int:
        """The status of the timeline for a client."""
        path = f"/v1/matters/{self.ann.matter_id}/timeline"
        return await self.ann.status(path, "client", client_id=str(client_id))


async def registered(firm: Firm, name: str) -> ClientRegistered:
    return ClientRegistered(
        client_id=firm.client_id,
        name=await firm.seal(firm.client_id, "client", "name", name),
        email=await firm.seal(firm.client_id, "client", "email", f"{name.lower()}@clients.test"),
        time_zone="America/New_York",
    )


@pytest.fixture
async def joint(platform: Platform, tmp_path: Path) -> AsyncIterator[Joint]:
    async with (
        messaging_at() as messaging,
        record_in(platform, tmp_path, messaging_url=messaging.url) as record,
        running(create_app, record.settings) as service,
    ):
        ann = Firm(platform, record, service, new_id(), new_id())
        bob, stranger = (replace(ann, client_id=new_id()) for _ in range(2))
        one = Joint(ann, bob, stranger, messaging, new_id())
        lawyer, outsider = await ann.staff(LAWYER), await ann.staff(OUTSIDE)
        await ann.told(
            firm_changed(),
            lawyer,
            outsider,
            await registered(ann, "Ann"),
            await registered(one.bob, "Bob"),
            await ann.open_matter(ann.client_id, ann.matter_id),
            PointOfContactAssigned(
                assignment_id=new_id(), client_id=ann.client_id, matter_id=ann.matter_id,
                staff_id=lawyer.staff_id, from_at=FRIDAY,
            ),
        )  # fmt: skip
        await one.told(JointClientJoined, joined_at=FRIDAY)
        await mailed(ann, messaging, "Ann asks")
        await mailed(one.bob, messaging, "Bob asks")
        await ann.told(await one.bob.received(new_id(), "Bob, of something else"))
        await ann.told(await stranger.received(new_id(), "A stranger", matter_id=ann.matter_id))
        yield one


TOLD = [
    "Matter 2026-0001 opened: Estate of Vale",
    "New point of contact from Fri 10 Jul 16:30",
    "A joint client is represented from now on: both signed",
    "Ann asks",
    "Bob asks",
]


async def test_each_joint_client_reads_the_matter_with_what_the_other_wrote_until_they_leave(
    joint: Joint,
) -> None:
    assert await joint.read_by(joint.ann) == await joint.read_by(joint.bob) == TOLD
    assert await joint.closed_to(new_id()) == 404
    await joint.left()
    assert await joint.closed_to(joint.bob.client_id) == 404, "as one that does not exist"
    ended = "A joint client is represented no more"
    assert await joint.read_by(joint.ann) == [*TOLD, ended], "what Bob was told stands"
    await joint.told(JointClientJoined, joined_at=FRIDAY)
    assert await joint.closed_to(joint.bob.client_id) == 404, "the same membership, told again"
    joint.membership_id = new_id()
    await joint.told(JointClientJoined, joined_at=FRIDAY)
    assert await joint.closed_to(joint.bob.client_id) == 200, "another one"


async def test_who_reads_a_joint_matter_has_read_of_each_client(joint: Joint) -> None:
    await joint.ann.timeline()
    found = await joint.ann.record.rows("SELECT client_id FROM accesses WHERE purpose = 'timeline'")
    assert {row.client_id for row in found} == {joint.ann.client_id, joint.bob.client_id}


async def test_the_team_of_the_matter_reads_and_corrects_what_is_a_joint_clients_in_it(
    joint: Joint,
) -> None:
    firm, team = joint.ann, {"role": "attorney", "email": LAWYER}
    listed = await firm.get(
        f"/v1/record/entries?matter_id={firm.matter_id}&limit=500", "attorney", email=LAWYER
    )
    (bobs,) = [one for one in listed["items"] if one["client_id"] == str(joint.bob.client_id)]
    assert len(listed["items"]) == len(TOLD), "nothing of a stranger, nothing of another matter"
    by_bob = f"/v1/record/entries?matter_id={firm.matter_id}&client_id={joint.bob.client_id}"
    assert (await firm.get(by_bob, "attorney", email=LAWYER))["items"] == listed["items"]
    foreign = f"/v1/record/entries?matter_id={firm.matter_id}&client_id={new_id()}"
    assert await firm.status(foreign, **team) == 404
    path = f"/v1/record/entries/{bobs['index']}"
    assert await firm.status(path, **team) == 200
    assert await firm.status(path, "attorney", email=OUTSIDE) == 404
    assert await firm.status(f"/v1/record/entries?client_id={joint.bob.client_id}", **team) == 404
    answer = await firm.service.http.post(
        f"{path}/corrections", json={"correction": "Bob called"}, headers=bearer(
            firm.platform, "attorney", email=LAWYER)
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    proofs = f"/v1/record/proofs/inclusions?matter_id={firm.matter_id}&limit=500"
    proved = (await firm.get(proofs, "attorney", email=LAWYER))["items"]
    assert [one["index"] for one in proved] == [one["index"] for one in listed["items"]]


@pytest.mark.parametrize("around", ["ann", "bob", "a third", "the matter"])
async def test_a_wall_around_the_matter_or_either_client_closes_what_is_of_it(
    joint: Joint, around: str
) -> None:
    """Also before matters raised the wall around the matter that follows one around its client."""
    firm = joint.ann
    whose = {"bob": joint.bob, "a third": joint.stranger}.get(around, firm)
    if around == "a third":
        third = replace(joint, bob=joint.stranger, membership_id=new_id())
        await third.told(JointClientJoined, joined_at=FRIDAY)
    await joint.walled(whose.client_id, firm.matter_id if around == "the matter" else None)
    for path in (
        f"/v1/matters/{firm.matter_id}/timeline",
        f"/v1/record/entries?matter_id={firm.matter_id}",
        f"/v1/record/entries?client_id={firm.client_id}",
        f"/v1/record/entries?client_id={joint.bob.client_id}",
    ):
        assert await firm.status(path, email=OUTSIDE) == 404, path
    listed = await firm.get("/v1/record/entries?limit=500", email=OUTSIDE)
    theirs = {str(firm.client_id), str(joint.bob.client_id)}
    assert not any(one["client_id"] in theirs for one in listed["items"])
    alone = await firm.get("/v1/record/entries?limit=500", "compliance")
    for one in alone["items"]:
        if one["client_id"] in theirs:
            assert await firm.status(f"/v1/record/entries/{one['index']}", email=OUTSIDE) == 404


async def test_a_bundle_of_a_joint_matter_holds_both_clients_words_and_proves_itself_twice(
    joint: Joint, tmp_path: Path
) -> None:
    """Each text is opened under the key of whose it is; who joins later changes no bundle."""
    firm = joint.ann
    content = await bundle(firm)
    files = unpacked(content)
    mail = "2026-07-10T2030Z_2026-0001_email_inbound"
    assert {one for one in files if "/" in one} == {
        f"{folder}/{mail}_{who}-asks{rest}"
        for who in ("ann", "bob")
        for folder, rest in (("originals", ".eml"), ("attachments", "_the-deed.pdf"))
    }
    lines = [json.loads(one) for one in files["entries.jsonl"].splitlines()]
    assert len(lines) == len(TOLD)
    salted = [o for line in lines for o in line["opened"] if o.get("path", "").endswith(".pdf")]
    assert len([one for one in salted if "salt" in one]) == 2
    assert b"(Ann and Bob)" in files["index.html"]
    assert files["index.html"].count(b"of Bob") == 1
    (tmp_path / "verify.py").write_bytes(files["verify.py"])
    (tmp_path / "bundle.zip").write_bytes(content)
    verifier = firm.record.log.signer.verifier
    done = await asyncio.to_thread(
        checked, tmp_path / "verify.py", tmp_path / "bundle.zip", verifier
    )
    assert done.returncode == 0, done.stderr
    report = verify(str(tmp_path / "bundle.zip"), key=verifier)
    assert report.ok, report.doubts


async def test_a_joint_clients_own_bundle_names_the_matter_of_the_other(joint: Joint) -> None:
    files = unpacked(await bundle(joint.ann, client_id=str(joint.bob.client_id)))
    assert "originals/2026-07-10T2030Z_2026-0001_email_inbound_bob-asks.eml" in files
    assert not any("ann-asks" in one for one in files)
    assert b"client Bob" in files["index.html"]


async def test_a_bundle_is_made_of_whose_it_was_when_it_was_asked_for(joint: Joint) -> None:
    export = await ask(joint.ann)
    joint.bob, joint.membership_id = joint.stranger, new_id()
    await joint.told(JointClientJoined, joined_at=FRIDAY)
    assert "A stranger" in await joint.read_by(joint.stranger)
    ready = await until(joint.ann, export, "ready")
    assert ready["entries"] == len(TOLD)
