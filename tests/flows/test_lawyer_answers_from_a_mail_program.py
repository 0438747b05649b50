"""The lawyer is told at once and answers from their own mail program; only real staff can."""

import smtplib
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

from privity import mail, status
from privity.mail import Letter, Mail
from support.office import Client, Office, until

ATTORNEY = "attorney@firm.test"


def notices_about(
    office: Office, client: Client, address: str = "attorney@firm.test"
) -> list[Mail]:
    """The mails in this member's mailbox whose text names the client's own address."""
    return [one for one in office.inbox(address) if client.email in one.text]


def reply_address(office: Office, notice: Mail, index: int = 0) -> str:
    found = [word.strip("<>.,;") for word in notice.text.split() if "reply+" in word]
    return found[index]


def submit(office: Office, to: str, text: str, *, user: str | None = None) -> tuple[int, bytes]:
    """As a mail program does: sign in, hand over. The server's last word."""
    credentials = status.submission(office.stack)
    message = EmailMessage()
    message["From"], message["To"] = user or credentials["user"], to
    message["Subject"], message["Message-ID"] = "Re: your question", make_msgid()
    message.set_content(text)
    host, _, port = office.stack.ports.address("smtp_in").rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=30) as smtp:
        smtp.login(credentials["user"], credentials["password"])
        smtp.mail(str(message["From"]))
        smtp.rcpt(to)
        return smtp.data(message.as_bytes())


def asked(office: Office, client: Client, text: str = "May I paint the wall?") -> dict[str, Any]:
    office.write(client.email, text)
    message = office.message_of(client)
    office.clock(message["id"], "acknowledgment", "met")
    return message


def test_an_answer_by_mail_reaches_the_client_and_meets_the_clock(
    office: Office, client: Client
) -> None:
    message = asked(office, client)
    notice = until(lambda: notices_about(office, client))[0]
    assert client.matter_number in notice.text
    assert client.matter_number in notice.subject
    code, _ = submit(office, reply_address(office, notice), "Yes, in white.")
    assert code == 250
    clock = office.clock(message["id"], "response", "met")
    assert clock["breached_at"] is None
    letters = until(lambda: office.inbox(client.email), lambda found: len(found) == 2)
    assert "Yes, in white." in letters[0].text
    assert letters[0].auto_submitted is None
    shown = office.get(f"/v1/messages/{message['id']}")
    assert shown["state"] == "answered"
    assert shown["answered_at"]


def test_a_question_by_mail_pauses_the_clock_and_the_clients_next_message_resumes_it(
    office: Office, client: Client
) -> None:
    message = asked(office, client)
    notice = until(lambda: notices_about(office, client))[0]
    submit(office, reply_address(office, notice, 1), "Which wall do you mean?")
    office.clock(message["id"], "response", "paused")
    letters = until(lambda: office.inbox(client.email), lambda found: len(found) == 2)
    office.write(client.email, "The north wall.", in_reply_to=letters[0].message_id)
    clock = office.clock(message["id"], "response", "running")
    assert len(clock["message_ids"]) == 2
    explained = office.get(f"/v1/clocks/{clock['id']}/explanation")["explanation"]
    assert any(not one["counted"] for one in explained)


def test_staff_mail_that_nobody_signed_in_for_changes_nothing_and_waits_in_triage(
    office: Office, client: Client
) -> None:
    message = asked(office, client)
    notice = until(lambda: notices_about(office, client))[0]
    forged = mail.compose(
        Letter("attorney@firm.test", reply_address(office, notice), "Re:", "Pay to this account.")
    )
    mail.send(office.stack, forged)

    def quarantined() -> list[dict[str, Any]]:
        listed = office.get("/v1/messages", state="quarantined", limit=100)["items"]
        return [one for one in listed if one["from"] == "attorney@firm.test"]

    assert until(quarantined)
    assert office.clocks(message["id"])["response"]["state"] == "running"
    assert len(office.inbox(client.email)) == 1


def test_an_urgent_message_reaches_the_contact_and_the_supervisor_together(
    office: Office, client: Client
) -> None:
    office.write(client.email, "They are at my door.", urgent=True)
    for address in ("attorney@firm.test", "partner@firm.test"):
        found = until(lambda address=address: notices_about(office, client, address))  # type: ignore[misc]
        assert found[0].subject.startswith("Urgent")


def test_a_portal_message_takes_the_same_path_and_the_answer_is_in_mailbox_and_portal(
    office: Office, client: Client
) -> None:
    posted = office.post(
        "/v1/conversations",
        {"subject": "From the portal", "body": "Is there news?"},
        role="client",
        client_id=client.id,
    )
    office.clock(posted["id"], "acknowledgment", "met")
    answer = office.post(
        f"/v1/conversations/{posted['conversation_id']}/messages",
        {"body": "There is: the landlord agreed."},
        role="attorney",
    )
    office.clock(posted["id"], "response", "met")
    until(
        lambda: office.inbox(client.email),
        lambda found: any("landlord agreed" in one.text for one in found),
    )
    with office.http("client", client_id=client.id) as http:
        shown = http.get(f"/v1/messages/{answer['id']}").json()
        assert shown["body"].strip() == "There is: the landlord agreed."
        assert http.get(f"/v1/messages/{posted['id']}").json()["state"] == "answered"
    stranger = office.client("Sam Stranger")
    with office.http("client", client_id=stranger.id) as http:
        assert http.get(f"/v1/messages/{answer['id']}").status_code == 404


def test_a_note_and_an_acknowledgment_do_not_meet_the_response_clock(
    office: Office, client: Client
) -> None:
    message = asked(office, client)
    for kind in ("note", "acknowledgment"):
        office.post(
            f"/v1/conversations/{message['conversation_id']}/messages",
            {"body": f"This is a {kind}.", "kind": kind},
            role="attorney",
        )
    until(
        lambda: office.inbox(client.email),
        lambda found: any("acknowledgment" in one.text for one in found),
    )
    assert office.clocks(message["id"])["response"]["state"] == "running"
    assert not any("This is a note" in one.text for one in office.inbox(client.email))
