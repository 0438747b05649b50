"""What clients and lawyers read, and the marks that keep machines from answering it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from messaging.email import composing, staff_texts, texts
from messaging.email.automatic import is_automatic
from messaging.email.composing import Heading
from messaging.email.rendering import Block, Mail, Mailbox, plain_text
from messaging.email.texts import Promise
from shared.contracts.matters import EmergencyContact
from shared.contracts.sla_monitor import SkippedDay

NEW_YORK = ZoneInfo("America/New_York")
ARRIVED = datetime(2026, 7, 2, 16, 30, tzinfo=NEW_YORK)
PROMISE = Promise(
    target_at=datetime(2026, 7, 6, 16, 30, tzinfo=NEW_YORK),
    limit_at=datetime(2026, 7, 7, 16, 30, tzinfo=NEW_YORK),
    skipped=(
        SkippedDay(day=date(2026, 7, 3), reason="Independence Day, observed"),
        SkippedDay(day=date(2026, 7, 4), reason="weekend"),
        SkippedDay(day=date(2026, 7, 5), reason="weekend"),
    ),
)
EMERGENCY = EmergencyContact(
    phone="+1 212 555 0147", email="emergency@firm.test", text="Day and night."
)
HEADING = Heading(
    message_id="<2@firm.test>",
    date=ARRIVED,
    firm=Mailbox(name="Reyes & Holt LLP", address="office@firm.test"),
    to=Mailbox(name="Clara Client", address="clara@clients.test"),
    thread=("<0@clients.test>", "<1@clients.test>"),
)
WAITING = staff_texts.Waiting(
    client="Clara Client",
    client_address="clara@clients.test",
    channel="email",
    matter="2026-0042 Client v. Northside",
    received_at=ARRIVED,
    promise=PROMISE,
)
REPLY_TO = staff_texts.ReplyTo(
    answer="reply+a@firm.test", question="reply+q@firm.test", acknowledge="reply+k@firm.test"
)


def parsed(mail: Mail) -> EmailMessage:
    message = message_from_bytes(mail.data.replace(b"\r\n", b"\n"), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(mail: Mail) -> str:
    part = parsed(mail).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def acknowledgment_blocks(
    *,
    received: tuple[datetime, ...] = (ARRIVED,),
    zone: ZoneInfo = NEW_YORK,
    promise: Promise = PROMISE,
    emergency: EmergencyContact = EMERGENCY,
    now: datetime = ARRIVED,
    urgent: bool = False,
) -> tuple[Block, ...]:
    return texts.acknowledgment(
        client="Clara Client",
        firm="Reyes & Holt LLP",
        contact="Ana Ruiz",
        received=received,
        promise=promise,
        now=now,
        zone=zone,
        emergency=emergency,
        urgent=urgent,
        supervisor_told=urgent,
    )


def test_an_acknowledgment_names_the_person_the_times_the_days_and_the_emergency_line() -> None:
    text = text_of(composing.acknowledgment(HEADING, acknowledgment_blocks()))
    assert "Ana Ruiz, your point of contact at Reyes & Holt LLP, has been told" in text
    assert "We aim to answer by: Monday, 6 July 2026 at 16:30 (New York time)" in text
    assert "At the latest by: Tuesday, 7 July 2026 at 16:30 (New York time)" in text
    assert (
        "Not counted: Friday, 3 July (Independence Day, observed); "
        "Saturday, 4 July and Sunday, 5 July (weekend)" in text
    )
    assert "call +1 212 555 0147 or write to emergency@firm.test. Day and night." in text
    assert "What happens next: Ana Ruiz reads it" in text


def test_an_acknowledgment_is_told_in_the_clients_own_zone() -> None:
    text = plain_text(acknowledgment_blocks(zone=ZoneInfo("Europe/Madrid")))
    assert "We aim to answer by: Monday, 6 July 2026 at 22:30 (Madrid time)" in text


def test_an_acknowledgment_threads_and_silences_machines() -> None:
    mail = composing.acknowledgment(HEADING, acknowledgment_blocks())
    message = parsed(mail)
    assert mail.envelope_from == ""
    assert message["Subject"] == "Auto: We received your message"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["In-Reply-To"] == "<1@clients.test>"
    assert message["References"].split() == ["<0@clients.test>", "<1@clients.test>"]
    assert message.get_content_type() == "multipart/alternative"


def test_a_grouped_acknowledgment_covers_all_messages() -> None:
    later = ARRIVED + timedelta(minutes=7)
    text = plain_text(acknowledgment_blocks(received=(ARRIVED, later)))
    assert (
        "Your 2 messages arrived between Thursday, 2 July 2026 at 16:30 and 16:37 (New York time)"
        in text
    )
    assert "Ana Ruiz reads them" in text


def test_an_urgent_acknowledgment_says_who_was_told() -> None:
    text = plain_text(acknowledgment_blocks(urgent=True))
    assert "We treat it as urgent: Ana Ruiz, your point of contact" in text
    assert "and their supervisor have been told at once" in text


def test_a_target_that_is_the_limit_is_promised_once() -> None:
    one = Promise(target_at=PROMISE.limit_at, limit_at=PROMISE.limit_at)
    text = plain_text(acknowledgment_blocks(promise=one))
    assert "We aim to answer" not in text
    assert "At the latest by: Tuesday, 7 July 2026" in text
    assert "Not counted" not in text


def test_a_time_that_is_past_is_not_promised_any_more() -> None:
    text = plain_text(acknowledgment_blocks(now=PROMISE.target_at))
    assert "We aim to answer" not in text
    assert "At the latest by: Tuesday, 7 July 2026" in text


def test_a_firm_without_an_emergency_line_promises_none() -> None:
    assert "cannot wait" not in plain_text(acknowledgment_blocks(emergency=EmergencyContact()))


def test_the_constant_text_names_nobody() -> None:
    mail = composing.constant_acknowledgment(HEADING)
    for name in (b"Clara", b"Reyes", b"Ana"):
        assert name not in mail.data
    assert parsed(mail)["Auto-Submitted"] == "auto-replied"


def test_a_delay_is_told_with_its_reason_and_the_new_time() -> None:
    blocks = texts.delay(
        client="Clara Client",
        firm="Reyes & Holt LLP",
        contact="Ana Ruiz",
        promise=PROMISE,
        zone=NEW_YORK,
        emergency=EMERGENCY,
    )
    text = text_of(composing.client_notice(HEADING, "Your answer takes longer", blocks))
    assert "aimed to answer you by Monday, 6 July 2026 at 16:30 (New York time)" in text
    assert "Ana Ruiz has not been able to send the answer yet" in text
    assert "At the latest by: Tuesday, 7 July 2026 at 16:30 (New York time)" in text


def notice(body: str | None, for_information: str | None = None) -> Mail:
    blocks = staff_texts.notice(
        waiting=WAITING,
        reply_to=REPLY_TO,
        zone=NEW_YORK,
        body=body,
        attachments=("contract.pdf",),
        for_information=for_information,
    )
    subject = staff_texts.subject_line(WAITING, NEW_YORK)
    return composing.staff_notice(
        HEADING, subject, blocks, reply_to=REPLY_TO.answer, about="Clara Client"
    )


def test_a_notice_says_who_waits_until_when_and_how_to_answer() -> None:
    mail = notice("When is my hearing?\n")
    message, text = parsed(mail), text_of(mail)
    assert message["Subject"] == (
        "Clara Client waits for an answer, due Mon 6 Jul 16:30 (2026-0042 Client v. Northside)"
    )
    assert message["Reply-To"].addresses[0].addr_spec == "reply+a@firm.test"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "Answer due: Monday, 6 July 2026 at 16:30 (New York time)" in text
    assert "> When is my hearing?" in text
    assert "Attached: contract.pdf" in text
    for address in ("reply+a@firm.test", "reply+q@firm.test", "reply+k@firm.test"):
        assert address in text


def test_a_notice_keeps_the_body_out_where_the_policy_does() -> None:
    text = text_of(notice(None))
    assert "contract.pdf" not in text
    assert "The message itself stays in the platform" in text


def test_a_supervisor_learns_whose_message_it_is() -> None:
    assert "Ana Ruiz, the point of contact, was told at the same time" in text_of(
        notice(None, for_information="Ana Ruiz")
    )


def test_a_lawyers_answer_is_a_persons_mail_from_the_firms_mailbox() -> None:
    mail = composing.person_to_client(
        HEADING,
        author="Ana Ruiz",
        subject="RE: Hearing",
        text="Dear Clara,\n\nMonday at nine.\n\nAna\n",
        envelope_from="bounce+x@firm.test",
    )
    message = parsed(mail)
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (
        "Ana Ruiz, Reyes & Holt LLP",
        "office@firm.test",
    )
    assert message["Subject"] == "Re: Hearing"
    assert mail.envelope_from == "bounce+x@firm.test"
    assert not is_automatic(list(message.items()), envelope_from=mail.envelope_from)
    assert message.get_content() == "Dear Clara,\n\nMonday at nine.\n\nAna\n"


def test_every_task_for_staff_says_by_when() -> None:
    by = datetime(2026, 7, 3, 16, 30, tzinfo=UTC)
    task = plain_text(
        staff_texts.manual_acknowledgment(
            waiting=replace(WAITING, acknowledge_by=by),
            reply_to=REPLY_TO,
            zone=NEW_YORK,
            rule="daily-cap",
        )
    )
    assert "Acknowledge by: Friday, 3 July 2026 at 12:30 (New York time)" in task
    assert "rule: daily-cap" in task
    waits = plain_text(
        staff_texts.triage("It waits.", received_at=ARRIVED, due_at=by, zone=NEW_YORK)
    )
    assert "File it by: Friday, 3 July 2026 at 12:30 (New York time)" in waits


def test_each_rung_of_the_ladder_has_its_words() -> None:
    def told(lead: str) -> str:
        return plain_text(
            staff_texts.reminder(lead, waiting=WAITING, reply_to=REPLY_TO, zone=NEW_YORK)
        )

    near = staff_texts.near("Clara Client", "answer")
    passed = staff_texts.target_passed("Clara Client", "answer", client_told=True)
    broken = staff_texts.broken("Clara Client", "acknowledgment", PROMISE.limit_at, NEW_YORK)
    raised = staff_texts.raised("Clara Client", "answer", "Ana Ruiz", 1)
    assert "still waits for an answer" in told(near)
    assert "Clara Client has been told that it takes longer" in told(passed)
    assert "no acknowledgment by Tuesday, 7 July 2026 at 16:30 (New York time)" in told(broken)
    assert "still has no answer from Ana Ruiz" in told(raised)
    assert "Answer (meets the clock): reply+a@firm.test" in told(raised)
