"""Two clients of one matter, through the whole platform: each is told, asked, owed and answered on
their own, in their own mailbox, and reads the matter that is theirs together."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from privity.clients import call
from support.office import Client, Office, until

OPTIONS = [
    {"key": "accept", "text": "Take the offer.", "consequences": "The case ends for you both."},
    {"key": "refuse", "text": "Refuse it.", "consequences": "The court will hear it."},
]


@pytest.fixture
def second(office: Office, client: Client) -> Client:
    """Represented jointly in the matter of the first."""
    other = office.client("Marc Marsh")
    matter = f"/v1/matters/{client.matter_id}"
    joined = {"client_id": other.id, "reason": "Both asked for it, and signed that they know."}
    office.post(f"{matter}/joint-clients", joined)
    return other


def words(office: Office, client: Client, phrase: str) -> list[str]:
    return [one.text for one in office.inbox(client.email) if phrase in one.text]


def update_clocks(office: Office, matter_id: str) -> dict[str, list[dict[str, Any]]]:
    """The matter's running update clocks by whose they are."""
    items = office.get("/v1/clocks", matter_id=matter_id, kind="update", state="running")["items"]
    found: dict[str, list[dict[str, Any]]] = {}
    for one in items:
        found.setdefault(one["client_id"], []).append(one)
    return found


def test_what_a_person_approved_once_reaches_each_and_is_owed_to_each_again(
    office: Office, client: Client, second: Client
) -> None:
    both = {client.id, second.id}
    before = until(
        lambda: update_clocks(office, client.matter_id), lambda found: found.keys() == both
    )
    by = {"role": "attorney", "email": "attorney@firm.test"}
    drafted = {"about": "report", "note": "The expert has seen the roof."}
    draft = office.post(f"/v1/matters/{client.matter_id}/updates", drafted, **by)
    office.post(f"/v1/updates/{draft['id']}/approve", {}, **by)
    for one in (client, second):
        (mail,) = until(lambda one=one: words(office, one, "seen the roof"))
        assert "Dear Clara Client and Marc Marsh," in mail
    known = {one["id"] for clocks in before.values() for one in clocks}

    def anew(found: dict[str, list[dict[str, Any]]]) -> bool:
        return found.keys() == both and all(
            one["id"] not in known for clocks in found.values() for one in clocks
        )

    until(lambda: update_clocks(office, client.matter_id), anew)


def test_each_decides_for_themselves_and_divided_they_have_decided_nothing(
    office: Office, client: Client, second: Client
) -> None:
    matter = f"/v1/matters/{client.matter_id}"
    asked = {
        "kind": "settlement_offer",
        "question": "They offer 9,000 for all.",
        "options": OPTIONS,
    }
    asked |= {"recommendation": "Take it.", "reply_by": str(datetime.now(UTC) + timedelta(days=4))}
    office.post(f"{matter}/decisions", asked, "attorney", email="attorney@firm.test")
    for one, option in ((client, "accept"), (second, "refuse")):
        until(lambda one=one: words(office, one, "The court will hear it"))
        as_client = {"client_id": one.id}
        with office.http("client", **as_client) as http:
            (put,) = call(http, "GET", f"{matter}/decisions").json()["items"]
        office.post(f"/v1/decisions/{put['id']}/answer", {"option": option}, "client", **as_client)
    listed = until(
        lambda: office.get(f"{matter}/decisions")["items"],
        lambda items: {one["jointly"] for one in items} == {"divided"},
    )
    assert {one["chosen"] for one in listed} == {"accept", "refuse"}
    until(lambda: [one for one in office.inbox("attorney@firm.test") if "differ" in one.text])


def test_mail_of_either_joins_the_matter_and_the_answer_reaches_who_wrote(
    office: Office, client: Client, second: Client
) -> None:
    office.write(second.email, "When does the court sit?")
    message = office.message_of(second)
    assert message["client_id"] == second.id
    filed = office.post(
        f"/v1/messages/{message['id']}/file",
        {"matter_id": client.matter_id, "reason": "It is about the matter of both."},
    )
    assert filed["matter_id"] == client.matter_id
    said = {"body": "On Monday at nine.", "kind": "answer"}
    where = f"/v1/conversations/{message['conversation_id']}/messages"
    office.post(where, said, "attorney", email="attorney@firm.test")
    until(lambda: words(office, second, "Monday at nine"))
    assert words(office, client, "Monday at nine") == []


def test_the_lawyer_of_the_matter_writes_to_and_calls_each_of_its_clients_in_it_only(
    office: Office, client: Client
) -> None:
    """The other's own point of contact is somebody else."""
    other = office.client("Marc Marsh", contact="partner@firm.test")
    matter = f"/v1/matters/{client.matter_id}"
    by = {"role": "attorney", "email": "attorney@firm.test"}
    said = {"client_id": other.id, "matter_id": client.matter_id, "body": "Come on Monday."}
    held = {"held_at": datetime.now(UTC).isoformat(), "note": "He will come."}
    call_of = {"client_id": other.id, "matter_id": client.matter_id} | held

    def answers(*bodies: dict[str, Any]) -> list[int]:
        with office.http(**by) as http:
            return [
                http.post(
                    "/v1/calls" if "note" in one else "/v1/conversations", json=one
                ).status_code
                for one in bodies
            ]

    assert answers(said, call_of) == [404, 404]
    joined = {"client_id": other.id, "reason": "Both asked for it."}
    office.post(f"{matter}/joint-clients", joined)
    until(lambda: answers(said, call_of), lambda found: found == [201, 201])
    apart = [{k: v for k, v in one.items() if k != "matter_id"} for one in (said, call_of)]
    elsewhere = [one | {"matter_id": other.matter_id} for one in (said, call_of)]
    assert answers(*apart, *elsewhere) == [404] * 4


def test_the_matter_its_timeline_and_its_costs_are_open_to_both_until_one_leaves(
    office: Office, client: Client, second: Client
) -> None:
    matter = f"/v1/matters/{client.matter_id}"
    paths = (matter, f"{matter}/standing", f"{matter}/timeline", f"{matter}/costs")

    def seen() -> list[int]:
        with office.http("client", client_id=second.id) as http:
            return [http.get(path).status_code for path in paths]

    until(seen, lambda found: found == [200] * len(paths))
    leaving = f"{matter}/joint-clients/{second.id}/leave"
    with office.http() as http:
        assert http.post(leaving, json={"reason": "They part."}).status_code == 204
    until(seen, lambda found: found == [404] * len(paths))


def test_a_clients_question_is_owed_an_answer_and_gets_it_by_mail(
    office: Office, client: Client, second: Client
) -> None:
    matter = f"/v1/matters/{client.matter_id}"
    asked = office.post(
        f"{matter}/questions", {"text": "Why do we not appeal?"}, "client", client_id=second.id
    )

    def clocks() -> list[dict[str, Any]]:
        found = office.get("/v1/clocks", matter_id=client.matter_id, kind="question")["items"]
        return [one for one in found if one["client_id"] == second.id]

    (clock,) = until(clocks)
    assert clock["state"] == "running"
    subject = f"Marc Marsh asks about the strategy: {client.matter_number}"
    until(lambda: [one for one in office.inbox("attorney@firm.test") if subject in one.subject])
    answer = f"/v1/decision-questions/{asked['id']}/answer"
    by = {"role": "attorney", "email": "attorney@firm.test"}
    office.post(answer, {"text": "Because the time for it is over."}, **by)
    until(lambda: words(office, second, "the time for it is over"))
    until(clocks, lambda found: found[0]["state"] == "met")
    assert words(office, client, "the time for it is over") == []
