"""Two entries turn out to be one client: the bills of both are read under either, walls close both,
what was agreed under one stands for the other; nothing that was recorded is rewritten."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from billing.terms.actions import TermsOfAnother
from shared import clock
from shared.contracts import Event
from shared.contracts.billing import BillingConcernRaised, FeesAccepted, InvoiceIssued
from shared.contracts.matters import ClientsMerged, JointClientJoined, WallRaised
from shared.contracts.messaging import ClientMessageReceived, conversation_of_bills
from shared.ids import new_id
from support.bills import TERMS, Bills, Matter, signed, usd


async def merged(bills: Bills, into: UUID, old: UUID) -> ClientsMerged:
    reason = await bills.sealed(into, "client", "merged", "The same person.")
    return ClientsMerged(
        client_id=into,
        merged_id=old,
        reason=reason,
        merged_by=bills.partner.id,
        merged_at=clock.now(),
    )


async def billed(bills: Bills, client_id: UUID | None = None) -> tuple[Matter, dict[str, Any]]:
    matter = await bills.matter(client_id)
    await bills.accepted(matter)
    await bills.time(matter, 60, narrative="Read the lease")
    return matter, await bills.issued(matter)


def own(client_id: UUID) -> dict[str, Any]:
    return {"role": "client", "client_id": str(client_id)}


async def ids(bills: Bills, path: str, **by: Any) -> list[str]:
    return sorted(one["id"] for one in (await bills.got(path, **by))["items"])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_the_bills_of_all_entries_are_read_under_each_and_a_wall_closes_all(
    bills: Bills, order: tuple[int, ...]
) -> None:
    """Merged, and merged on, and a wall around the oldest entry: three streams, no order."""
    lease, first = await billed(bills)
    will, second = await billed(bills)
    oldest, old, stays = new_id(), lease.client_id, will.client_id
    both = sorted([first["id"], second["id"]])
    assert (await bills.call("GET", f"/v1/invoices/{first['id']}", **own(stays))).status_code == 404
    reason = await bills.sealed(oldest, "wall", "reason", "Her brother is opposed.")
    of: dict[str, Any] = {"wall_id": new_id(), "client_id": oldest, "kind": "screen"}
    events: list[Event] = [
        await merged(bills, old, oldest),
        await merged(bills, stays, old),
        WallRaised(staff_ids=(bills.partner.id,), reason=reason, raised_at=clock.now(), **of),
    ]
    for number in order:
        for _ in range(2):  # what is heard again changes nothing
            await bills.hear(events[number])
    for entry in (oldest, old, stays):
        for asked in (oldest, old, stays):
            assert await ids(bills, f"/v1/invoices?client_id={asked}", **own(entry)) == both
        for invoice in (first, second):
            path = f"/v1/invoices/{invoice['id']}"
            assert (await bills.got(path, **own(entry)))["client_id"] == invoice["client_id"]
            assert (await bills.call("GET", path)).status_code == 404, "behind the wall"
        listed = f"/v1/invoices?client_id={entry}"
        assert (await bills.call("GET", listed)).status_code == 404, "behind the wall"
        assert (await bills.call("GET", listed, **own(new_id()))).status_code == 404
        balances = await bills.got(f"/v1/ledger/balances?client_id={entry}", **own(stays))
        assert {one["matter_id"] for one in balances} == {str(lease.id), str(will.id)}
        assert len(await ids(bills, f"/v1/fee-terms?client_id={entry}", **own(old))) == 2


@pytest.mark.parametrize("merged_first", [True, False])
async def test_what_one_entry_accepted_for_later_matters_stands_for_those_of_the_other(
    bills: Bills, merged_first: bool
) -> None:
    stays, matter = await bills.client("Cleopatra"), await bills.matter()
    terms = await bills.made("/v1/fee-terms", {"client_id": str(stays), "terms": TERMS})
    merger = await merged(bills, stays, matter.client_id)
    if merged_first:
        await bills.hear(merger)
    await bills.accept(terms)
    work = await bills.time(matter)
    if not merged_first:
        assert work["missing"][0]["code"] == "terms-not-disclosed"
        await bills.hear(merger)
    found = await bills.got(f"/v1/entries/{work['id']}")
    assert (found["state"], found["cost"]) == ("billable", usd("300.00"))
    invoice = await bills.issued(matter)
    assert invoice["client_id"] == str(matter.client_id), "as the matter was recorded"
    costs = await bills.got(f"/v1/matters/{matter.id}/costs", **own(stays))
    assert costs["terms"]["id"] == terms["id"]


async def test_a_cost_in_another_currency_stays_a_draft_and_does_not_keep_a_merger_from_being_heard(
    bills: Bills,
) -> None:
    stays, matter = await bills.client("Cleopatra"), await bills.matter()
    terms = await bills.made("/v1/fee-terms", {"client_id": str(stays), "terms": TERMS})
    await bills.accept(terms)
    abroad = await bills.expense(matter, cost={"amount": "9.00", "currency": "EUR"})
    await bills.hear(await merged(bills, stays, matter.client_id))
    assert (await bills.got(f"/v1/entries/{abroad['id']}"))["state"] == "draft"
    assert len(await ids(bills, f"/v1/fee-terms?client_id={matter.client_id}")) == 1


async def test_a_merged_entry_is_given_no_terms_for_later_but_its_matters_go_on(
    bills: Bills,
) -> None:
    stays, matter = await bills.client("Cleopatra"), await bills.matter()
    await bills.hear(await merged(bills, stays, matter.client_id))
    body = {"client_id": str(matter.client_id), "terms": TERMS}
    refused = await bills.call("POST", "/v1/fee-terms", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "client-merged")
    assert refused.json()["client_id"] == str(stays)
    body = {"client_id": str(stays), "matter_id": str(matter.id), "terms": TERMS}
    terms = await bills.made("/v1/fee-terms", body)
    assert terms["client_id"] == str(matter.client_id)
    accepted = {"version": 1, "commitment": terms["commitment"]}
    await bills.as_client(f"/v1/fee-terms/{terms['id']}/acceptance", accepted, stays)
    assert (await bills.time(matter))["state"] == "billable"


async def test_a_merger_that_is_heard_while_an_invoice_is_issued_loses_neither(
    bills: Bills,
) -> None:
    stays, matter = await bills.client("Cleopatra"), await bills.matter()
    await bills.accepted(matter)
    await bills.time(matter)
    drafted = await bills.draft(matter)
    await bills.made(f"/v1/invoices/{drafted['id']}/approval", None)
    merger = await merged(bills, stays, matter.client_id)
    issue = bills.made(f"/v1/invoices/{drafted['id']}/issue", None)
    issued, _ = await asyncio.gather(issue, bills.hear(merger))
    (told,) = await bills.told(InvoiceIssued)
    assert told.client_id == matter.client_id
    assert await ids(bills, f"/v1/invoices?client_id={stays}", **own(stays)) == [issued["id"]]


async def test_a_merger_that_is_heard_but_not_kept_is_heard_again(bills: Bills) -> None:
    """The same handler runs twice: dying before the commit leaves nothing of the first time."""
    stays, (matter, invoice) = await bills.client("Cleopatra"), await billed(bills)
    merger = await merged(bills, stays, matter.client_id)
    found = bills.runtime.handlers.find(merger.type_name())
    assert found is not None
    with pytest.raises(RuntimeError, match="died"):
        async with bills.runtime.db.transaction() as session:
            await found[1](session, merger)
            raise RuntimeError("died before the commit")
    path = f"/v1/invoices/{invoice['id']}"
    assert (await bills.call("GET", path, **own(stays))).status_code == 404
    await bills.hear(merger)
    assert (await bills.call("GET", path, **own(stays))).status_code == 200


async def test_who_is_joint_under_a_merged_entry_reads_the_bills_under_the_one_that_stays(
    bills: Bills,
) -> None:
    matter, invoice = await billed(bills)
    marc, stays, path = new_id(), new_id(), f"/v1/invoices/{invoice['id']}"
    reason = await bills.sealed(matter.client_id, "joint_client", "joined", "Both asked.")
    of: dict[str, Any] = {"membership_id": new_id(), "joint_client_id": marc, "reason": reason}
    of |= {"matter_id": matter.id, "client_id": matter.client_id, "joined_at": clock.now()}
    await bills.hear(await merged(bills, stays, marc))
    assert (await bills.call("GET", path, **own(stays))).status_code == 404
    await bills.hear(JointClientJoined(**of))
    assert (await bills.call("GET", path, **own(stays))).status_code == 200


@pytest.mark.parametrize("read_first", [True, False])
async def test_what_the_one_who_stays_answers_to_an_old_bill_becomes_a_concern_of_that_matter(
    bills: Bills, read_first: bool
) -> None:
    stays, (matter, invoice) = await bills.client("Cleopatra"), await billed(bills)
    asked = ClientMessageReceived(
        message_id=new_id(),
        conversation_id=conversation_of_bills(stays, matter.id),
        client_id=stays,
        matter_id=matter.id,
        channel="email",
        received_at=clock.now(),
    )
    await bills.hear(await merged(bills, stays, matter.client_id))
    if not read_first:
        await bills.hear(asked)
    body = {"invoice_id": invoice["id"], "kind": "unclear", "text": "What is this?"}
    await bills.made("/v1/billing-concerns", body | {"message_id": str(asked.message_id)})
    if read_first:
        await bills.hear(asked)
    waiting = await bills.got(f"/v1/billing-concerns/questions?matter_id={matter.id}")
    assert waiting["items"] == []
    (raised,) = await bills.told(BillingConcernRaised)
    assert (raised.client_id, raised.owner_id) == (matter.client_id, bills.ada.id)
    assert len(await ids(bills, f"/v1/billing-concerns?client_id={stays}", **own(stays))) == 1


async def test_an_engagement_of_one_entry_accepts_the_terms_that_were_disclosed_to_the_other(
    bills: Bills,
) -> None:
    """Signed before the merger, told after it: heard before it, it is parked and replayed."""
    old, stays = await bills.client(), await bills.client("Cleopatra")
    terms = await bills.made("/v1/fee-terms", {"client_id": str(stays), "terms": TERMS})
    event = await signed(bills, old, terms, clock.now())
    with pytest.raises(TermsOfAnother):
        await bills.hear(event)
    await bills.hear(await merged(bills, stays, old))
    for _ in range(2):
        await bills.hear(event)
    (told,) = await bills.told(FeesAccepted)
    assert (told.client_id, told.method) == (stays, "engagement")
    assert (await bills.time(await bills.matter(old)))["state"] == "billable"


async def test_how_the_clients_system_wants_invoices_is_known_of_either_entry(
    bills: Bills,
) -> None:
    old, stays = await bills.client(), await bills.client("Cleopatra")
    profile = {"client_id": "ACME", "law_firm_id": "98-7654321"}
    await bills.call("PUT", f"/v1/clients/{old}/ledes-profile", profile)
    await bills.hear(await merged(bills, stays, old))
    known = await bills.call("GET", f"/v1/clients/{stays}/ledes-profile")
    changed = await bills.call(
        "PUT",
        f"/v1/clients/{stays}/ledes-profile",
        profile | {"client_id": "ACME2"},
        headers={"If-Match": known.headers["ETag"]},
    )
    assert (known.json()["client_id"], changed.status_code) == ("ACME", 200)
    assert (await bills.got(f"/v1/clients/{old}/ledes-profile"))["client_id"] == "ACME2"
