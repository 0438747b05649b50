"""From what is owed to the client's mailbox, the lawyer's notice, or a person's task."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from messaging.email.automatic import is_automatic
from messaging.outbound import queries as outbound
from messaging.outbound.answers import send_to_client
from shared import clock
from shared.contracts.messaging import ManualAcknowledgmentRequested
from shared.contracts.sla_monitor import AcknowledgmentDue, ResponseDue
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
    platform: Platform, boxes: Mailboxes, *, known: bool = True, **overrides: Any
) -> AsyncIterator[tuple[Running, People]]:
    people = People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port, **overrides)
        async with running(way_out, settings) as service:
            if known:
                await known_firm(service.runtime, people)
                await known_client(service.runtime, people)
            yield service, people


async def mail_to(boxes: Mailboxes, address: str, count: int = 1) -> list[EmailMessage]:
    async def look() -> list[EmailMessage]:
        return boxes.of(address)

    return await eventually(look, lambda mails: len(mails) >= count)


async def test_a_clients_mail_is_acknowledged_in_their_thread_with_the_clocks_own_times(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        due = acknowledgment_due(people, message)
        await hear(service.runtime, due)
        (mail,) = await mail_to(boxes, CLARA)
        (event,) = await eventually(lambda: told(service.runtime, "MessageAcknowledged"))
    madrid = due.response_target_at.astimezone(ZoneInfo("Europe/Madrid"))
    text = text_of(mail)
    assert "Ana Ruiz, your point of contact at Harbour & Vale LLP" in text
    assert f"{madrid:%H:%M} (Madrid time)" in text
    assert "(Harbour Day)" in text
    assert "+1 212 555 0100" in text
    assert "hearing" not in mail.as_string()
    assert mail["In-Reply-To"] == message.message_id_header
    assert mail["References"].split() == ["<first@clients.test>", message.message_id_header]
    assert mail["Auto-Submitted"] == "auto-replied"
    assert event["covers"] == [str(message.message_id)]
    assert event["automatic"] is True


async def test_the_point_of_contact_is_told_at_once_and_can_answer_from_there(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, message))
        (notice,) = await mail_to(boxes, ANA)
        (event,) = await eventually(lambda: told(service.runtime, "StaffNotified"))
        await asyncio.sleep(0.3)
    assert notice["Subject"].startswith("Clara Client waits for an answer, due ")
    assert notice["Reply-To"].addresses[0].addr_spec.startswith("reply+")
    assert "2026-0042 Client v. Northside" in text_of(notice)
    assert "hearing" not in notice.as_string()
    assert (event["staff_id"], event["about"]) == (str(people.ana), "message")
    assert boxes.of(ROBERT) == []


async def test_the_words_are_in_the_notice_where_the_policy_allows(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, messaging_notice_bodies=True) as (service, people):
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, message))
        (notice,) = await mail_to(boxes, ANA)
    assert "> When is my hearing?" in text_of(notice)


async def test_an_urgent_message_reaches_contact_and_supervisor_together(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people, urgent=True)
        await hear(service.runtime, acknowledgment_due(people, message, urgent=True))
        (to_ana,) = await mail_to(boxes, ANA)
        (to_robert,) = await mail_to(boxes, ROBERT)
        (to_clara,) = await mail_to(boxes, CLARA)
    assert to_ana["Subject"].startswith("Urgent: Clara Client")
    assert "Ana Ruiz, the point of contact, was told at the same time" in text_of(to_robert)
    assert to_ana["Reply-To"] != to_robert["Reply-To"]
    assert "and their supervisor have been told at once" in text_of(to_clara)


async def test_the_same_event_again_changes_nothing(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        due = acknowledgment_due(people, message)
        for revision in (1, 1, 2):
            await hear(service.runtime, due.model_copy(update={"revision": revision}))
        await mail_to(boxes, CLARA)
        await asyncio.sleep(0.5)
    assert (len(boxes.of(CLARA)), len(boxes.of(ANA))) == (1, 1)


async def test_messages_within_ten_minutes_are_acknowledged_together_at_their_end(
    platform: Platform, moved_clock: Path
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, clock_offset_file=moved_clock) as (service, people):
        first = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, first))
        await mail_to(boxes, CLARA)
        later = [await client_writes(service.runtime, people) for _ in range(2)]
        for message in later:
            await hear(service.runtime, acknowledgment_due(people, message))
        await mail_to(boxes, ANA, 3)
        assert len(boxes.of(CLARA)) == 1
        moved_clock.write_text("601")
        _, grouped = await mail_to(boxes, CLARA, 2)
        events = await eventually(
            lambda: told(service.runtime, "MessageAcknowledged"), lambda all: len(all) == 2
        )
    assert "Your 2 messages arrived between" in text_of(grouped)
    assert set(events[1]["covers"]) == {str(message.message_id) for message in later}
    assert grouped["In-Reply-To"] == later[1].message_id_header


async def test_a_recomputed_clock_changes_what_a_waiting_acknowledgment_promises(
    platform: Platform, moved_clock: Path
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, clock_offset_file=moved_clock) as (service, people):
        await hear(
            service.runtime,
            acknowledgment_due(people, await client_writes(service.runtime, people)),
        )
        await mail_to(boxes, CLARA)
        due = acknowledgment_due(people, await client_writes(service.runtime, people))
        await hear(service.runtime, due)
        moved = due.response_limit_at + timedelta(days=7)
        await hear(service.runtime, later_promise(people, due, moved))
        moved_clock.write_text("601")
        _, grouped = await mail_to(boxes, CLARA, 2)
    read = moved.astimezone(ZoneInfo("Europe/Madrid"))
    assert f"{read:%A}, {read.day} {read:%B}" in text_of(grouped)


def later_promise(people: People, due: AcknowledgmentDue, limit_at: datetime) -> ResponseDue:
    """The response clock was recomputed: a holiday came between."""
    return ResponseDue(
        clock_id=due.response_clock_id,
        revision=2,
        conversation_id=people.conversation,
        client_id=people.clara,
        message_ids=(due.message_id,),
        opened_at=due.opened_at,
        target_at=due.response_target_at,
        limit_at=limit_at,
        time_zone=due.time_zone,
        policy_version=1,
        calendar_version=2,
    )


async def test_a_group_whose_promise_is_over_becomes_a_persons_task(
    platform: Platform, moved_clock: Path
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, clock_offset_file=moved_clock) as (service, people):
        for _ in range(2):
            message = await client_writes(service.runtime, people)
            await hear(service.runtime, acknowledgment_due(people, message))
        await mail_to(boxes, CLARA)
        moved_clock.write_text("300000")
        (asked,) = await eventually(lambda: told(service.runtime, "ManualAcknowledgmentRequested"))
    assert asked["rule"] == "promise-passed"
    assert len(boxes.of(CLARA)) == 1


async def test_a_group_that_a_person_answered_first_is_not_acknowledged_any_more(
    platform: Platform, moved_clock: Path
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, clock_offset_file=moved_clock) as (service, people):
        first = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, first))
        second = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, second))
        await ana_writes(service, people, "answer", (first.message_id, second.message_id))
        await mail_to(boxes, CLARA, 2)
        moved_clock.write_text("601")
        states = await eventually(
            lambda: rows_of(service.runtime, "SELECT state FROM acknowledgments"),
            lambda rows: all(row.state != "waiting" for row in rows),
        )
    assert sorted(row.state for row in states) == ["answered", "written"]
    assert len(boxes.of(CLARA)) == 2


async def ana_writes(service: Running, people: People, kind: Any, answers: Any) -> Any:
    await service.runtime.keys.hold(people.clara)
    async with service.runtime.db.transaction() as session:
        message_id = new_id()
        await send_to_client(
            session,
            message_id=message_id,
            conversation_id=people.conversation,
            client_id=people.clara,
            matter_id=None,
            kind=kind,
            staff_id=people.ana,
            subject="My hearing",
            body="Monday at nine.\nAna",
            answers=answers,
            thread=("<first@clients.test>",),
        )
    return message_id


async def test_what_a_machine_may_not_acknowledge_a_person_is_asked_to(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(
            service.runtime, people, headers=[["list-id", "<neighbours.example>"]]
        )
        await hear(service.runtime, acknowledgment_due(people, message))
        mails = await mail_to(boxes, ANA, 2)
        (event,) = await told(service.runtime, "ManualAcknowledgmentRequested")
        await asyncio.sleep(0.3)
    asked = ManualAcknowledgmentRequested.model_validate(event)
    assert (asked.rule, asked.message_id) == ("mailing-list", message.message_id)
    assert boxes.of(CLARA) == []
    (task,) = [mail for mail in mails if mail["Subject"].startswith("Please acknowledge:")]
    assert "rule: mailing-list" in text_of(task)
    assert "Acknowledge by:" in text_of(task)


async def test_an_acknowledgment_that_is_refused_for_good_becomes_a_persons_task(
    platform: Platform,
) -> None:
    boxes = Mailboxes(unknown=frozenset({CLARA}))
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, message))
        await mail_to(boxes, ANA, 2)
        (asked,) = await told(service.runtime, "ManualAcknowledgmentRequested")
        (failed,) = await told(service.runtime, "MessageFailed")
        assert await told(service.runtime, "MessageAcknowledged") == []
    assert asked["rule"] == "refused-by-their-server"
    assert failed["status"].startswith("550")


async def test_a_sender_of_whom_nothing_is_known_gets_the_constant_text(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people, authentication="unknown")
        await hear(service.runtime, acknowledgment_due(people, message))
        (mail,) = await mail_to(boxes, CLARA)
    for name in ("Clara", "Ana", "Harbour"):
        assert name not in mail.as_string()


async def test_a_portal_message_is_acknowledged_to_the_mailbox(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(
            service.runtime, people, channel="portal", envelope_from=None, authentication=None
        )
        await hear(service.runtime, acknowledgment_due(people, message))
        (mail,) = await mail_to(boxes, CLARA)
    assert mail["In-Reply-To"] is None


async def test_the_daily_number_of_automatic_mails_ends_in_a_persons_task(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, messaging_daily_cap=2) as (service, people):
        for _ in range(3):
            message = await client_writes(service.runtime, people, conversation_id=new_id())
            await hear(service.runtime, acknowledgment_due(people, message))
        await mail_to(boxes, ANA, 4)
        (asked,) = await told(service.runtime, "ManualAcknowledgmentRequested")
    assert asked["rule"] == "daily-cap"
    assert len(boxes.of(CLARA)) == 2


async def test_a_promise_that_is_over_is_not_made_by_a_machine(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        over = clock.now() - timedelta(seconds=1)
        due = acknowledgment_due(people, message, response_target_at=over, response_limit_at=over)
        await hear(service.runtime, due)
        (asked,) = await told(service.runtime, "ManualAcknowledgmentRequested")
    assert asked["rule"] == "promise-passed"


async def test_an_acknowledgment_owed_before_the_directory_knows_the_client_waits_for_it(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, known=False) as (service, people):
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, message))
        await known_firm(service.runtime, people)
        await asyncio.sleep(1.5)
        assert boxes.kept == []
        await known_client(service.runtime, people)
        await mail_to(boxes, CLARA)
        await mail_to(boxes, ANA)
        await asyncio.sleep(1.5)
        assert await rows_of(service.runtime, "SELECT * FROM postponed_events") == []
    assert (len(boxes.of(CLARA)), len(boxes.of(ANA))) == (1, 1)


async def test_two_machines_that_answer_each_other_end_after_one_exchange(
    platform: Platform,
) -> None:
    """Our acknowledgment is answered by an autoresponder that marks nothing, at once."""
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        first = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, first))
        (ours,) = await mail_to(boxes, CLARA)
        await eventually(lambda: told(service.runtime, "MessageAcknowledged"))
        assert is_automatic(list(ours.items()))  # a polite machine stops here
        async with service.runtime.db.transaction() as session:
            sent = await outbound.automatic_sent_at(session, ours["Message-ID"])
        assert sent is not None
        after = clock.now() - sent
        assert is_automatic([], answered_after=after)  # so the door opens no clock; and if it did:
        theirs = await client_writes(service.runtime, people, answered_after=after.total_seconds())
        await hear(service.runtime, acknowledgment_due(people, theirs))
        (asked,) = await told(service.runtime, "ManualAcknowledgmentRequested")
        await asyncio.sleep(0.3)
    assert asked["rule"] == "machine-answer"
    assert len(boxes.of(CLARA)) == 1


async def test_a_persons_acknowledgment_is_told_as_theirs(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        await ana_writes(service, people, "acknowledgment", (message.message_id,))
        (event,) = await eventually(lambda: told(service.runtime, "MessageAcknowledged"))
        async with service.runtime.db.transaction() as session:
            acknowledged = await outbound.acknowledged_at(session, [message.message_id])
            answered = await outbound.answered_at(session, [message.message_id])
    assert (event["automatic"], event["staff_id"]) == (False, str(people.ana))
    assert list(acknowledged) == [message.message_id]
    assert answered == {}


async def test_a_persons_answer_reaches_the_client_as_a_persons_mail(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        message = await client_writes(service.runtime, people)
        message_id = await ana_writes(service, people, "answer", (message.message_id,))
        (mail,) = await mail_to(boxes, CLARA)
        (event,) = await eventually(lambda: told(service.runtime, "MessageSent"))
        async with service.runtime.db.transaction() as session:
            answered = await outbound.answered_at(session, [message.message_id])
            threads = await outbound.conversations_of(session, [mail["Message-ID"], "<x@y>"])
            (delivery,) = (await outbound.deliveries(session, [message_id])).values()
    assert mail["Message-ID"] == f"<{message_id}@firm.test>"
    assert mail["In-Reply-To"] == "<first@clients.test>"
    assert mail["Auto-Submitted"] is None
    assert mail.get_content() == "Monday at nine.\nAna\n"
    assert boxes.kept[0].mail_from.startswith("bounce+")
    assert (event["kind"], event["answers"]) == ("answer", [str(message.message_id)])
    assert answered == {message.message_id: delivery.accepted_at}
    assert threads == {mail["Message-ID"]: people.conversation}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_the_highest_revision_of_a_promise_counts(
    platform: Platform, order: tuple[int, int]
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        now = clock.now()
        due = ResponseDue(
            clock_id=new_id(),
            conversation_id=people.conversation,
            client_id=people.clara,
            message_ids=(new_id(),),
            opened_at=now,
            target_at=now,
            limit_at=now,
            time_zone="America/New_York",
            policy_version=1,
            calendar_version=1,
        )
        for revision in order:
            limit = now + timedelta(hours=revision)
            change = {"revision": revision, "limit_at": limit}
            await hear(service.runtime, due.model_copy(update=change))
        (row,) = await rows_of(service.runtime, "SELECT * FROM response_promises")
    assert (row.revision, row.limit_at) == (2, now + timedelta(hours=2))
