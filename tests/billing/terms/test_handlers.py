"""Fees accepted with a signed engagement: at its instant, whatever order things are heard in."""

from datetime import datetime, timedelta

import pytest

from billing.terms.actions import TermsOfAnother
from shared import clock
from shared.contracts.billing import FeesAccepted
from shared.contracts.intake import EngagementAmended
from shared.ids import new_id
from support.bills import LONG_AGO, TERMS, Bills, signed, usd


async def test_an_engagement_accepts_the_terms_it_carries_at_its_own_instant_once(
    bills: Bills,
) -> None:
    client = await bills.client()
    terms = await bills.made("/v1/fee-terms", {"client_id": str(client), "terms": TERMS})
    matter = await bills.matter(client)
    entry = await bills.time(matter)  # heard of before the signature was
    assert entry["missing"][0]["code"] == "terms-not-accepted"
    at = datetime.fromisoformat(entry["started_at"]) - timedelta(milliseconds=1)
    event = await signed(bills, client, terms, at)
    for _ in range(2):
        await bills.hear(event)
    (told,) = await bills.told(FeesAccepted)
    assert (told.method, told.accepted_at, told.accepted_by) == ("engagement", at, client)
    found = await bills.got(f"/v1/entries/{entry['id']}")
    assert (found["state"], found["cost"]) == ("billable", usd("300.00"))
    later = await bills.time(matter, narrative="Advised on the guarantee")
    assert later["state"] == "billable"


async def test_an_amendment_accepts_the_version_it_carries_with_the_signed_writing_as_evidence(
    bills: Bills,
) -> None:
    client = await bills.client()
    terms = await bills.made("/v1/fee-terms", {"client_id": str(client), "terms": TERMS})
    await bills.hear(await signed(bills, client, terms, clock.now()))
    amended = {"terms": TERMS | {"payment_days": 14}, "changes": "Two weeks to pay."}
    newer = await bills.made(f"/v1/fee-terms/{terms['id']}/versions", amended)
    first = await signed(bills, client, newer, clock.now())
    facts = first.model_dump(include=set(EngagementAmended.model_fields))
    event = EngagementAmended.model_validate(facts | {"amends": new_id()})
    for _ in range(2):
        await bills.hear(event)
    told = await bills.told(FeesAccepted)
    assert [(one.terms_version, one.method) for one in told] == [
        (1, "engagement"),
        (2, "engagement"),
    ]
    assert told[1].evidence is not None
    evidence = await bills.opened(told[1].evidence)
    assert str(event.engagement_id) in evidence
    assert str(event.document.content_id) in evidence


async def test_terms_entered_by_hand_or_in_other_words_accept_nothing(bills: Bills) -> None:
    client = await bills.client()
    terms = await bills.made("/v1/fee-terms", {"client_id": str(client), "terms": TERMS})
    for wrong in (
        {"terms_id": new_id(), "by_hand": True},
        {"commitment": "of other words"},
        {"version": 2},
    ):
        await bills.hear(await signed(bills, client, terms, LONG_AGO, **wrong))
    theirs = await signed(bills, await bills.client("Marc"), terms, clock.now())
    with pytest.raises(TermsOfAnother):  # it is parked, and somebody looks
        await bills.hear(theirs)
    assert await bills.told(FeesAccepted) == []
