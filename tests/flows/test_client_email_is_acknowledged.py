"""A client's mail: kept, clocked, acknowledged with the clock's own promise, and on the record."""

from datetime import datetime
from zoneinfo import ZoneInfo

from support.office import Client, Office, until


def spoken(instant: str, zone: str = "Europe/Berlin") -> str:
    """How a person reads an instant: day and time in their own zone."""
    local = datetime.fromisoformat(instant).astimezone(ZoneInfo(zone))
    return f"{local:%A}, {local.day} {local:%B} {local.year} at {local:%H:%M}"


def test_a_mail_is_acknowledged_in_its_thread_with_a_person_and_the_clocks_own_time(
    office: Office, client: Client
) -> None:
    sent = office.write(client.email, "When will the lease be signed?", subject="My lease")
    message = office.message_of(client)
    response = office.clocks(message["id"])["response"]
    answer = until(lambda: office.inbox(client.email))[0]
    assert answer.in_reply_to == sent["Message-ID"]
    assert str(sent["Message-ID"]) in str(answer.references)
    assert answer.auto_submitted == "auto-replied"
    assert "Daniel Okafor" in answer.text
    assert spoken(response["target_at"]) in answer.text
    assert spoken(response["limit_at"]) in answer.text
    assert "+1 212 555 0147" in answer.text
    assert "When will the lease" not in answer.text
    assert "My lease" not in answer.subject
    clock = office.clock(message["id"], "acknowledgment", "met")
    assert clock["breached_at"] is None
    shown = office.get(f"/v1/messages/{message['id']}")
    assert shown["state"] == "acknowledged"
    assert shown["body"].strip() == "When will the lease be signed?"
    assert shown["with_whom"]["name"] == "Daniel Okafor"


def test_the_original_is_kept_byte_for_byte_with_its_attachments(
    office: Office, client: Client, tmp_path: object
) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "lease.pdf"
    file.write_bytes(b"%PDF-1.7 " + bytes(range(256)) * 40)
    sent = office.write(client.email, "The lease is attached.", files=[file])
    message = office.message_of(client)
    with office.http() as http:
        original = http.get(f"/v1/messages/{message['id']}/original")
        assert original.headers["content-type"].startswith("message/rfc822")
        assert original.content == sent.as_bytes()
        shown = http.get(f"/v1/messages/{message['id']}").json()
        (attachment,) = shown["attachments"]
        assert (attachment["name"], attachment["size"]) == ("lease.pdf", file.stat().st_size)
        kept = http.get(f"/v1/messages/{message['id']}/attachments/{attachment['id']}")
        assert kept.content == file.read_bytes()


def test_the_same_mail_twice_is_one_message_with_one_acknowledgment(
    office: Office, client: Client
) -> None:
    from privity import mail
    from privity.mail import Letter

    letter = mail.compose(Letter(client.email, "office@firm.test", "Once", "Only once, please."))
    for _ in range(2):
        mail.send(office.stack, letter)
    office.clock(office.message_of(client)["id"], "acknowledgment", "met")
    listed = office.get("/v1/messages", client_id=client.id)["items"]
    assert len([one for one in listed if one["direction"] == "inbound"]) == 1
    assert len(office.inbox(client.email)) == 1


def test_further_mails_within_ten_minutes_wait_for_one_grouped_acknowledgment(
    office: Office, client: Client
) -> None:
    first = office.write(client.email, "First.")
    office.clock(office.message_of(client)["id"], "acknowledgment", "met")
    for number in range(2):
        office.write(client.email, f"And {number}.", in_reply_to=str(first["Message-ID"]))
    office.message_of(client, 2)
    newest = office.message_of(client)
    clocks = office.clocks(newest["id"])
    assert clocks["acknowledgment"]["state"] == "running"
    assert len(clocks["response"]["message_ids"]) == 3
    assert len(office.inbox(client.email)) == 1


def test_everything_of_it_stands_in_the_timeline_oldest_first(
    office: Office, client: Client
) -> None:
    office.write(client.email, "What does the timeline say?")
    message = office.message_of(client)
    office.clock(message["id"], "acknowledgment", "met")

    def kinds() -> list[str]:
        items = office.get(f"/v1/matters/{client.matter_id}/timeline", limit=100)["items"]
        assert [one["time"] for one in items] == sorted(one["time"] for one in items)
        return [one["kind"] for one in items]

    found = until(kinds, lambda names: "ClockMet" in names)
    order = ["MatterOpened", "ClientMessageReceived", "ResponseDue", "AcknowledgmentDue",
             "MessageAcknowledged", "ClockMet"]  # fmt: skip
    positions = [found.index(name) for name in order]
    assert positions == sorted(positions)
    assert "StreamHeadsStated" not in found


def test_two_machines_that_answer_each_other_end_after_one_exchange(office: Office) -> None:
    import time
    from email.message import EmailMessage
    from email.utils import make_msgid

    from privity import mail

    client = office.client("Otto Away")
    office.write(client.email, "Please call me.")
    until(lambda: office.inbox(client.email))
    answered: set[str] = set()
    deadline = time.monotonic() + 12
    while time.monotonic() < deadline:
        for received in office.inbox(client.email):
            if received.message_id in answered:
                continue
            answered.add(received.message_id)
            away = EmailMessage()
            away["From"], away["To"] = client.email, "office@firm.test"
            away["Subject"] = f"Out of office: {received.subject}"
            away["Message-ID"], away["In-Reply-To"] = make_msgid(), received.message_id
            away["Auto-Submitted"] = "auto-replied"
            away.set_content("I am away until Monday.")
            mail.send(office.stack, away)
        time.sleep(0.3)
    assert len(office.inbox(client.email)) == 1, "the exchange did not end"
    automatic = [
        one
        for one in office.get("/v1/messages", client_id=client.id)["items"]
        if one["direction"] == "inbound" and one["automatic"]
    ]
    assert len(automatic) == 1
    assert office.get("/v1/clocks", message_id=automatic[0]["id"])["items"] == []
