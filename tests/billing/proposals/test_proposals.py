"""Time proposed from the record: once, of people only, and never filed by itself."""

import asyncio
from datetime import datetime
from uuid import UUID

from shared import clock
from shared.contracts.billing import TimeRecorded
from shared.contracts.messaging import CallLogged, MessageSent
from shared.ids import new_id
from support.bills import Bills, Matter


async def called(bills: Bills, matter: Matter, at: datetime) -> CallLogged:
    return CallLogged(
        message_id=new_id(),
        conversation_id=new_id(),
        client_id=matter.client_id,
        matter_id=matter.id,
        channel="phone",
        direction="outbound",
        two_way=True,
        held_at=at,
        entered_at=at,
        staff_id=bills.ada.id,
        note=await bills.sealed(matter.client_id, "call", "note", "Keys."),
    )


def sent(matter: Matter, staff_id: UUID | None, *, automatic: bool = False) -> MessageSent:
    return MessageSent(
        message_id=new_id(),
        conversation_id=new_id(),
        client_id=matter.client_id,
        matter_id=matter.id,
        kind="answer",
        channel="email",
        sent_at=clock.now(),
        staff_id=staff_id,
        automatic=automatic,
    )


async def test_calls_and_messages_of_people_are_proposed_once_and_file_nothing(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    call = await called(bills, matter, clock.now())
    for event in (call, call, sent(matter, bills.ada.id), sent(matter, None),
                  sent(matter, bills.ada.id, automatic=True)):  # fmt: skip
        await bills.hear(event)
    own = {"role": "attorney", "email": bills.ada.email}
    listed = await bills.got(f"/v1/time-proposals?matter_id={matter.id}", **own)
    assert [(one["source"], one["activity_code"]) for one in listed["items"]] == [
        ("call", "A106"),
        ("message", "A106"),
    ]
    assert await bills.told(TimeRecorded) == []


async def test_a_proposal_becomes_one_entry_with_what_the_person_said_and_nothing_more(
    bills: Bills,
) -> None:
    matter = await bills.matter()
    await bills.accepted(matter)
    call = await called(bills, matter, clock.now())
    await bills.hear(call)
    own = {"role": "attorney", "email": bills.ada.email}
    path = f"/v1/time-proposals/{call.message_id}"
    said = {"minutes": 12, "narrative": "Agreed the handover of keys with the client"}
    answers = await asyncio.gather(
        *(bills.call("POST", f"{path}/entry", said, **own) for _ in range(3))
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    (made,) = [one.json() for one in answers if one.status_code == 201]
    entry = await bills.got(f"/v1/entries/{made['entry_id']}")
    assert (entry["state"], entry["minutes"], entry["activity_code"]) == ("billable", 12, None)
    assert entry["started_at"] == call.model_dump(mode="json")["held_at"]


async def test_others_time_is_filed_by_who_bills_only_and_can_be_dismissed(bills: Bills) -> None:
    matter = await bills.matter()
    call = await called(bills, matter, clock.now())
    await bills.hear(call)
    noor = await bills.person("Noor")
    path = f"/v1/time-proposals/{call.message_id}/dismissal"
    away = await bills.call("POST", path, role="attorney", email=noor.email)
    assert away.status_code == 404
    await bills.assign(matter.client_id, matter.id, noor.id)
    near = await bills.call("POST", path, role="attorney", email=noor.email)
    assert near.status_code == 403
    await bills.made(path, None, role="billing")
    assert (await bills.call("POST", path, role="billing")).status_code == 409
    listed = await bills.got(f"/v1/time-proposals?matter_id={matter.id}", role="billing")
    assert listed["items"] == []
