"""A client is kept informed, through the whole platform: told by a person, owed again from then on,
asked, and hidden behind a wall within seconds, wherever their data is read."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from privity.clients import call
from support.office import Client, Office, until


def kinds_told(office: Office, client: Client) -> list[str]:
    items = office.get(f"/v1/matters/{client.matter_id}/timeline", limit=100)["items"]
    return [one["kind"] for one in items]


def update_clocks(office: Office, client: Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = office.get(
        "/v1/clocks", matter_id=client.matter_id, kind="update"
    )["items"]
    return items


def post(office: Office, path: str, body: dict[str, Any] | None = None, **by: str) -> Any:
    by = by or {"role": "attorney", "email": "attorney@firm.test"}
    return office.post(path, body or {}, **by)


def test_a_client_asks_is_told_by_a_person_with_a_report_and_is_owed_it_again(
    office: Office, client: Client
) -> None:
    matter = f"/v1/matters/{client.matter_id}"
    (first,) = until(lambda: update_clocks(office, client), lambda found: len(found) == 1)
    asked = {"role": "client", "client_id": client.id}
    post(office, f"{matter}/update-requests", **asked)
    (prompted,) = until(
        lambda: update_clocks(office, client), lambda found: found[0]["revision"] == 2
    )
    assert prompted["limit_at"] < first["limit_at"]
    draft = post(office, f"{matter}/updates", {"about": "request", "note": "We wait for the deed."})
    post(office, f"/v1/updates/{draft['id']}/approve")
    mails = until(lambda: [one for one in office.inbox(client.email) if "deed" in one.text])
    assert len(mails) == 1
    met, again = until(lambda: update_clocks(office, client), lambda found: len(found) == 2)
    assert (met["state"], again["state"], again["urgent"]) == ("met", "running", False)
    shown = until(
        lambda: office.get(f"{matter}/standing"),
        lambda found: found["told"] and found["owed"] and found["owed"][0]["kind"] == "update",
    )
    (told,) = shown["told"]
    assert (told["what"], told["channel"]) == ("update", "email")
    assert told["by"] == office.staff("attorney@firm.test")["name"]
    assert shown["owed"][0]["due_at"] == again["limit_at"]
    until(lambda: kinds_told(office, client), lambda kinds: "ProgressUpdateSent" in kinds)


def test_a_decision_is_put_by_mail_and_decided_in_the_portal(
    office: Office, client: Client
) -> None:
    matter = f"/v1/matters/{client.matter_id}"
    options = [
        {"key": "accept", "text": "Accept the offer.", "consequences": "The case ends."},
        {"key": "refuse", "text": "Refuse it.", "consequences": "The trial goes on."},
    ]
    body = {"kind": "settlement_offer", "question": "They offer 9,000.", "options": options}
    body |= {"recommendation": "Accept.", "reply_by": str(datetime.now(UTC) + timedelta(days=4))}
    put = post(office, f"{matter}/decisions", body)
    until(lambda: [one for one in office.inbox(client.email) if "The trial goes on" in one.text])
    asked = {"role": "client", "client_id": client.id}
    post(office, f"/v1/decisions/{put['id']}/answer", {"option": "refuse"}, **asked)

    def clocks() -> list[dict[str, Any]]:
        found = office.get("/v1/clocks", matter_id=client.matter_id, kind="decision")["items"]
        return [one for one in found if one["state"] == "met"]

    until(clocks)
    until(lambda: kinds_told(office, client), lambda kinds: "DecisionRecorded" in kinds)


def test_a_handover_is_told_to_the_client(office: Office, client: Client) -> None:
    to = office.staff("partner@firm.test")
    office.put(f"/v1/matters/{client.matter_id}/point-of-contact", {"staff_id": to["id"]})
    until(lambda: [one for one in office.inbox(client.email) if to["name"] in one.text])


def asks_again(office: Office, client: Client) -> str:
    """A consultation of theirs; intake takes it once it has heard of the client."""
    body = {
        "source": "phone",
        "client_id": client.id,
        "name": "Clara Client",
        "email": client.email,
        "practice_area": "family",
    }
    with office.http() as http:
        taken = until(
            lambda: http.post("/v1/consultations", json=body), lambda found: found.is_success
        )
    return str(taken.json()["id"])


def test_a_wall_bites_within_five_seconds_wherever_client_data_is_read(
    office: Office, client: Client
) -> None:
    office.write(client.email, "Between us only.")
    message = office.message_of(client)
    office.clocks(message["id"])
    partner = office.staff("partner@firm.test")
    paths = (
        f"/v1/clients/{client.id}",
        f"/v1/matters/{client.matter_id}",
        f"/v1/matters/{client.matter_id}/standing",
        f"/v1/messages/{message['id']}",
        f"/v1/matters/{client.matter_id}/timeline",
        f"/v1/matters/{client.matter_id}/costs",
        f"/v1/clocks/{office.clocks(message['id'])['response']['id']}/explanation",
        f"/v1/consultations/{asks_again(office, client)}",
    )
    lists = (f"/v1/messages?client_id={client.id}", f"/v1/clocks?client_id={client.id}")

    def answers() -> list[Any]:
        with office.http() as http:
            single = [http.get(path).status_code for path in paths]
            return single + [len(call(http, "GET", path).json()["items"]) > 0 for path in lists]

    assert answers() == [200] * len(paths) + [True, True]
    wall = {"client_id": client.id, "kind": "screen", "staff_ids": [partner["id"]]}
    raised = office.post("/v1/walls", wall | {"reason": "Her brother is opposed."}, "compliance")
    began = time.monotonic()
    until(answers, lambda found: found == [404] * len(paths) + [False, False], seconds=10)
    assert time.monotonic() - began < 5
    lowered = {"reason": "The brother settled."}
    office.post(f"/v1/walls/{raised['id']}/lower", lowered, "compliance")
    until(answers, lambda found: found == [200] * len(paths) + [True, True])
