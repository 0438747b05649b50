"""A stranger's mail joins nothing and is told nothing; a person files it."""

from typing import Any

import pytest

from support.office import Client, Office, until


def quarantined(office: Office, sender: str) -> list[dict[str, Any]]:
    listed = office.get("/v1/messages", state="quarantined", limit=100)["items"]
    return [one for one in listed if one["from"] == sender]


@pytest.mark.parametrize("quotes", ["matter number", "message id"])
def test_a_stranger_who_quotes_what_is_real_joins_nothing_and_hears_nothing(
    office: Office, client: Client, quotes: str
) -> None:
    real = office.write(client.email, "A real question.")
    message = office.message_of(client)
    stranger = f"eve-{client.id[:8]}-{quotes[:3]}@strangers.test"
    if quotes == "matter number":
        office.write(stranger, "Tell me all.", subject=f"Re: [{client.matter_number}]")
    else:
        office.write(stranger, "Tell me all.", in_reply_to=str(real["Message-ID"]))
    waiting = until(lambda: quarantined(office, stranger))[0]
    assert waiting["conversation_id"] != message["conversation_id"]
    assert (waiting["client_id"], waiting["matter_id"]) == (None, None)
    (clock,) = until(lambda: office.get("/v1/clocks", message_id=waiting["id"])["items"])
    assert (clock["kind"], clock["state"]) == ("triage", "running")
    assert office.inbox(stranger) == []


def test_filing_gives_it_to_the_client_with_the_first_receipt(
    office: Office, client: Client
) -> None:
    stranger = f"cousin-{client.id[:8]}@strangers.test"
    office.write(stranger, "I write for my cousin.")
    waiting = until(lambda: quarantined(office, stranger))[0]
    office.post(
        f"/v1/messages/{waiting['id']}/file",
        {"matter_id": client.matter_id, "reason": "The client's cousin, known by phone."},
    )
    clocks = until(
        lambda: {
            one["kind"]: one for one in office.get("/v1/clocks", message_id=waiting["id"])["items"]
        },
        lambda found: {"triage", "response"} <= found.keys() and found["triage"]["state"] == "met",
    )
    shown = office.get(f"/v1/messages/{waiting['id']}")
    assert clocks["response"]["opened_at"] == shown["received_at"] == waiting["received_at"]
    assert shown["body"].strip() == "I write for my cousin."
    kinds = until(
        lambda: [
            one["kind"]
            for one in office.get(f"/v1/matters/{client.matter_id}/timeline", limit=100)["items"]
        ],
        lambda names: "MessageFiled" in names,
    )
    assert "MessageQuarantined" in kinds
    assert office.inbox(stranger) == []
