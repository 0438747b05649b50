"""From a draft to an agreement in force: what each reads is what each signs, and no gate is passed
by."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from intake.engagements import sealer
from shared.contracts.intake import (
    EngagementAmended,
    EngagementDeclined,
    EngagementEnded,
    EngagementExpired,
    EngagementHeldUp,
    EngagementProposed,
    EngagementQuestionAsked,
    EngagementSigned,
    EngagementWithdrawn,
    LinkIssued,
    SignatureGiven,
)
from support.names import many
from support.papers import verdict, words
from support.platform import Platform
from support.prospects import COUPLE, NOTE, TERMS, Holder, Intake, intake_in
from support.timestamps import authority


async def test_a_couple_reads_signs_and_gets_copies_and_the_matter_can_open(
    intake: Intake,
) -> None:
    row, (ann, bob) = await intake.proposed()
    (proposed,) = await intake.told(EngagementProposed)
    assert [await intake.opened(one.name) for one in proposed.signers] == [ann.name, bob.name]
    read = (await ann.call("GET", "/document")).content
    assert read == (await bob.call("GET", "/document")).content
    assert hashlib.sha256(read).hexdigest() == row["document_sha256"]
    shown = (await ann.call("GET", "/agreement")).json()
    assert shown["terms"]["fees"]["rates"][0]["amount"] == "400.00"
    assert "on paper" in shown["paper"]
    assert (await ann.signs()).json()["state"] == "proposed"
    assert (await bob.signs(name="  bob  EXAMPLE ")).json()["state"] == "accepted"
    await intake.step(await intake.reread(row), "countersign")
    await intake.until(row, "signed")
    (signed,) = await intake.told(EngagementSigned)
    assert str(signed.matter_id) == row["matter_id"]
    assert signed.point_of_contact_id == intake.staff["Daniel Okafor"]
    assert signed.team == (intake.staff["Eleanor Vale"],)
    assert signed.communication.update_every == "P14D"
    assert (signed.fee_terms.basis, signed.fee_terms.by_hand) == ("hourly", True)
    assert await intake.opened(signed.title) == TERMS["title"]
    assert '"respond_within":"PT48H"' in await intake.opened(signed.terms)
    evidence = await intake.opened(signed.signatures[0].evidence)
    assert "Netscape 4" in evidence
    assert row["document_sha256"] in evidence
    copies = await intake.holders("copy")
    assert [one.name for one in copies] == ["Ann Example", "Bob Example"]
    copy = (await (await copies[0].enter()).call("GET", "/document")).content
    assert copy.startswith(read), "what was read stands in front, octet for octet"
    for said in ("Signature is Valid", "ETSI.CAdES.detached", "Total document signed"):
        assert said in verdict(copy)
    assert "Evidence of signatures" in words(copy)
    assert "Netscape 4" in words(copy)
    on_paper = " ".join(words(copy).split())
    assert "(“we”, the firm) and Ann Example, Bob Example (“you”, the client)" in on_paper
    assert "Eleanor Vale" in on_paper.partition("Counter-signed")[2]
    assert [one.role for one in signed.parties] == ["client", "client"]
    values = await intake.rows("SELECT encode(value, 'escape') FROM outbox")
    assert not any("family home" in value or "Netscape" in value for (value,) in values)


async def test_a_changed_octet_of_the_sealed_copy_is_found_by_others(intake: Intake) -> None:
    row = await intake.in_force()
    answer = await intake.call("GET", f"/v1/engagements/{row['id']}/document")
    octets = bytearray(answer.content)
    octets[1000] ^= 1
    assert "Digest Mismatch" in verdict(bytes(octets))


async def test_the_link_alone_opens_nothing_and_a_get_changes_nothing(intake: Intake) -> None:
    await intake.step(await intake.drafted(), "approve")
    ann, _ = await intake.holders("signature")
    before = await intake.rows("SELECT count(*) FROM outbox")
    for _ in range(3):  # a scanner of mail
        shown = (await ann.call("GET")).json()
        assert shown["sent_to"] == "a…@clients.test"
        assert "title" not in shown
        for door in ("/agreement", "/document"):
            answer = await ann.call("GET", door)
            assert (answer.status_code, answer.json()["code"]) == (401, "code-needed")
    assert await intake.rows("SELECT count(*) FROM outbox") == before
    assert (await ann.signs()).status_code == 401


async def test_a_code_works_once_is_replaced_by_the_next_and_cannot_be_guessed(
    intake: Intake,
) -> None:
    await intake.step(await intake.drafted(), "approve")
    ann, bob = await intake.holders("signature")
    first, second = await ann.code(), await ann.code()
    if first != second:
        assert (await ann.call("POST", "/session", {"code": first})).json()["code"] == "wrong-code"
    foreign = await bob.call("POST", "/session", {"code": second})
    assert foreign.status_code == 422
    ann.session = (await ann.call("POST", "/session", {"code": second})).json()["session"]
    assert (await ann.call("POST", "/session", {"code": second})).status_code == 422
    third = await ann.code()
    wrong = f"{(int(third) + 1) % 10**8:08d}"
    for _ in range(5):
        assert (await ann.call("POST", "/session", {"code": wrong})).status_code == 422
    assert (await ann.call("POST", "/session", {"code": third})).status_code == 422
    for _ in range(2):
        await ann.code()
    assert (await ann.call("POST", "/code")).status_code == 429


async def test_a_forwarded_session_opens_no_other_link(intake: Intake) -> None:
    _, (ann, bob) = await intake.proposed()
    bob.session = ann.session
    assert (await bob.call("GET", "/agreement")).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"name": "Carl Ivanov"}, "422 invalid"),
        ({"document_sha256": "0" * 64}, "409 document-changed"),
        ({"i_sign": False}, "422 invalid-request"),
        ({"i_agree_to_electronic_business": False}, "422 invalid-request"),
        ({"on_behalf_of": "Bob"}, "422 invalid-request"),
    ],
)
async def test_only_who_must_signs_and_only_what_they_read(
    intake: Intake, wrong: dict[str, Any], refusal: str
) -> None:
    _, (ann, _) = await intake.proposed()
    answer = await ann.signs(**wrong)
    assert f"{answer.status_code} {answer.json()['code']}" == refusal
    assert await intake.told(SignatureGiven) == []


async def test_of_two_who_sign_at_once_both_count_and_of_one_who_signs_twice_one_does(
    intake: Intake,
) -> None:
    row, (ann, bob) = await intake.proposed()
    answers = await asyncio.gather(ann.signs(), bob.signs(), ann.signs(), bob.signs())
    assert sorted(one.status_code for one in answers) == [200, 200, 409, 409]
    assert len(await intake.told(SignatureGiven)) == 2
    assert (await intake.reread(row))["state"] == "accepted"


async def test_of_one_who_signs_and_one_who_declines_at_once_one_wins(intake: Intake) -> None:
    row, (ann, bob) = await intake.proposed()
    assert (await ann.signs()).status_code == 200
    read = (await bob.call("GET", "/agreement")).json()
    body = {
        "name": "Bob Example",
        "i_sign": True,
        "i_agree_to_electronic_business": True,
        "document_sha256": read["document_sha256"],
    }
    answers = await asyncio.gather(
        bob.call("POST", "/sign", body), bob.call("POST", "/decline", {"reasons": "No."})
    )
    winners = [one for one in answers if one.status_code == 200]
    assert len(winners) == 1
    state = (await intake.reread(row))["state"]
    assert state in ("accepted", "declined")
    assert len(await intake.told(EngagementDeclined)) == (state == "declined")


async def test_a_question_leaves_the_offer_open_and_a_refusal_ends_it_for_everybody(
    intake: Intake,
) -> None:
    row, (ann, bob) = await intake.proposed()
    await ann.call("POST", "/questions", {"question": "Who pays the surveyor?"})
    (asked,) = await intake.told(EngagementQuestionAsked)
    assert await intake.opened(asked.question) == "Who pays the surveyor?"
    assert (await intake.reread(row))["state"] == "proposed"
    assert (await ann.call("POST", "/decline", {"reasons": "Too dear."})).status_code == 200
    assert (await bob.signs()).status_code == 410
    again = await intake.done("POST", f"/v1/engagements/{row['id']}/withdraw")
    assert (again["state"], again["document_sha256"]) == ("draft", None)
    assert await intake.told(EngagementWithdrawn) == [], "who declined it has ended it already"
    cheaper = intake.draft(terms=TERMS | {"title": "Cheaper"})
    etag = {"If-Match": f'"{again["revision"]}"'}
    changed = await intake.done("PUT", f"/v1/engagements/{row['id']}", cheaper, headers=etag)
    stale = await intake.refused("PUT", f"/v1/engagements/{row['id']}", cheaper, headers=etag)
    assert stale == "412 precondition-failed"
    assert (await intake.step(changed, "approve"))["agreement_version"] == 2


async def test_an_offer_expires_once_and_nobody_signs_after(
    intake: Intake, moved_clock: Path
) -> None:
    row, (ann, _) = await intake.proposed()
    moved_clock.write_text(str(15 * 86_400))
    await intake.until(row, "expired")
    assert len(await intake.told(EngagementExpired)) == 1
    assert (await ann.call("GET")).json()["code"] == "link-expired"
    assert (await ann.signs()).status_code == 410


async def test_a_conflict_that_comes_to_light_while_it_is_sealed_stops_it(
    platform: Platform,
) -> None:
    """The narrowest gap: the partner has signed, and the timestamp authority takes its time."""
    async with authority() as tsa, intake_in(platform, intake_tsa_url=tsa.url) as intake:
        await intake.member("Eleanor Vale", "partner", email="partner@firm.test")
        await intake.member("Daniel Okafor", "attorney", email="attorney@firm.test")
        tsa.may_answer.clear()
        consultation_id = await intake.held()
        row, holders = await intake.proposed(consultation_id=consultation_id)
        for one in holders:
            await one.signs()
        await intake.step(await intake.reread(row), "countersign")
        await asyncio.wait_for(tsa.asked.wait(), 10)
        await intake.client("Carl Ivanov")
        more = {"parties": [{"role": "adverse", "name": "Carl Ivanov"}]}
        path = f"/v1/consultations/{consultation_id}"
        await intake.done("POST", f"{path}/parties", more)
        tsa.may_answer.set()
        await asyncio.sleep(1.5)
        assert (await intake.reread(row))["state"] == "countersigned"
        assert await intake.told(EngagementSigned) == []
        (held_up,) = await intake.told(EngagementHeldUp)
        assert (held_up.state, held_up.revision) == ("countersigned", 2)
        assert held_up.staff_ids == (intake.staff["Eleanor Vale"], intake.staff["Daniel Okafor"])
        assert (await intake.reread(row))["waits_for"] == "decision on a conflict"
        cleared = {"revision": 2, "reasons": "Another Carl: born 1990, not 1951."}
        await intake.done("POST", f"{path}/conflict-check/clear", cleared)
        await intake.until(row, "signed")
        assert len(await intake.told(EngagementSigned)) == 1


async def test_a_timestamp_authority_that_fails_is_asked_again_and_then_vouches_for_the_time(
    platform: Platform,
) -> None:
    async with authority() as tsa, intake_in(platform, intake_tsa_url=tsa.url) as intake:
        await intake.member("Eleanor Vale", "partner", email="partner@firm.test")
        await intake.member("Daniel Okafor", "attorney", email="attorney@firm.test")
        tsa.failing = True
        row, holders = await intake.proposed()
        for one in holders:
            await one.signs()
        await intake.step(await intake.reread(row), "countersign")
        await asyncio.wait_for(tsa.asked.wait(), 10)
        assert await intake.told(EngagementSigned) == []
        tsa.failing = False
        await intake.until(row, "signed", 20)
        sealed = (await intake.call("GET", f"/v1/engagements/{row['id']}/document")).content
        assert "Signature is Valid" in verdict(sealed)
        assert b"Timestamps of the tests" in bytes.fromhex(contents_of(sealed))


def contents_of(pdf: bytes) -> str:
    """The signature itself, in hex, as it stands in the file."""
    start = pdf.rindex(b"/Contents <") + len(b"/Contents <")
    return pdf[start : pdf.index(b">", start)].decode()


async def test_two_sealers_at_once_bring_it_into_force_once(intake: Intake) -> None:
    row, holders = await intake.proposed()
    for one in holders:
        await one.signs()
    await intake.step(await intake.reread(row), "countersign")
    await asyncio.gather(*(sealer.seal_all(intake.runtime) for _ in range(3)))
    await intake.until(row, "signed")
    assert len(await intake.told(EngagementSigned)) == 1
    copies = [one for one in await intake.told(LinkIssued) if one.purpose == "copy"]
    assert len(copies) == len(COUPLE)


async def test_an_amendment_replaces_what_was_agreed_for_the_same_matter(intake: Intake) -> None:
    consultation_id = await intake.held()
    first = await intake.in_force(consultation_id=consultation_id)
    dearer = TERMS | {"scope": "And the appeal."}
    draft = intake.draft(consultation_id=consultation_id, amends=first["id"], terms=dearer)
    row = await intake.done("POST", "/v1/engagements", draft)
    assert await intake.refused("POST", "/v1/engagements", draft) == "409 agreement-alive"
    await intake.step(row, "approve")
    for one in (await intake.holders("signature"))[2:]:
        assert (await (await one.enter()).signs()).status_code == 200
    await intake.step(await intake.reread(row), "countersign")
    await intake.until(row, "signed")
    (amended,) = await intake.told(EngagementAmended)
    assert (str(amended.amends), str(amended.matter_id)) == (first["id"], first["matter_id"])
    assert (await intake.reread(first))["state"] == "replaced"
    assert len(await intake.told(EngagementSigned)) == 1


async def test_an_ended_engagement_gives_everybody_a_letter(intake: Intake) -> None:
    row = await intake.in_force()
    ending = {"by_firm": True, "reasons": "The work is done."}
    path = f"/v1/engagements/{row['id']}/end"
    assert await intake.refused("POST", path, ending) == "422 invalid-request"
    ending |= {"deadlines": [{"what": "appeal against the decree", "when": "3 May 2027"}]}
    await intake.done("POST", f"/v1/engagements/{row['id']}/end", ending)
    (ended,) = await intake.told(EngagementEnded)
    assert (ended.by, str(ended.matter_id)) == ("firm", row["matter_id"])
    letters = await intake.holders("letter")
    assert [one.name for one in letters] == ["Ann Example", "Bob Example"]
    letter = words((await (await letters[0].enter()).call("GET", "/document")).content)
    for said in ("3 May 2027: appeal", "last day of work", "Your file is yours", TERMS["title"]):
        assert said in letter
    assert "The work is done" not in letter
    assert await intake.refused("POST", f"/v1/engagements/{row['id']}/end", ending) == (
        "409 engagement-moved-on"
    )


async def test_a_contingent_fee_is_refused_where_the_rules_forbid_it(intake: Intake) -> None:
    fees = {"kind": "by_hand", "basis": "contingent", "explanation": "A third of what we win."}
    body = intake.draft(consultation_id=await intake.held(), terms=TERMS | {"fees": fees})
    assert await intake.refused("POST", "/v1/engagements", body) == "422 invalid"


async def test_without_its_seal_the_service_says_that_it_is_not_ready(
    platform: Platform, tmp_path: Path
) -> None:
    given = {"privity_profile": "production", "intake_seal_file": tmp_path / "none.pem"}
    async with intake_in(platform, **given) as intake:
        answer = await intake.call("GET", "/readyz", role="nobody")
        assert (answer.status_code, answer.json()["checks"]["seal"]) == (503, "no none.pem")
        assert not (tmp_path / "none.pem").exists(), "made only in the local profile"


async def test_a_lost_link_is_replaced_and_opens_nothing_any_more(intake: Intake) -> None:
    row, (ann, _) = await intake.proposed()
    signer = {"signer_id": row["signers"][0]["id"]}
    await intake.done("POST", f"/v1/engagements/{row['id']}/invitations", signer)
    assert (await ann.call("GET", "/agreement")).status_code == 410
    newest: Holder = (await intake.holders("signature"))[-1]
    assert (await (await newest.enter()).signs()).status_code == 200


async def test_a_client_sees_no_draft_and_nothing_of_others(intake: Intake) -> None:
    row = await intake.drafted()
    own = {"role": "client", "client_id": row["client_id"]}
    path = f"/v1/engagements/{row['id']}"
    assert await intake.refused("GET", path, **own) == "404 not-found"
    assert (await intake.done("GET", "/v1/engagements", **own))["items"] == []
    await intake.step(row, "approve")
    assert (await intake.done("GET", path, **own))["state"] == "proposed"
    foreign = {"role": "client", "client_id": row["matter_id"]}
    assert await intake.refused("GET", path, **foreign) == "404 not-found"
    assert await intake.refused("GET", f"{path}/document", **foreign) == "404 not-found"
    stranger = {"role": "attorney", "email": "other@firm.test"}
    assert await intake.refused("GET", path, **stranger) == "404 not-found"


async def test_templates_are_versioned_and_a_hostile_one_is_refused(intake: Intake) -> None:
    own = {"template": "house", "sections": [{"heading": "Scope", "body": "{{ terms.scope }}"}]}
    assert (await intake.done("POST", "/v1/engagement-templates", own))["version"] == 1
    assert (await intake.done("POST", "/v1/engagement-templates", own))["version"] == 2
    for hostile in (
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ terms.__class__ }}",
        "{% for a in range(10**9) %}x{% endfor %}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{% include '/etc/passwd' %}",
        "{{ terms.scope * 1000000 }}",
        "{{ unknown }}",
        "{% if",
    ):
        wrong = own | {"sections": [{"heading": "x", "body": hostile}]}
        assert await intake.refused("POST", "/v1/engagement-templates", wrong) == "422 invalid"
    assert (await intake.done("GET", "/v1/engagement-templates/house"))["version"] == 2
    row = await intake.step(await intake.drafted(template="house"), "approve")
    assert (row["template"], row["template_version"]) == ("house", 2)


async def test_an_agreement_of_two_hundred_pages_is_printed_signed_and_sealed(
    intake: Intake,
) -> None:
    page = "We do what we promised, and say so when we cannot. " * 90
    sections = [{"heading": f"Point {number}", "body": page} for number in range(180)]
    await intake.done(
        "POST", "/v1/engagement-templates", {"template": "long", "sections": sections}
    )
    row = await intake.in_force(template="long")
    document = (await intake.call("GET", f"/v1/engagements/{row['id']}/document")).content
    assert words(document).count("\f") >= 200
    assert "Signature is Valid" in verdict(document)


async def test_terms_too_long_for_one_event_are_refused_when_drafted(intake: Intake) -> None:
    """Not later: what could never be told must not be signed."""
    long = TERMS | {"firm_will": ["x" * 20_000] * 5}
    body = intake.draft(consultation_id=await intake.held(), terms=long)
    assert await intake.refused("POST", "/v1/engagements", body) == "422 invalid"


async def test_an_agreement_with_everything_at_its_most_can_still_be_told(intake: Intake) -> None:
    names = [f"{name} {'x' * 150}" for name in many(99)]
    parties = [{"role": "related", "name": name} for name in names]
    consultation_id = await intake.held(parties=parties)
    people = [
        {"name": f"{name} {'y' * 150}", "email": f"{number}@clients.test", "capacity": "z" * 200}
        for number, name in enumerate(many(5, seed=3))
    ]
    joint = [
        {"name": name, "email": f"{number}@joint.test", "joint_client": True}
        for number, name in enumerate(names[:11])
    ]
    too_many = intake.draft(consultation_id=consultation_id, signers=people + joint)
    assert await intake.refused("POST", "/v1/engagements", too_many) == "422 invalid"
    row = await intake.in_force(
        consultation_id=consultation_id,
        signers=people + joint[:10],
        terms=TERMS | {"firm_will": ["x" * 18_000] * 5},
    )
    (signed,) = await intake.told(EngagementSigned)
    told = (signed.parties, signed.signatures, signed.joint_clients)
    assert [len(one) for one in told] == [100, 15, 10]
    more = {"parties": [{"role": "adverse", "name": "One Too Many"}]}
    path = f"/v1/consultations/{row['consultation_id']}/parties"
    assert await intake.refused("POST", path, more) == "422 invalid"


async def test_who_is_declined_gets_a_letter_with_the_dates_that_were_noted(intake: Intake) -> None:
    consultation_id = await intake.held()
    path = f"/v1/consultations/{consultation_id}"
    await intake.done("POST", f"{path}/decline", {"by": "firm", "reasons": "Not our field."})
    (letter,) = await intake.holders("letter")
    said = words((await (await letter.enter()).call("GET", "/document")).content)
    for dated in NOTE["limitation_dates"]:
        assert dated in said
    assert "ask another lawyer at once" in said
    assert "we erase it" in said
    assert "Not our field" not in said
