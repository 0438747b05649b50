"""Who signs as a joint client is a client of their own, and has agreed in writing to what that
means (Model Rules 1.7, comments 29 to 33, and 1.8(g))."""

from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from intake.engagements import sealer
from shared.contracts.intake import EngagementAmended, EngagementSigned
from shared.ids import new_id
from support.papers import words
from support.prospects import COUPLE, TERMS, Intake

ANN, BOB = COUPLE
JOINT_BOB = BOB | {"joint_client": True, "phone": "+1 212 555 0188"}
CARL = {"name": "Carl Ivanov", "email": "carl@clients.test"}
JOINTLY = [ANN, JOINT_BOB]


async def keys_of(intake: Intake, owner: UUID) -> int:
    """How many keys the keyring has of somebody."""
    keyring = await asyncpg.connect(intake.runtime.settings.keyring_database_url.get_secret_value())
    try:
        return len(await keyring.fetch("SELECT * FROM keyring_read($1::uuid[])", [owner]))
    finally:
        await keyring.close()


async def test_a_couple_signs_and_both_are_clients_each_under_a_key_of_their_own(
    intake: Intake,
) -> None:
    drafted = await intake.drafted(signers=JOINTLY)
    bob_id = UUID(drafted["signers"][1]["client_id"])
    assert drafted["signers"][0]["client_id"] is None
    row = await intake.step(drafted, "approve")
    for one in await intake.holders("signature"):
        assert (await (await one.enter()).signs()).status_code == 200
    assert await keys_of(intake, bob_id) == 0, "nobody is a client before it is in force"
    await intake.step(await intake.reread(row), "countersign")
    await intake.until(row, "signed")
    (signed,) = await intake.told(EngagementSigned)
    (bob,) = signed.joint_clients
    assert (bob.client_id, bob.kind) == (bob_id, "person")
    assert bob.client_id != signed.client_id
    assert str(bob.signer_id) == drafted["signers"][1]["id"]
    assert bob.phone is not None
    sealed = (bob.name, bob.email, bob.phone)
    assert {one.owner for one in sealed} == {bob_id}
    assert [await intake.opened(one) for one in sealed] == [
        "Bob Example", "bob@clients.test", "+12125550188",
    ]  # fmt: skip
    assert [one.role for one in signed.parties] == ["client", "client"]
    assert {one.name.owner for one in signed.parties} == {signed.client_id}


async def test_a_joint_client_reads_what_they_signed_and_nothing_else_of_the_consultation(
    intake: Intake,
) -> None:
    drafted = await intake.drafted(signers=JOINTLY)
    own = {"role": "client", "client_id": drafted["signers"][1]["client_id"]}
    path = f"/v1/engagements/{drafted['id']}"
    assert await intake.refused("GET", path, **own) == "404 not-found"
    await intake.step(drafted, "approve")
    (listed,) = (await intake.done("GET", "/v1/engagements", **own))["items"]
    assert (listed["id"], (await intake.done("GET", path, **own))["terms"]["title"]) == (
        drafted["id"], TERMS["title"],
    )  # fmt: skip
    assert (await intake.call("GET", f"{path}/document", **own)).content.startswith(b"%PDF")
    consultation = f"/v1/consultations/{drafted['consultation_id']}"
    assert await intake.refused("GET", consultation, **own) == "404 not-found"
    assert (await intake.done("GET", "/v1/consultations", **own))["items"] == []
    foreign = own | {"client_id": drafted["matter_id"]}
    assert await intake.refused("GET", path, **foreign) == "404 not-found"
    by_partner = f"/v1/engagements?client_id={own['client_id']}"
    assert len((await intake.done("GET", by_partner))["items"]) == 1


async def test_the_agreement_says_what_joint_representation_means_and_only_where_it_is_one(
    intake: Intake,
) -> None:
    own = {"template": "house", "sections": [{"heading": "Scope", "body": "{{ terms.scope }}"}]}
    await intake.done("POST", "/v1/engagement-templates", own)
    _, (ann, _) = await intake.proposed(signers=JOINTLY, template="house")
    read = " ".join(words((await ann.call("GET", "/document")).content).split())
    for said in (
        "Joint representation",
        "We represent you jointly in this matter: Ann Example, Bob Example.",
        "There are no secrets between you",
        "consents, in a writing of their own",
        "we may have to stop acting for all of you",
        "Bills go to Ann Example; each of you may read them.",
    ):
        assert said in read
    alone = await intake.held(name="Cleo Single", email="cleo@clients.test", parties=[])
    cleo = [{"name": "Cleo Single", "email": "cleo@clients.test"}]
    row = await intake.step(await intake.drafted(alone, signers=cleo), "approve")
    paper = (await intake.call("GET", f"/v1/engagements/{row['id']}/document")).content
    assert "Joint representation" not in words(paper)


async def test_who_dies_between_the_key_and_the_commit_makes_no_second_client(
    intake: Intake,
) -> None:
    """Failed and not stored: the key is there, nothing was told; then failed but stored: it is told
    and in force, and is sealed again by nobody."""
    row, holders = await intake.proposed(signers=JOINTLY)
    bob_id = UUID(row["signers"][1]["client_id"])
    await intake.runtime.keys.hold(bob_id, create=True)
    first = intake.key(bob_id).secret
    for one in holders:
        await one.signs()
    await intake.step(await intake.reread(row), "countersign")
    await intake.until(row, "signed")
    assert await sealer.seal_all(intake.runtime) == 0
    (signed,) = await intake.told(EngagementSigned)
    assert [one.client_id for one in signed.joint_clients] == [bob_id]
    assert await keys_of(intake, bob_id) == 1
    await intake.runtime.keys.hold(bob_id)
    assert intake.key(bob_id).secret == first


async def test_who_is_a_client_already_keeps_their_id_and_key(intake: Intake) -> None:
    bob_id = await intake.client("Bob Example")
    row = await intake.in_force(signers=[ANN, JOINT_BOB | {"client_id": str(bob_id)}])
    (signed,) = await intake.told(EngagementSigned)
    assert [one.client_id for one in signed.joint_clients] == [bob_id]
    assert row["signers"][1]["client_id"] == str(bob_id)
    assert await keys_of(intake, bob_id) == 1


async def test_a_company_is_a_joint_client_by_who_signs_for_it(intake: Intake) -> None:
    parties = [{"role": "related", "kind": "company", "name": "Mega Holdings GmbH"}]
    consultation_id = await intake.held(parties=parties)
    director = BOB | {
        "capacity": "Director of Mega Holdings GmbH",
        "joint_client": True,
        "kind": "company",
        "signs_for": "Mega Holdings GmbH",
    }
    await intake.in_force(consultation_id=consultation_id, signers=[ANN, director])
    (signed,) = await intake.told(EngagementSigned)
    (mega,) = signed.joint_clients
    assert (mega.kind, await intake.opened(mega.name)) == ("company", "Mega Holdings GmbH")
    assert [one.role for one in signed.parties] == ["client", "client"]


async def test_a_joint_client_is_checked_named_once_and_another_than_who_asked(
    intake: Intake,
) -> None:
    consultation_id = await intake.held()
    row = await intake.drafted(await intake.held())
    path, etag = f"/v1/engagements/{row['id']}", {"If-Match": f'"{row["revision"]}"'}
    for signers, refusal in (
        ([ANN, CARL | {"joint_client": True}], "409 signer-unchecked"),
        ([ANN | {"joint_client": True}, BOB], "422 client-unbound"),
        ([ANN | {"joint_client": True}, BOB | {"capacity": "Guardian"}], "422 client-twice"),
        ([ANN, JOINT_BOB, JOINT_BOB], "422 client-twice"),
        ([ANN, JOINT_BOB | {"client_id": str(new_id())}], "422 invalid"),
        ([ANN, BOB | {"phone": "+1 212 555 0188"}], "422 invalid-request"),
        ([ANN, JOINT_BOB | {"capacity": "Director of Mega"}], "422 invalid-request"),
        ([ANN, JOINT_BOB | {"kind": "company"}], "422 invalid-request"),
    ):
        body = intake.draft(consultation_id=consultation_id, signers=signers)
        assert await intake.refused("POST", "/v1/engagements", body) == refusal
        changed = intake.draft(signers=signers)
        assert await intake.refused("PUT", path, changed, headers=etag) == refusal


async def test_a_client_of_another_name_or_of_this_matter_is_no_joint_client(
    intake: Intake,
) -> None:
    consultation_id = await intake.held()
    (asked,) = await intake.rows("SELECT client_id FROM consultations")
    carl_id = await intake.client("Carl Ivanov")
    for client_id, refusal in ((asked[0], "422 client-twice"), (carl_id, "422 invalid")):
        bob = JOINT_BOB | {"client_id": str(client_id)}
        body = intake.draft(consultation_id=consultation_id, signers=[ANN, bob])
        assert await intake.refused("POST", "/v1/engagements", body) == refusal


async def test_a_draft_that_is_written_again_as_it_was_shown_keeps_its_joint_client(
    intake: Intake,
) -> None:
    row = await intake.drafted(signers=JOINTLY)
    shown = row["signers"][1]
    again = [ANN, JOINT_BOB | {"client_id": shown["client_id"], "email": "rob@clients.test"}]
    path, etag = f"/v1/engagements/{row['id']}", {"If-Match": f'"{row["revision"]}"'}
    changed = await intake.done("PUT", path, intake.draft(signers=again), headers=etag)
    assert changed["signers"][1] == shown | {
        "id": changed["signers"][1]["id"],
        "email": "rob@clients.test",
    }


async def test_an_amendment_makes_nobody_a_client_and_names_those_who_are(intake: Intake) -> None:
    consultation_id = await intake.held()
    first = await intake.in_force(consultation_id=consultation_id, signers=JOINTLY)
    draft = intake.draft(consultation_id=consultation_id, amends=first["id"], signers=JOINTLY)
    answer = await intake.call("POST", "/v1/engagements", draft)
    assert (answer.status_code, answer.json()["code"]) == (422, "joined-by-amendment")
    assert f"POST /v1/matters/{first['matter_id']}/joint-clients" in answer.json()["detail"]
    row = await intake.done("POST", "/v1/engagements", draft | {"signers": COUPLE})
    path, etag = f"/v1/engagements/{row['id']}", {"If-Match": f'"{row["revision"]}"'}
    changed = intake.draft(signers=JOINTLY)
    assert await intake.refused("PUT", path, changed, headers=etag) == "422 joined-by-amendment"
    await intake.step(row, "approve")
    for one in (await intake.holders("signature"))[2:]:
        assert (await (await one.enter()).signs()).status_code == 200
    await intake.step(await intake.reread(row), "countersign")
    await intake.until(row, "signed")
    assert len(await intake.told(EngagementAmended)) == 1
    paper = words((await intake.call("GET", f"{path}/document")).content)
    assert "We represent you jointly" in paper


async def test_of_a_joint_client_who_never_became_one_neither_row_nor_key_is_left(
    intake: Intake, moved_clock: Path
) -> None:
    row, (_, bob) = await intake.proposed(signers=JOINTLY)
    bob_id = UUID(row["signers"][1]["client_id"])
    assert (await bob.call("POST", "/decline", {})).is_success
    declined = {"by": "client", "reasons": "Too dear."}
    await intake.done("POST", f"/v1/consultations/{row['consultation_id']}/decline", declined)
    moved_clock.write_text(str(366 * 86_400))
    await intake.soon("SELECT 1 FROM consultations WHERE erased_at IS NOT NULL")
    assert await intake.rows("SELECT * FROM signers") == []
    assert await keys_of(intake, bob_id) == 0


async def test_the_database_itself_refuses_a_joint_client_who_can_be_none(intake: Intake) -> None:
    await intake.drafted()
    for forged in (
        "client_id = (SELECT client_id FROM engagements)",
        "client_id = gen_random_uuid(), kind = 'company'",
        "phone = '+12125550188'",
    ):
        with pytest.raises(DBAPIError, match=r"no joint client|check constraint"):
            await intake.rows(f"UPDATE signers SET {forged} WHERE position = 1")
