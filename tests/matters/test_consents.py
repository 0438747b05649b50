"""Nothing is disclosed without a basis that stands at that instant; the client sees who read."""

import asyncio
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.consents.rules import same_words
from shared.contracts.matters import ConsentGranted, ConsentWithdrawn, DisclosureMade
from shared.contracts.platform import RecordAccessed
from shared.ids import new_id
from support.firm import World

CONSENT = {"purpose": "insurance", "recipient": "Quay Insurance", "scope": "The surveyor's report."}
DISCLOSURE = {
    "basis": "consent", "purpose": "insurance", "recipient": "Quay Insurance",
    "content": "The surveyor's report of 3 May.", "grounds": "Consent of this week.",
}  # fmt: skip


class Scene:
    def __init__(self, world: World, ada: dict[str, Any], client: dict[str, Any]) -> None:
        self.world, self.path = world, f"/v1/clients/{client['id']}"
        self.id, self.ada_id = client["id"], ada["id"]
        self.ada = {"role": "attorney", "email": ada["email"]}
        self.client = {"role": "client", "client_id": client["id"]}

    async def consent(self, **more: Any) -> Any:
        return await self.world.call("POST", f"{self.path}/consents", CONSENT | more, **self.client)

    async def disclose(self, consent: Any = None, **more: Any) -> Any:
        body = DISCLOSURE | ({"consent_id": consent["id"]} if consent else {}) | more
        return await self.world.call("POST", f"{self.path}/disclosures", body, **self.ada)


@pytest.fixture
async def at(world: World) -> Scene:
    ada = await world.staff("Ada")
    return Scene(world, ada, await world.client(ada))


async def test_what_the_client_allowed_is_disclosed_until_they_withdraw(
    world: World, at: Scene
) -> None:
    consent = (await at.consent()).json()
    made = await at.disclose(consent)
    assert made.status_code == 201, made.text
    path = f"/v1/consents/{consent['id']}/withdraw"
    assert (await world.call("POST", path, **at.client)).status_code == 200
    again = await world.call("POST", path, **at.client)
    assert (again.status_code, again.json()["code"]) == (409, "already-withdrawn")
    refused = await at.disclose(consent)
    assert (refused.status_code, refused.json()["code"]) == (422, "without-basis")
    told = [await world.told(kind) for kind in (ConsentGranted, ConsentWithdrawn, DisclosureMade)]
    assert [len(one) for one in told] == [1, 1, 1]
    shown = (await world.call("GET", f"{at.path}/disclosures", **at.client)).json()["items"]
    assert [one["content"] for one in shown] == ["The surveyor's report of 3 May."]
    values = await world.rows("SELECT encode(value, 'escape') FROM outbox")
    assert not any("surveyor" in value.lower() for (value,) in values)


async def test_without_a_basis_that_fits_nothing_is_disclosed(
    world: World, at: Scene, moved_clock: Path
) -> None:
    consent = (await at.consent()).json()
    for wrong in (
        {},
        {"consent_id": str(new_id())},
        {"consent_id": consent["id"], "purpose": "press"},
        {"basis": "court_order", "purpose": "trial", "grounds": "County court, 12 C 4/26"},
    ):
        refused = await at.disclose(None, **wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "without-basis"), wrong
    assert await world.told(DisclosureMade) == []
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    short = (await at.consent(expires_at=soon)).json()
    moved_clock.write_text("3601")
    assert (await at.disclose(short)).json()["code"] == "without-basis"
    other = await world.client({"id": (await world.staff("Noor"))["id"]}, "Marc")
    theirs = {"role": "client", "client_id": other["id"]}
    given = await world.call("POST", f"/v1/clients/{other['id']}/consents", CONSENT, **theirs)
    assert (await at.disclose(given.json())).json()["code"] == "without-basis"


async def test_a_joint_client_allows_what_is_told_of_their_matter_and_takes_it_back_after_leaving(
    world: World, at: Scene
) -> None:
    matter = await world.matter({"id": at.id}, {"id": at.ada_id})
    marc = await world.client({"id": at.ada_id}, "Marc")
    theirs = {"role": "client", "client_id": marc["id"]}
    path, joint = f"/v1/clients/{marc['id']}", f"/v1/matters/{matter['id']}/joint-clients"
    consent = CONSENT | {"matter_id": matter["id"]}

    async def grant() -> Any:
        return await world.call("POST", f"{path}/consents", consent, **theirs)

    assert (await grant()).status_code == 404
    await world.made(joint, client_id=marc["id"], reason="Both asked for it.")
    given = await grant()
    assert given.status_code == 201, given.text
    body = DISCLOSURE | {"matter_id": matter["id"], "consent_id": given.json()["id"]}
    made = await world.call("POST", f"{path}/disclosures", body, **at.ada)
    assert made.status_code == 201, made.text
    left = await world.call("POST", f"{joint}/{marc['id']}/leave", {"reason": "They part."})
    assert left.is_success, left.text
    document = await world.call("GET", f"/v1/disclosures/{made.json()['id']}/document", **at.ada)
    assert "without a court's order" in document.json()["detail"]
    assert (await grant()).status_code == 404
    back = await world.call("POST", f"/v1/consents/{given.json()['id']}/withdraw", **theirs)
    assert back.status_code == 200, back.text


async def test_a_consent_to_tell_one_is_none_to_tell_another(world: World, at: Scene) -> None:
    consent = (await at.consent()).json()
    refused = await at.disclose(consent, recipient="The Quay Times")
    assert (refused.status_code, refused.json()["code"]) == (422, "without-basis")
    assert "somebody else" in refused.json()["detail"]
    assert (await at.disclose(consent, recipient=" quay  INSURANCE")).status_code == 201
    assert len(await world.told(DisclosureMade)) == 1


@given(st.text(min_size=1))
def test_a_recipient_is_the_same_in_other_spaces_and_capitals(name: str) -> None:
    assert same_words(name, f"  {name}\u00a0")
    assert same_words(name.casefold(), name)
    assert not same_words(name, f"{name} x")


async def test_a_courts_order_is_kept_as_the_document_that_it_is(world: World, at: Scene) -> None:
    order = b64encode(b"%PDF order").decode()
    grounds = {"basis": "court_order", "purpose": "trial", "grounds": "County court, 12 C 4/26"}
    made = await at.disclose(None, **grounds, document=order)
    assert made.status_code == 201, made.text
    (told,) = await world.told(DisclosureMade)
    assert told.document is not None
    assert told.document.size == len(b"%PDF order")
    path = f"/v1/disclosures/{made.json()['id']}/document"
    for reader in (at.ada, at.client):
        read = await world.call("GET", path, **reader)
        assert (read.status_code, read.content) == (200, b"%PDF order")
    stranger = {"role": "client", "client_id": str(new_id())}
    assert (await world.call("GET", path, **stranger)).status_code == 404
    nothing = await at.disclose(None, **grounds, document="")
    assert (nothing.status_code, nothing.json()["code"]) == (422, "without-basis")
    assert (await at.disclose(None, **grounds, document="no base64!")).status_code == 422
    by_law = await at.disclose(None, basis="law", grounds="§ 138 StGB")
    assert (by_law.status_code, by_law.json()["has_document"]) == (201, False)
    path = f"/v1/disclosures/{by_law.json()['id']}/document"
    assert (await world.call("GET", path, **at.ada)).status_code == 404


async def test_a_withdrawal_and_a_disclosure_at_once_have_an_order(world: World, at: Scene) -> None:
    for _ in range(5):
        consent = (await at.consent()).json()
        path = f"/v1/consents/{consent['id']}/withdraw"
        answers = await asyncio.gather(at.disclose(consent), world.call("POST", path, **at.client))
        assert [one.status_code for one in answers] in ([201, 200], [422, 200])
        told = [o for o in await world.told(DisclosureMade) if str(o.consent_id) == consent["id"]]
        assert len(told) == (answers[0].status_code == 201)
        withdrawn = (await world.told(ConsentWithdrawn))[-1]
        assert all(one.made_at <= withdrawn.withdrawn_at for one in told)


async def test_the_client_sees_who_has_seen_the_file(world: World, at: Scene) -> None:
    since = datetime(2026, 7, 6, 14, tzinfo=UTC)

    def view(minutes: int, role: str) -> RecordAccessed:
        at_first = since + timedelta(minutes=minutes)
        return RecordAccessed(
            caller_id=new_id(), role=role, client_id=at.id, purpose="message", count=3,
            first_at=at_first, last_at=at_first,
        )  # fmt: skip

    one = view(0, "attorney")
    await world.hear(one, one, view(20, "compliance"))
    first = await world.call("GET", f"{at.path}/views?limit=1", **at.client)
    rest = await world.call("GET", f"{at.path}/views?cursor={first.json()['next']}", **at.client)
    seen = first.json()["items"] + rest.json()["items"]
    assert [(item["role"], item["count"]) for item in seen] == [("attorney", 3), ("compliance", 3)]
    stranger = {"role": "client", "client_id": str(new_id())}
    assert (await world.call("GET", f"{at.path}/views", **stranger)).status_code == 404
