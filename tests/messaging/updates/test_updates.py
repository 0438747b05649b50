"""What matters tells a client arrives: an update once, with its report; a handover; a reminder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from shared import clock, sealing
from shared.contracts import Sealed
from shared.contracts.matters import PointOfContactAssigned, ProgressUpdateApproved
from shared.contracts.messaging import MessageSent
from shared.contracts.sla_monitor import DeadlineBreached, DeadlineWarned, EscalationRaised
from shared.ids import new_id
from support.correspondence import (
    People,
    hear,
    known_client,
    known_firm,
    rows_of,
    settings_for,
    told,
    way_out,
)
from support.mailboxes import Mailboxes, mail_server, text_of
from support.platform import Platform
from support.running import Running, running
from support.waiting import eventually

CLARA, ANA, ROBERT = "clara@clients.test", "ana@firm.test", "robert@firm.test"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40


@asynccontextmanager
async def a_firm(platform: Platform, boxes: Mailboxes) -> AsyncIterator[tuple[Running, People]]:
    people = People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port)
        async with running(way_out, settings) as service:
            await known_firm(service.runtime, people)
            await known_client(service.runtime, people)
            yield service, people


async def mail_to(boxes: Mailboxes, address: str, count: int = 1) -> list[EmailMessage]:
    async def look() -> list[EmailMessage]:
        return boxes.of(address)

    return await eventually(look, lambda found: len(found) == count)


async def approved(service: Running, people: People) -> ProgressUpdateApproved:
    await service.runtime.keys.hold(people.clara, create=True)
    update_id = new_id()

    def sealed(name: str, words: bytes) -> Sealed:
        return sealing.seal(
            service.runtime.keys.key(people.clara), update_id, "update", name, words
        )

    return ProgressUpdateApproved(
        update_id=update_id,
        matter_id=people.matter,
        client_id=people.clara,
        about="milestone",
        subject_text=sealed("subject", b"The contract is signed"),
        body=sealed("body", "Dear Clara,\n\nit is signed – at last.".encode()),
        report=sealed("report", PDF),
        approved_by=people.ana,
        approved_at=clock.now(),
    )


def clock_fact(people: People, kind: str, **more: Any) -> dict[str, Any]:
    of = {"clock_id": new_id(), "kind": kind, "client_id": people.clara, "message_ids": ()}
    return of | {"conversation_id": people.matter, "matter_id": people.matter} | more


async def test_an_approved_update_is_one_mail_with_its_report_and_told_as_sent(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = await approved(service, people)
        await hear(service.runtime, event)
        await hear(service.runtime, event)
        (mail,) = await mail_to(boxes, CLARA)
        assert mail["Subject"] == "The contract is signed"
        assert "it is signed – at last." in text_of(mail)
        (enclosed,) = mail.iter_attachments()
        assert (enclosed.get_filename(), enclosed.get_content()) == ("report.pdf", PDF)
        assert mail["Auto-Submitted"] is None, "a person approved these words"
        (facts,) = await eventually(lambda: told(service.runtime, "MessageSent"))
        sent = MessageSent.model_validate(facts)
        assert (sent.message_id, sent.kind, sent.automatic) == (event.update_id, "update", False)
        assert (sent.matter_id, sent.staff_id, sent.answers) == (people.matter, people.ana, ())


async def test_an_update_of_a_matter_not_yet_heard_of_waits_and_leaves_then(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        move = "UPDATE matters SET matter_id = '{}' WHERE matter_id = '{}' RETURNING 1"
        elsewhere = new_id()
        await rows_of(service.runtime, move.format(elsewhere, people.matter))
        await hear(service.runtime, await approved(service, people))
        assert boxes.of(CLARA) == []
        await rows_of(service.runtime, move.format(people.matter, elsewhere))
        await mail_to(boxes, CLARA)


async def test_a_client_hears_of_a_handover_and_not_of_the_first_contact(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        first = PointOfContactAssigned(
            assignment_id=new_id(),
            client_id=people.clara,
            matter_id=people.matter,
            staff_id=people.ana,
            from_at=clock.now(),
        )
        other = {"assignment_id": new_id(), "staff_id": people.robert, "replaces": people.ana}
        handover = first.model_copy(update=other)
        for event in (first, handover, handover):
            await hear(service.runtime, event)
        (mail,) = await mail_to(boxes, CLARA)
        assert "Your point of contact" in mail["Subject"]
        words = " ".join(text_of(mail).split())
        assert "Robert" in words
        assert "in place of Ana" in words
        assert mail["Auto-Submitted"] == "auto-generated"


async def test_silence_is_told_to_who_must_act_and_a_decision_to_the_client(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        soon = clock.now() + timedelta(days=2)
        dues = {"detected_at": clock.now(), "target_at": soon, "limit_at": soon}
        warned = clock_fact(people, "update", threshold="PT48H", due_at=soon, staff_id=people.ana)
        await hear(service.runtime, DeadlineWarned(**warned, **dues))
        (reminder,) = await mail_to(boxes, ANA)
        assert "is to hear" in reminder["Subject"]
        late = {"due_at": clock.now(), "detected_at": clock.now(), "policy_version": 1}
        breached = clock_fact(people, "update", staff_id=people.ana)
        await hear(service.runtime, DeadlineBreached(**breached, **late))
        raised = {"step": 0, "role": "supervisor", "raised_at": clock.now(), "due_at": soon}
        escalated = clock_fact(people, "update", staff_id=people.robert)
        await hear(service.runtime, EscalationRaised(**escalated, **raised))
        await mail_to(boxes, ANA, 2)
        await mail_to(boxes, ROBERT)
        assert boxes.of(CLARA) == []
        asked = clock_fact(people, "decision", threshold="PT24H", due_at=soon)
        await hear(service.runtime, DeadlineWarned(**asked, **dues))
        await hear(service.runtime, DeadlineWarned(**asked, **dues))
        (mail,) = await mail_to(boxes, CLARA)
        assert "decision" in mail["Subject"]
        notified = await told(service.runtime, "StaffNotified")
        assert sorted(one["about"] for one in notified) == ["breach", "escalation", "warning"]
