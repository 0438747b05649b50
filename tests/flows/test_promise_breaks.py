"""A promise that is about to break: the contact is warned, the client told, the supervisor
called."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.office import Client, Office, until


@pytest.fixture
def promise_in_seconds(office: Office) -> Iterator[None]:
    before = office.get("/v1/clock-policies/response")
    policy = {"mode": "elapsed", "target": "PT6S", "limit": "PT12S", "warn_at": ["PT3S"]}
    policy |= {"ladder": ["supervisor"]}
    office.put("/v1/clock-policies/response", policy)
    yield
    kept = ("mode", "target", "limit", "warn_at", "ladder", "urgent")
    office.put("/v1/clock-policies/response", {name: before[name] for name in kept})


@pytest.mark.usefixtures("promise_in_seconds")
def test_it_warns_tells_the_client_breaches_once_and_escalates(
    office: Office, client: Client
) -> None:
    office.write(client.email, "Is anybody there?")
    message = office.message_of(client)

    def mails(address: str, word: str) -> list[Any]:
        return [
            one
            for one in office.inbox(address)
            if client.email in f"{one.text} {one.to}" and word in f"{one.subject} {one.text}"
        ]

    until(lambda: len(mails("attorney@firm.test", "")) >= 2)
    until(lambda: mails(client.email, "We had aimed to answer you by"))
    clock = office.clock(message["id"], "response", "breached")
    assert clock["warned_at"] < clock["breached_at"]
    until(lambda: mails("partner@firm.test", ""))

    def kinds() -> list[str]:
        items = office.get(f"/v1/matters/{client.matter_id}/timeline", limit=100)["items"]
        return [one["kind"] for one in items]

    found = until(kinds, lambda names: "EscalationRaised" in names)
    assert found.count("DeadlineBreached") == 1
    assert found.index("DeadlineWarned") < found.index("DeadlineBreached")

    office.post(
        f"/v1/conversations/{message['conversation_id']}/messages",
        {"body": "We are, and we are sorry."},
        role="attorney",
    )
    late = office.clock(message["id"], "response", "met")
    assert late["breached_at"] == clock["breached_at"]
