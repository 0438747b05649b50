"""An agreement names fee terms as billing disclosed them: exactly those, the newest, this client's;
one signature accepts both."""

from typing import Any
from uuid import UUID

import pytest

from intake.fees.rules import basis
from shared import clock
from shared.contracts import ContentRef
from shared.contracts.billing import FeeKind, FeesDisclosed
from shared.contracts.intake import (
    EngagementProposed,
    EngagementSigned,
    EngagementWithdrawn,
    FeeBasis,
)
from shared.contracts.matters import ClientsMerged
from shared.ids import new_id
from support.papers import words
from support.prospects import TERMS, Intake

WORDS = "What we do for you\nThe lease.\n\nBy the hour\nA partner: USD 400.00 an hour"


async def disclosed(intake: Intake, client_id: UUID, **more: Any) -> FeesDisclosed:
    """As billing tells it, and heard twice."""
    commitment = f"commitment of version {more.get('terms_version', 1)}"
    facts = {
        "terms_id": new_id(),
        "terms_version": 1,
        "client_id": client_id,
        "kinds": ("hourly",),
        "currency": "USD",
        "document": ContentRef(content_id=new_id(), size=1, commitment=commitment),
        "text": await intake.sealed(client_id, "text", WORDS),
        "disclosed_by": intake.staff["Eleanor Vale"],
        "disclosed_at": clock.now(),
    }
    event = FeesDisclosed.model_validate(facts | more)
    for _ in range(2):
        await intake.hear(event)
    return event


def naming(event: FeesDisclosed, **more: Any) -> dict[str, Any]:
    """Terms of an agreement with exactly these fees."""
    fees = {
        "kind": "disclosed",
        "terms_id": str(event.terms_id),
        "version": event.terms_version,
        "commitment": event.document.commitment,
    }
    return TERMS | {"fees": fees | more}


@pytest.fixture
async def consultation_id(intake: Intake) -> str:
    return await intake.held()


@pytest.fixture
async def client_id(intake: Intake, consultation_id: str) -> UUID:
    found = await intake.done("GET", f"/v1/consultations/{consultation_id}")
    return UUID(found["client_id"])


async def test_one_signature_accepts_the_agreement_and_the_fees_that_were_disclosed(
    intake: Intake, consultation_id: str, client_id: UUID
) -> None:
    event = await disclosed(intake, client_id)
    row, holders = await intake.proposed(consultation_id=consultation_id, terms=naming(event))
    assert row["terms"]["fees"]["explanation"] == WORDS
    document = words((await intake.call("GET", f"/v1/engagements/{row['id']}/document")).content)
    for said in ("A partner: USD 400.00 an hour", str(event.terms_id), "commitment of version 1"):
        assert said in document
    for one in holders:
        assert (await one.signs()).status_code == 200
    await intake.step(await intake.reread(row), "countersign")
    await intake.until(row, "signed")
    (proposed,), (signed,) = (
        await intake.told(EngagementProposed),
        await intake.told(EngagementSigned),
    )
    assert proposed.fee_terms == signed.fee_terms
    agreed = signed.fee_terms
    assert (agreed.terms_id, agreed.version, agreed.commitment) == (
        event.terms_id,
        1,
        event.document.commitment,
    )
    assert (agreed.basis, agreed.by_hand) == ("hourly", False)
    assert "USD 400.00" in await intake.opened(signed.terms)
    kept = await intake.rows("SELECT words::text FROM disclosed_fees")
    assert not any("USD " in one for (one,) in kept)


async def test_fees_that_this_client_was_never_told_cannot_be_agreed(
    intake: Intake, consultation_id: str, client_id: UUID
) -> None:
    event = await disclosed(intake, client_id)
    elsewhere = await disclosed(intake, client_id, matter_id=new_id())
    foreign = await disclosed(intake, await intake.client("Zoe Unrelated"))
    for terms, refusal in (
        (naming(event, terms_id=str(new_id())), "422 fees-not-disclosed"),
        (naming(event, version=2), "422 fees-not-disclosed"),
        (naming(elsewhere), "422 fees-not-disclosed"),
        (naming(foreign), "422 fees-not-disclosed"),
        (naming(event, commitment="of other words"), "422 fees-misquoted"),
        (naming(event, explanation="Free of charge."), "422 invalid-request"),
        (TERMS | {"fees": TERMS["fees"] | {"terms_id": str(new_id())}}, "422 invalid-request"),
        (TERMS | {"fees": {"basis": "none", "explanation": "None."}}, "422 invalid-request"),
    ):
        draft = intake.draft(consultation_id=consultation_id, terms=terms)
        assert await intake.refused("POST", "/v1/engagements", draft) == refusal


async def test_fees_that_one_entry_of_a_client_was_told_are_agreed_with_the_other(
    intake: Intake, consultation_id: str, client_id: UUID
) -> None:
    stays_id = await intake.client("Ann Example")
    event = await disclosed(intake, stays_id)
    draft = intake.draft(consultation_id=consultation_id, terms=naming(event))
    assert await intake.refused("POST", "/v1/engagements", draft) == "422 fees-not-disclosed"
    merger = ClientsMerged(
        client_id=stays_id,
        merged_id=client_id,
        reason=await intake.sealed(stays_id, "merged", "One person."),
        merged_by=new_id(),
        merged_at=clock.now(),
    )
    await intake.hear(merger)
    row, _ = await intake.proposed(consultation_id=consultation_id, terms=naming(event))
    assert row["terms"]["fees"]["explanation"] == WORDS
    (proposed,) = await intake.told(EngagementProposed)
    assert (proposed.client_id, proposed.fee_terms.terms_id) == (client_id, event.terms_id)


async def test_fees_that_were_replaced_are_neither_drafted_offered_signed_nor_countersigned(
    intake: Intake, consultation_id: str, client_id: UUID
) -> None:
    event = await disclosed(intake, client_id)
    more = {"terms_id": event.terms_id}
    row = await intake.drafted(consultation_id, terms=naming(event))
    path = f"/v1/engagements/{row['id']}"
    second = await disclosed(intake, client_id, terms_version=2, **more)
    revision = {"revision": row["revision"]}
    assert await intake.refused("POST", f"{path}/approve", revision) == "409 fees-superseded"
    stale = intake.draft(terms=naming(event))
    etag = {"If-Match": f'"{row["revision"]}"'}
    assert await intake.refused("PUT", path, stale, headers=etag) == "409 fees-superseded"
    row = await intake.done("PUT", path, intake.draft(terms=naming(second)), headers=etag)
    row = await intake.step(row, "approve")
    ann, bob = [await one.enter() for one in await intake.holders("signature")]
    assert (await ann.signs()).status_code == 200
    third = await disclosed(intake, client_id, terms_version=3, **more)
    refused = await bob.signs()
    assert (refused.status_code, refused.json()["newest"]) == (409, 3)
    row = await intake.done("POST", f"{path}/withdraw")
    (withdrawn,) = await intake.told(EngagementWithdrawn)
    assert withdrawn.agreement_version == 1
    etag = {"If-Match": f'"{row["revision"]}"'}
    row = await intake.done("PUT", path, intake.draft(terms=naming(third)), headers=etag)
    await intake.step(row, "approve")
    for one in (await intake.holders("signature"))[2:]:
        assert (await (await one.enter()).signs()).status_code == 200
    await disclosed(intake, client_id, terms_version=4, **more)
    revision = {"revision": (await intake.reread(row))["revision"]}
    assert await intake.refused("POST", f"{path}/countersign", revision) == "409 fees-superseded"
    assert await intake.told(EngagementSigned) == []


async def test_a_contingent_fee_that_billing_disclosed_is_refused_in_family_matters_too(
    intake: Intake, consultation_id: str, client_id: UUID
) -> None:
    event = await disclosed(intake, client_id, kinds=("hourly", "contingent"))
    draft = intake.draft(consultation_id=consultation_id, terms=naming(event))
    assert await intake.refused("POST", "/v1/engagements", draft) == "422 invalid"


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        (("hourly",), "hourly"),
        (("hourly", "capped"), "hourly"),
        (("hourly", "retainer"), "mixed"),
        (("none",), "none"),
        (("capped",), "mixed"),
    ],
)
def test_kinds_of_fee_come_to_one_word(kinds: tuple[FeeKind, ...], word: FeeBasis) -> None:
    assert basis(kinds) == word
