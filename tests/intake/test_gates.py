"""A partner who tries to cheat a gate cannot: not by the calls, and not by writing the row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.contracts.intake import EngagementSigned, SignatureGiven
from support.papers import words
from support.prospects import COUPLE, Intake


async def test_a_partner_who_tries_to_cheat_each_gate_cannot(intake: Intake) -> None:
    unheard = await intake.asked(name="Una Heard", email="una@clients.test")
    draft = intake.draft(consultation_id=unheard)
    assert await intake.refused("POST", "/v1/engagements", draft) == "409 not-heard"
    consultation_id = await intake.held()
    row = await intake.drafted(consultation_id)
    path = f"/v1/engagements/{row['id']}"
    revision = {"revision": row["revision"]}
    assert await intake.refused("POST", f"{path}/countersign", revision) == (
        "409 engagement-moved-on"
    )
    assert await intake.refused("POST", f"{path}/approve", {"revision": 7}) == (
        "412 precondition-failed"
    )
    for role in ("attorney", "paralegal", "compliance"):
        assert (await intake.call("POST", f"{path}/approve", revision, role=role)).status_code in (
            403,
            404,
        )
    proposed = await intake.step(row, "approve")
    revision = {"revision": proposed["revision"]}
    assert await intake.refused("POST", f"{path}/countersign", revision) == (
        "409 signature-missing"
    )
    assert await intake.refused("PUT", path, intake.draft()) == "409 engagement-moved-on"
    again = intake.draft(consultation_id=consultation_id)
    assert await intake.refused("POST", "/v1/engagements", again) == "409 agreement-alive"
    decline = {"by": "firm", "reasons": "No."}
    assert await intake.refused(
        "POST", f"/v1/consultations/{consultation_id}/decline", decline
    ) == ("409 agreement-in-the-way")
    await intake.client("Carl Ivanov")
    more = {"parties": [{"role": "adverse", "name": "Carl Ivanov"}]}
    await intake.done("POST", f"/v1/consultations/{consultation_id}/parties", more)
    for one in await intake.holders("signature"):
        assert (await (await one.enter()).signs()).status_code == 200
    accepted = await intake.reread(row)
    revision = {"revision": accepted["revision"]}
    assert await intake.refused("POST", f"{path}/countersign", revision) == "409 conflict-stands"
    assert await intake.told(EngagementSigned) == []


@pytest.mark.parametrize("state", ["accepted", "countersigned", "signed"])
async def test_the_database_itself_refuses_an_agreement_without_signatures(
    intake: Intake, state: str
) -> None:
    row, _ = await intake.proposed()
    with pytest.raises(IntegrityError):
        async with intake.runtime.db.transaction() as session:
            await session.execute(
                text("""
                    UPDATE engagements SET state = :state, countersigned_by = approved_by,
                        signed_at = CASE WHEN :state = 'signed' THEN now() END,
                        sealed_id = CASE WHEN :state = 'signed' THEN document_id END
                """),
                {"state": state},
            )
    assert (await intake.reread(row))["state"] == "proposed"


@pytest.mark.parametrize(
    ("signers", "refusal"),
    [
        ([COUPLE[1]], "422 client-unbound"),
        ([*COUPLE, {"name": "Carl Ivanov", "email": "carl@clients.test"}], "409 signer-unchecked"),
        ([COUPLE[0] | {"email": "PARTNER@firm.test"}], "422 signed-by-the-firm"),
    ],
)
async def test_who_asked_is_bound_who_signs_was_checked_and_nobody_of_the_firm_signs_for_them(
    intake: Intake, signers: list[dict[str, Any]], refusal: str
) -> None:
    body = intake.draft(consultation_id=await intake.held(), signers=signers)
    assert await intake.refused("POST", "/v1/engagements", body) == refusal
    row = await intake.drafted(body["consultation_id"])
    path, etag = f"/v1/engagements/{row['id']}", {"If-Match": f'"{row["revision"]}"'}
    changed = intake.draft(signers=signers)
    assert await intake.refused("PUT", path, changed, headers=etag) == refusal


async def test_somebody_with_a_capacity_signs_for_a_company(intake: Intake) -> None:
    consultation_id = await intake.held(name="Mega Holdings GmbH", kind="company")
    director = COUPLE[0] | {"capacity": "Director of Mega Holdings GmbH"}
    row = await intake.drafted(consultation_id, signers=[director])
    assert row["signers"][0]["capacity"] == "Director of Mega Holdings GmbH"


async def test_a_signature_on_paper_needs_its_scan_the_offered_document_and_a_day_that_can_be(
    intake: Intake,
) -> None:
    row, (ann, bob) = await intake.proposed()
    scan = (await intake.uploaded(row["consultation_id"], b"%PDF-1.7 signed by hand")).json()
    other = await intake.held(name="Zoe Other", email="zoe@clients.test")
    foreign = (await intake.uploaded(other, b"%PDF-1.7 x")).json()
    path = f"/v1/engagements/{row['id']}/paper-signatures"
    now = datetime.now(UTC)
    good = {
        "signer_id": row["signers"][1]["id"],
        "file_id": scan["id"],
        "signed_at": now.isoformat(),
        "document_sha256": row["document_sha256"],
    }
    for wrong, refusal in (
        ({"file_id": foreign["id"]}, "422 invalid"),
        ({"document_sha256": "0" * 64}, "409 document-changed"),
        ({"signed_at": (now - timedelta(days=1)).isoformat()}, "422 invalid"),
        ({"signed_at": (now + timedelta(days=1)).isoformat()}, "422 invalid"),
        ({"signer_id": row["id"]}, "404 not-found"),
    ):
        assert await intake.refused("POST", path, good | wrong) == refusal
    attorney = {"role": "attorney", "email": "attorney@firm.test"}
    assert (await intake.call("POST", path, good, **attorney)).status_code in (403, 404)
    assert await intake.told(SignatureGiven) == []
    assert (await ann.signs()).status_code == 200
    signed = await intake.done("POST", path, good)
    assert (signed["state"], signed["signers"][1]["method"]) == ("accepted", "paper")
    assert await intake.refused("POST", path, good) == "409 already-signed"
    assert (await bob.signs()).status_code == 409
    await intake.step(signed, "countersign")
    await intake.until(row, "signed")
    told = (await intake.told(SignatureGiven))[1].signature
    evidence = await intake.opened(told.evidence)
    for said in (scan["id"], scan["commitment"], "I sign it, on paper"):
        assert said in evidence
    assert "electronically" not in evidence
    document = words((await intake.call("GET", f"/v1/engagements/{row['id']}/document")).content)
    assert "on paper" in document.partition("Evidence of signatures")[2]
