"""What a client answers to a letter about bills: listed until a person has read it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from shared import clock
from shared.contracts.billing import BillingConcernRaised
from shared.contracts.messaging import ClientMessageReceived, conversation_of_bills
from shared.ids import new_id
from support.bills import Bills, Matter

QUESTIONS = "/v1/billing-concerns/questions"


async def invoiced(bills: Bills) -> tuple[Matter, dict[str, Any]]:
    matter = await bills.matter()
    await bills.accepted_long_ago(matter)
    await bills.time(matter)
    return matter, await bills.issued(matter)


def reply(matter: Matter, **changes: Any) -> ClientMessageReceived:
    """A mail of the client in the thread of the letter with the invoice."""
    facts = {
        "message_id": new_id(),
        "conversation_id": conversation_of_bills(matter.client_id, matter.id),
        "client_id": matter.client_id,
        "matter_id": matter.id,
        "channel": "email",
        "received_at": clock.now(),
    }
    return ClientMessageReceived.model_validate(facts | changes)


def concern(matter: Matter, invoice: dict[str, Any], message_id: UUID) -> dict[str, Any]:
    return {"invoice_id": invoice["id"], "kind": "unclear", "text": "She asks what line 1 was.",
            "message_id": str(message_id)}  # fmt: skip


async def waiting(bills: Bills, matter: Matter) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await bills.got(f"{QUESTIONS}?matter_id={matter.id}"))["items"]
    return found


async def test_an_answer_to_an_invoices_mail_waits_with_that_invoice_and_opens_nothing(
    bills: Bills,
) -> None:
    matter, invoice = await invoiced(bills)
    event = reply(matter)
    for _ in range(2):
        await bills.hear(event)
    await bills.hear(reply(matter, conversation_id=new_id()))
    await bills.hear(reply(matter, automatic=True))
    (only,) = await waiting(bills, matter)
    assert (only["message_id"], only["invoice_id"]) == (str(event.message_id), invoice["id"])
    assert await bills.told(BillingConcernRaised) == []
    own = {"role": "client", "client_id": str(matter.client_id)}
    assert (await bills.call("GET", f"{QUESTIONS}?matter_id={matter.id}", **own)).status_code == 403


@pytest.mark.parametrize("heard_first", [True, False])
async def test_staff_make_it_a_concern_once_whichever_is_heard_first(
    bills: Bills, heard_first: bool
) -> None:
    matter, invoice = await invoiced(bills)
    event = reply(matter)
    if heard_first:
        await bills.hear(event)
    body = concern(matter, invoice, event.message_id)
    answers = await asyncio.gather(
        *(bills.call("POST", "/v1/billing-concerns", body) for _ in range(3))
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    if not heard_first:
        await bills.hear(event)
    assert await waiting(bills, matter) == []
    (told,) = await bills.told(BillingConcernRaised)
    assert (told.message_id, told.channel) == (event.message_id, "email")
    if heard_first:
        assert told.raised_at == event.received_at


async def test_a_word_of_thanks_is_dismissed_once(bills: Bills) -> None:
    matter, _ = await invoiced(bills)
    event = reply(matter)
    await bills.hear(event)
    path = f"{QUESTIONS}/{event.message_id}/dismissal"
    answers = await asyncio.gather(*(bills.call("POST", path) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert await waiting(bills, matter) == []


async def test_a_message_of_another_client_makes_no_concern(bills: Bills) -> None:
    matter, invoice = await invoiced(bills)
    other = await bills.matter(await bills.client("Marc"))
    event = reply(other)
    await bills.hear(event)
    body = concern(matter, invoice, event.message_id)
    answer = await bills.call("POST", "/v1/billing-concerns", body)
    assert answer.status_code == 404
    assert len(await waiting(bills, other)) == 1
