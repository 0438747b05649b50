"""Two entries turn out to be one client: the record of both is read as one, closed as one and
exported as one, each word under the key that it was sealed with; no entry is rewritten."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from uuid import UUID

import pytest

from audit.app import create_app
from audit.known import Known
from privity.verify import verify
from shared.contracts import FIRM_ID, Sealed
from shared.contracts.matters import (
    ClientRegistered,
    ClientsMerged,
    JointClientJoined,
    PointOfContactAssigned,
    WallRaised,
)
from shared.ids import new_id
from support.bundles import Messaging, bundle, mailed, messaging_at, unpacked
from support.facts import firm_changed
from support.firm_record import FRIDAY, Firm
from support.platform import Platform
from support.record import record_in
from support.running import running

LAWYER, OUTSIDE = "lawyer@firm.test", "outsider@firm.test"
SEALED = Sealed(
    owner=FIRM_ID, key_version=1, content_id=FIRM_ID, kind="x", field="x", box="", commitment=""
)


def merged(into: UUID, old: UUID) -> ClientsMerged:
    return ClientsMerged(
        client_id=into, merged_id=old, reason=SEALED, merged_by=new_id(), merged_at=FRIDAY
    )


@dataclass
class Twice:
    """One client, entered twice: `old` with a matter, then `stays` with one of its own."""

    old: Firm
    stays: Firm
    messaging: Messaging
    wall_id: UUID

    async def merged(self) -> None:
        await self.old.told(merged(self.stays.client_id, self.old.client_id))

    async def walled(self, client_id: UUID) -> None:
        reason = await self.old.seal(client_id, "wall", "reason", "a conflict")
        of = {"wall_id": self.wall_id, "client_id": client_id, "reason": reason}
        staff_ids = (new_id(),)
        await self.old.told(
            WallRaised(kind="need_to_know", staff_ids=staff_ids, raised_at=FRIDAY, **of)
        )

    @property
    def paths(self) -> list[str]:
        both = (self.old, self.stays)
        return [
            *(f"/v1/matters/{one.matter_id}/timeline" for one in both),
            *(f"/v1/record/entries?matter_id={one.matter_id}&limit=500" for one in both),
            *(f"/v1/record/entries?client_id={one.client_id}&limit=500" for one in both),
        ]


@pytest.fixture
async def twice(platform: Platform, tmp_path: Path) -> AsyncIterator[Twice]:
    async with (
        messaging_at() as messaging,
        record_in(platform, tmp_path, messaging_url=messaging.url) as record,
        running(create_app, record.settings) as service,
    ):
        old = Firm(platform, record, service, new_id(), new_id())
        stays = replace(old, client_id=new_id(), matter_id=new_id())
        lawyer, outsider = await old.staff(LAWYER), await old.staff(OUTSIDE)
        await old.told(firm_changed(), lawyer, outsider)
        for one, name in ((old, "Cleo"), (stays, "Cleopatra")):
            await old.told(
                ClientRegistered(
                    client_id=one.client_id,
                    name=await one.seal(one.client_id, "client", "name", name),
                    email=await one.seal(one.client_id, "client", "email", f"{name}@clients.test"),
                    time_zone="America/New_York",
                ),
                await one.open_matter(one.client_id, one.matter_id),
            )
        await old.told(
            PointOfContactAssigned(
                assignment_id=new_id(), client_id=stays.client_id, staff_id=lawyer.staff_id,
                from_at=FRIDAY,
            )
        )  # fmt: skip
        await mailed(old, messaging, "Before")
        # Sent to the old matter by who stays, as messaging tells of it from then on.
        await mailed(replace(stays, matter_id=old.matter_id), messaging, "After")
        await mailed(stays, messaging, "Elsewhere")
        yield Twice(old, stays, messaging, new_id())


async def subjects(firm: Firm, role: str = "partner", **claims: str) -> list[str]:
    items = await firm.timeline(role, **claims)
    return [item["summary"] for item in items if item["kind"] == "ClientMessageReceived"]


@pytest.mark.parametrize("by", ["old", "stays"])
async def test_the_client_reads_the_matters_of_both_entries_under_either(
    twice: Twice, by: str
) -> None:
    own = {"client_id": str(getattr(twice, by).client_id)}
    assert await subjects(twice.old) == ["Before"]
    await twice.merged()
    assert await subjects(twice.old, "client", **own) == ["Before", "After"]
    assert await subjects(twice.stays, "client", **own) == ["Elsewhere"]
    stranger = {"role": "client", "client_id": str(new_id())}
    assert [await twice.old.status(path, **stranger) for path in twice.paths[:2]] == [404, 404]
    listed = [await twice.old.get(path) for path in twice.paths[4:]]
    assert listed[0] == listed[1], "the record of a client is that of all their entries"
    whose = {one["client_id"] for one in listed[0]["items"]}
    assert whose == {str(twice.old.client_id), str(twice.stays.client_id)}
    read = await twice.old.record.rows("SELECT client_id FROM accesses WHERE purpose = 'timeline'")
    assert {row.client_id for row in read} == {twice.old.client_id, twice.stays.client_id}


async def test_who_answers_for_one_entry_reads_what_is_of_the_other(twice: Twice) -> None:
    team = {"role": "attorney", "email": LAWYER}
    found = [await twice.old.status(path, **team) for path in twice.paths]
    assert found == [404, 200, 404, 200, 404, 200]
    await twice.merged()
    assert [await twice.old.status(path, **team) for path in twice.paths] == [200] * 6
    outsider = {"role": "attorney", "email": OUTSIDE}
    assert [await twice.old.status(path, **outsider) for path in twice.paths] == [404] * 6


@pytest.mark.parametrize("around", ["old", "stays"])
@pytest.mark.parametrize("merged_first", [True, False])
async def test_a_wall_around_one_entry_closes_the_record_of_both_whichever_is_told_first(
    twice: Twice, around: str, merged_first: bool
) -> None:
    told = [twice.merged(), twice.walled(getattr(twice, around).client_id)]
    for one in told if merged_first else reversed(told):
        await one
    partner = {"email": OUTSIDE}
    assert [await twice.old.status(path, **partner) for path in twice.paths] == [404] * 6
    theirs = {str(twice.old.client_id), str(twice.stays.client_id)}
    listed = await twice.old.get("/v1/record/entries?limit=500", email=OUTSIDE)
    assert not any(one["client_id"] in theirs for one in listed["items"])
    for one in (await twice.old.get("/v1/record/entries?limit=500", "compliance"))["items"]:
        if one["client_id"] in theirs:
            path = f"/v1/record/entries/{one['index']}"
            assert await twice.old.status(path, email=OUTSIDE) == 404
            assert await twice.old.status(path, "compliance") == 200


async def test_a_wall_around_a_merged_entry_closes_the_matter_in_which_the_other_is_joint(
    twice: Twice,
) -> None:
    other = replace(twice.old, client_id=new_id(), matter_id=new_id())
    await other.told(
        await other.open_matter(other.client_id, other.matter_id),
        JointClientJoined(
            membership_id=new_id(), matter_id=other.matter_id, client_id=other.client_id,
            joint_client_id=twice.stays.client_id, joined_at=FRIDAY,
            reason=await other.seal(other.client_id, "joint", "reason", "both signed"),
        ),
    )  # fmt: skip
    path = f"/v1/matters/{other.matter_id}/timeline"
    own = {"role": "client", "client_id": str(twice.old.client_id)}
    assert [await other.status(path, email=OUTSIDE), await other.status(path, **own)] == [200, 404]
    await twice.merged()
    await twice.walled(twice.old.client_id)
    assert [await other.status(path, email=OUTSIDE), await other.status(path, **own)] == [404, 200]


async def test_a_bundle_of_either_entry_holds_what_is_of_both_and_proves_itself(
    twice: Twice, tmp_path: Path
) -> None:
    await twice.merged()
    of_client = await bundle(twice.old, client_id=str(twice.old.client_id))
    of_matter = await bundle(twice.old)
    for content, words in (
        (of_client, ["before", "after", "elsewhere"]),
        (of_matter, ["before", "after"]),
    ):
        files = unpacked(content)
        mails = {one.rpartition("_")[2] for one in files if one.startswith("originals/")}
        assert mails == {f"{word}.eml" for word in words}
        page = files["index.html"]
        assert b"Cleopatra" in page, "one client, by the name of the entry that stays"
        assert b"Cleo and" not in page
        assert b"of Cleo" not in page
        assert all(word.capitalize().encode() in page for word in words)
        (tmp_path / "bundle.zip").write_bytes(content)
        report = verify(str(tmp_path / "bundle.zip"), key=twice.old.record.log.signer.verifier)
        assert report.ok, report.doubts


def test_mergers_are_one_client_in_whatever_order_they_are_told() -> None:
    a, b, c, d, e = (new_id() for _ in range(5))
    for order in permutations([merged(b, a), merged(c, b), merged(e, d), merged(c, e)]):
        known = Known()
        for event in order:
            known._take(event)
        assert {known.entries(one) for one in (a, b, c, d, e)} == {frozenset((a, b, c, d, e))}
        assert {known.stays(one) for one in (a, b, c, d, e)} == {c}
    assert known.entries(stranger := new_id()) == {stranger}
