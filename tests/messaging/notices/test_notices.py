"""Time that passes, as mails: who hears of it, once, and what the client hears before the limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from messaging.conversations.models import Message
from shared import clock
from shared.contracts.sla_monitor import (
    ClockFact,
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
    ResponseDue,
    TriageDue,
)
from shared.ids import new_id
from support.correspondence import (
    People,
    acknowledgment_due,
    client_writes,
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


@asynccontextmanager
async def a_firm(
    platform: Platform, boxes: Mailboxes, **overrides: Any
) -> AsyncIterator[tuple[Running, People]]:
    people = People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port, **overrides)
        async with running(way_out, settings) as service:
            await known_firm(service.runtime, people)
            await known_client(service.runtime, people)
            yield service, people


async def mail_to(boxes: Mailboxes, address: str, count: int = 1) -> list[EmailMessage]:
    async def look() -> list[EmailMessage]:
        return boxes.of(address)

    return await eventually(look, lambda mails: len(mails) >= count)


def of_clock(people: People, message: Message, clock_id: UUID, kind: str) -> dict[str, Any]:
    return {
        "clock_id": clock_id,
        "kind": kind,
        "conversation_id": message.conversation_id,
        "client_id": people.clara,
        "matter_id": people.matter,
        "message_ids": (message.message_id,),
    }


def warned(
    people: People, message: Message, threshold: str, *, kind: str = "response", **facts: Any
) -> DeadlineWarned:
    now = clock.now()
    return DeadlineWarned(
        **{
            **of_clock(people, message, new_id(), kind),
            "threshold": threshold,
            "due_at": now,
            "detected_at": now,
            "target_at": now if threshold == "target" else now + timedelta(hours=2),
            "limit_at": now + timedelta(hours=24),
            **facts,
        }
    )


def breached(people: People, message: Message, **facts: Any) -> DeadlineBreached:
    now = clock.now()
    return DeadlineBreached(
        **{
            **of_clock(people, message, new_id(), "response"),
            "due_at": now,
            "detected_at": now,
            "policy_version": 1,
            **facts,
        }
    )


def escalated(people: People, message: Message, staff_id: UUID | None, step: int = 1) -> ClockFact:
    now = clock.now()
    return EscalationRaised(
        **of_clock(people, message, new_id(), "response"),
        step=step,
        role="supervisor",
        staff_id=staff_id,
        raised_at=now,
        due_at=now,
    )


async def test_the_contact_is_warned_before_the_target_and_the_client_hears_nothing(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        event = warned(people, message, "PT2H")
        for _ in range(2):
            await hear(service.runtime, event)
        (mail,) = await mail_to(boxes, ANA)
        (notified,) = await eventually(lambda: told(service.runtime, "StaffNotified"))
        await asyncio.sleep(0.3)
    assert mail["Subject"].startswith("Reminder: Clara Client waits for an answer")
    assert mail["Reply-To"].addresses[0].addr_spec.startswith("reply+")
    assert notified["about"] == "warning"
    assert (len(boxes.of(ANA)), boxes.of(CLARA)) == (1, [])


async def test_when_the_target_passes_the_client_is_told_why_and_until_when(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        event = warned(people, message, "target")
        for _ in range(2):
            await hear(service.runtime, event)
        (to_clara,) = await mail_to(boxes, CLARA)
        (to_ana,) = await mail_to(boxes, ANA)
        (sent,) = await eventually(lambda: told(service.runtime, "MessageSent"))
        await asyncio.sleep(0.3)
    assert to_clara["Subject"] == "Auto: Your answer will take longer"
    assert "Ana Ruiz has not been able to send the answer yet" in text_of(to_clara)
    assert "At the latest by:" in text_of(to_clara)
    assert "Clara Client has been told that it takes longer" in text_of(to_ana)
    assert (sent["kind"], sent["automatic"], sent["answers"]) == ("notice", True, [])
    assert len(boxes.of(CLARA)) == 1


async def test_the_client_is_not_told_of_a_delay_once_the_limit_is_over(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        over = clock.now() - timedelta(seconds=1)
        await hear(service.runtime, warned(people, message, "target", limit_at=over))
        (mail,) = await mail_to(boxes, ANA)
        await asyncio.sleep(0.3)
    assert "Please tell Clara Client that it takes longer" in text_of(mail)
    assert boxes.of(CLARA) == []


async def test_an_acknowledgment_that_nobody_wrote_is_a_matter_for_staff_alone(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, warned(people, message, "target", kind="acknowledgment"))
        (mail,) = await mail_to(boxes, ANA)
        await asyncio.sleep(0.3)
    assert "give Clara Client an acknowledgment" in text_of(mail)
    assert "Acknowledge by:" in text_of(mail)
    assert boxes.of(CLARA) == []


async def test_a_reminder_shows_what_the_response_clock_promises_now(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        event = warned(people, message, "PT2H")
        await hear(service.runtime, promise(people, event, "Harbour Day"))
        await hear(service.runtime, event)
        (mail,) = await mail_to(boxes, ANA)
    assert "(Harbour Day)" in text_of(mail)


def promise(people: People, event: DeadlineWarned, reason: str) -> ResponseDue:
    return ResponseDue.model_validate(
        {
            "clock_id": event.clock_id,
            "conversation_id": event.conversation_id,
            "client_id": people.clara,
            "message_ids": event.message_ids,
            "opened_at": clock.now(),
            "target_at": event.target_at,
            "limit_at": event.limit_at,
            "time_zone": "America/New_York",
            "skipped": [{"day": datetime.date(clock.now()), "reason": reason}],
            "policy_version": 1,
            "calendar_version": 1,
        }
    )


async def test_a_breach_reaches_the_contact_once(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = breached(people, await client_writes(service.runtime, people))
        for _ in range(2):
            await hear(service.runtime, event)
        (mail,) = await mail_to(boxes, ANA)
        await asyncio.sleep(0.3)
    assert mail["Subject"].startswith("Overdue: Clara Client")
    assert "promise to Clara Client was not kept" in text_of(mail)
    assert len(boxes.of(ANA)) == 1


@pytest.mark.parametrize("named", [True, False])
async def test_an_escalation_reaches_who_is_named_else_the_managing_partner(
    platform: Platform, named: bool
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, escalated(people, message, people.robert if named else None))
        (mail,) = await mail_to(boxes, ROBERT)
        await asyncio.sleep(0.3)
    assert mail["Subject"].startswith("Escalated: ")
    assert "still has no answer from Ana Ruiz" in text_of(mail)
    assert boxes.of(ANA) == []


async def strangers_mail(service: Running) -> TriageDue:
    """A quarantined message, and the clock that runs for it."""
    message_id, conversation_id, now = new_id(), new_id(), clock.now()
    async with service.runtime.db.transaction() as session:
        await session.execute(
            text("INSERT INTO conversations (conversation_id, begun_at) VALUES (:id, :now)"),
            {"id": conversation_id, "now": now},
        )
        session.add(
            Message(
                message_id=message_id,
                conversation_id=conversation_id,
                direction="inbound",
                kind="message",
                channel="email",
                received_at=now,
                owner=conversation_id,
                quarantine_reason="unknown-sender",
                sender_address="stranger@elsewhere.test",
            )
        )
    return TriageDue(
        clock_id=new_id(),
        message_id=message_id,
        conversation_id=conversation_id,
        opened_at=now,
        target_at=now + timedelta(hours=24),
        limit_at=now + timedelta(hours=24),
        policy_version=1,
        calendar_version=1,
    )


async def test_who_does_triage_hears_of_a_strangers_mail_and_nothing_of_the_stranger(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, _):
        due = await strangers_mail(service)
        for _ in range(2):
            await hear(service.runtime, due)
        (mail,) = await mail_to(boxes, ROBERT)
        (notified,) = await eventually(lambda: told(service.runtime, "StaffNotified"))
        await asyncio.sleep(0.3)
    assert mail["Subject"] == "A message waits in triage"
    assert "stranger" not in mail.as_string()
    assert mail["Reply-To"] is None
    assert (notified["about"], notified["client_id"]) == ("triage", None)
    assert {one.rcpt_tos[0] for one in boxes.kept} == {ROBERT}
    assert len(boxes.kept) == 1


async def test_triage_that_is_late_is_told_too(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        due = await strangers_mail(service)
        facts = {
            "clock_id": due.clock_id,
            "kind": "triage",
            "conversation_id": due.conversation_id,
            "message_ids": (due.message_id,),
        }
        now = clock.now()
        times = {"due_at": now, "detected_at": now}
        limits = {"target_at": now, "limit_at": now}
        await hear(service.runtime, DeadlineWarned(**facts, **times, **limits, threshold="PT2H"))
        await hear(service.runtime, DeadlineBreached(**facts, **times, policy_version=1))
        await hear(
            service.runtime,
            EscalationRaised(
                **facts, step=1, role="", staff_id=people.ana, raised_at=now, due_at=now
            ),
        )
        await mail_to(boxes, ROBERT, 2)
        (to_ana,) = await mail_to(boxes, ANA)
    assert "comes to you (step 1 of the ladder)" in text_of(to_ana)


async def test_a_setting_says_who_does_triage(platform: Platform) -> None:
    boxes, people = Mailboxes(), People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port, messaging_triage_staff_id=people.ana)
        async with running(way_out, settings) as service:
            await known_firm(service.runtime, people)
            await hear(service.runtime, await strangers_mail(service))
            await mail_to(boxes, ANA)


async def test_a_notice_that_is_refused_reaches_whoever_stands_above(platform: Platform) -> None:
    boxes = Mailboxes(unknown=frozenset({ANA}))
    async with a_firm(platform, boxes) as (service, people):
        await hear(service.runtime, breached(people, await client_writes(service.runtime, people)))
        (mail,) = await mail_to(boxes, ROBERT)
    assert "A notice to Ana Ruiz could not be delivered" in text_of(mail)


async def test_notices_of_a_conversation_hang_together(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, message))
        await hear(service.runtime, breached(people, message))
        first, second = await mail_to(boxes, ANA, 2)
    assert first["References"] == second["References"] == f"<{people.conversation}@firm.test>"


async def test_an_escalation_to_somebody_not_known_yet_waits_for_them(platform: Platform) -> None:
    boxes, unknown = Mailboxes(), new_id()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, escalated(people, message, unknown))
        assert len(await rows_of(service.runtime, "SELECT * FROM postponed_events")) == 1
        async with service.runtime.db.transaction() as session:
            await session.execute(
                text("UPDATE staff SET staff_id = :id WHERE email = 'robert@firm.test'"),
                {"id": unknown},
            )
            await session.execute(
                text("UPDATE staff SET supervisor_id = :id WHERE email = 'ana@firm.test'"),
                {"id": unknown},
            )
        await mail_to(boxes, ROBERT)
