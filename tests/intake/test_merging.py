"""Entries that turned out to be one client: links of either still lead where they led, and what was
brought is read as their own."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.contracts.intake import InformationProvided
from shared.contracts.matters import ClientsMerged
from shared.ids import new_id
from support.prospects import COUPLE, Intake

CHECKLIST = {
    "checklist": "divorce",
    "practice_area": "family",
    "items": [{"kind": "fact", "text": "Since when have you lived apart?"}],
}


async def merged(intake: Intake, client_id: UUID, merged_id: UUID) -> None:
    await intake.hear(
        ClientsMerged(
            client_id=client_id,
            merged_id=merged_id,
            reason=await intake.sealed(client_id, "merged", "One person."),
            merged_by=new_id(),
            merged_at=datetime.now(UTC),
        )
    )


async def client_of(intake: Intake, consultation_id: str) -> UUID:
    shown = await intake.done("GET", f"/v1/consultations/{consultation_id}")
    return UUID(shown["client_id"])


async def test_a_link_of_a_merged_entry_still_leads_there_and_what_came_by_it_is_the_clients(
    intake: Intake,
) -> None:
    consultation_id = await intake.held()
    old_id, stays_id = await client_of(intake, consultation_id), await intake.client("Ann Example")
    await intake.done("POST", "/v1/checklists", CHECKLIST)
    path = f"/v1/consultations/{consultation_id}/information-requests"
    due_at = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    row = await intake.done("POST", path, {"checklist": "divorce", "due_at": due_at})
    await intake.step(await intake.drafted(consultation_id), "approve")
    await merged(intake, stays_id, old_id)
    (asked,) = await intake.holders("information")
    item = f"/items/{row['items'][0]['id']}"
    assert (await (await asked.enter()).call("POST", item, {"text": "Since May."})).is_success
    (told,) = await intake.told(InformationProvided)
    assert told.client_id == old_id, "the stream of what was asked ends where it began"
    own: dict[str, Any] = {"role": "client", "client_id": str(stays_id)}
    (shown,) = await intake.done("GET", path, **own)
    assert shown["items"][0]["answer"] == "Since May."
    for listed in ("/v1/consultations", "/v1/engagements"):
        assert len((await intake.done("GET", listed, **own))["items"]) == 1
    filtered = await intake.done("GET", f"/v1/engagements?client_id={stays_id}")
    assert len(filtered["items"]) == 1
    ann = (await intake.holders("signature"))[0]
    assert (await (await ann.enter()).signs()).is_success
    stranger = own | {"client_id": str(new_id())}
    assert await intake.refused("GET", path, **stranger) == "404 not-found"
    assert (await intake.done("GET", "/v1/engagements", **stranger))["items"] == []


async def test_mergers_one_upon_the_other_are_one_client_in_whatever_order_they_are_heard(
    intake: Intake,
) -> None:
    for backwards in (False, True):
        consultation_id = await intake.asked()
        first = await client_of(intake, consultation_id)
        second, third = new_id(), new_id()
        pairs = [(second, first), (third, second)]
        for client_id, merged_id in reversed(pairs) if backwards else pairs:
            for _ in range(2):
                await merged(intake, client_id, merged_id)
        found = await intake.rows(
            "SELECT DISTINCT client_id FROM merged_clients WHERE client_id = :id", id=third
        )
        assert found == [(third,)]
        for one in (second, third):
            own = {"role": "client", "client_id": str(one)}
            listed = await intake.done("GET", "/v1/consultations", **own)
            assert [one["id"] for one in listed["items"]] == [consultation_id]


async def test_a_merged_entry_is_given_nothing_new(intake: Intake) -> None:
    stays_id, merged_id = await intake.client("Bob Example"), await intake.client("Bob Exampel")
    await merged(intake, stays_id, merged_id)
    again = {
        "name": "Bob Example",
        "email": "bob@clients.test",
        "practice_area": "tax",
        "source": "phone",
        "client_id": str(merged_id),
    }
    answer = await intake.call("POST", "/v1/consultations", again)
    assert (answer.status_code, answer.json()["code"]) == (409, "client-merged")
    assert answer.json()["client_id"] == str(stays_id)
    joint = COUPLE[1] | {"joint_client": True, "client_id": str(merged_id)}
    body = intake.draft(consultation_id=await intake.held(), signers=[COUPLE[0], joint])
    assert await intake.refused("POST", "/v1/engagements", body) == "409 client-merged"
