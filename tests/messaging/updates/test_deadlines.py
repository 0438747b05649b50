"""Who must act reads what is due and when, once a step; nobody is reminded of what was moved,
called off or is over. What a client has not brought, staff hear; the client hears it of intake."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, sealing
from shared.contracts.matters import AbsencePlanned, DeadlineScheduled
from shared.contracts.sla_monitor import DeadlineBreached, DeadlineReminderDue, DeadlineWarned
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

ANA, ROBERT = "ana@firm.test", "robert@firm.test"
DAY = timedelta(days=1)


@asynccontextmanager
async def a_firm(platform: Platform, boxes: Mailboxes) -> AsyncIterator[tuple[Running, People]]:
    people = People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port)
        async with running(way_out, settings) as service:
            await known_firm(service.runtime, people)
            await known_client(service.runtime, people)
            yield service, people


def scheduled(service: Running, people: People, **facts: Any) -> DeadlineScheduled:
    key, deadline_id = service.runtime.keys.key(people.clara), new_id()
    title = sealing.seal(key, deadline_id, "deadline", "words", b"File the reply brief")
    given = {"deadline_id": deadline_id, "title": title, "due_at": clock.now() + 2 * DAY}
    of = {"matter_id": people.matter, "client_id": people.clara}
    return DeadlineScheduled(**(given | of | facts))


def owed(event: DeadlineScheduled, people: People, **facts: Any) -> DeadlineReminderDue:
    of = event.model_dump(include={"deadline_id", "revision", "matter_id", "client_id", "due_at"})
    more = {"working_days": 2, "remind_at": clock.now(), "time_zone": "America/New_York"}
    return DeadlineReminderDue(
        **(of | more | {"calendar_version": 1, "staff_id": people.ana} | facts)
    )


async def mails(boxes: Mailboxes, address: str, count: int) -> Any:
    async def look() -> Any:
        return boxes.of(address)

    return await eventually(look, lambda found: len(found) == count)


async def test_who_must_act_reads_what_is_due_and_when_once_a_step(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = scheduled(service, people)
        await hear(service.runtime, event)
        for days in (2, 2, 1):
            await hear(service.runtime, owed(event, people, working_days=days))
        first, last = await mails(boxes, ANA, 2)
        assert first["Subject"].startswith("2 working days to a deadline in 2026-0042")
        assert "File the reply brief" in text_of(first)
        assert last["Subject"].startswith("one working day")
        notified = await eventually(lambda: told(service.runtime, "StaffNotified"))
        assert {one["about"] for one in notified} == {"deadline"}
        stored = await rows_of(service.runtime, "SELECT title::text FROM deadlines")
        assert "reply" not in str(stored)


async def test_a_reminder_heard_before_its_deadline_waits_for_it(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        first = scheduled(service, people)
        moved = first.model_copy(update={"revision": 2, "due_at": clock.now() + 3 * DAY})
        await hear(service.runtime, owed(moved, people))
        await hear(service.runtime, first)
        await asyncio.sleep(1.5)
        assert boxes.kept == [], "it is of a later revision than is known here"
        await hear(service.runtime, moved)
        await mails(boxes, ANA, 1)


@pytest.mark.parametrize("meanwhile", ["moved", "called off", "over"])
async def test_what_was_moved_called_off_or_is_over_reminds_nobody(
    platform: Platform, meanwhile: str
) -> None:
    boxes = Mailboxes()
    changes: dict[str, dict[str, Any]] = {
        "moved": {"revision": 2, "due_at": clock.now() + 9 * DAY},
        "called off": {"revision": 2, "cancelled": True},
        "over": {"revision": 1, "due_at": clock.now() - DAY},
    }
    async with a_firm(platform, boxes) as (service, people):
        first = scheduled(service, people)
        changed = first.model_copy(update=changes[meanwhile])
        await hear(service.runtime, changed)
        await hear(service.runtime, first)
        await hear(service.runtime, owed(first, people))
        assert await rows_of(service.runtime, "SELECT 1 FROM outbound_messages") == []
        assert await rows_of(service.runtime, "SELECT 1 FROM postponed_events") == []


async def test_who_covers_is_reminded_in_place_of_who_is_away(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = scheduled(service, people)
        away = AbsencePlanned(
            absence_id=new_id(),
            staff_id=people.ana,
            stand_in_id=people.robert,
            from_at=clock.now() - DAY,
            until_at=clock.now() + DAY,
        )
        for fact in (event, away, owed(event, people)):
            await hear(service.runtime, fact)
        await mails(boxes, ROBERT, 1)
        assert boxes.of(ANA) == []


async def test_staff_hear_what_a_client_has_not_brought_and_the_client_hears_it_of_intake(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        now, request = clock.now(), new_id()
        of_clock = {
            "clock_id": new_id(),
            "kind": "information",
            "conversation_id": request,
            "client_id": people.clara,
            "message_ids": (),
            "staff_id": people.ana,
            "detected_at": now,
            "due_at": now,
        }
        near = {"threshold": "PT72H", "target_at": now + DAY, "limit_at": now + DAY}
        await hear(service.runtime, DeadlineWarned(**of_clock, **near))
        assert await rows_of(service.runtime, "SELECT 1 FROM outbound_messages") == []
        for _ in range(2):
            await hear(service.runtime, DeadlineBreached(**of_clock, policy_version=1))
        (mail,) = await mails(boxes, ANA, 1)
        assert mail["Subject"] == "Overdue: what Clara Client was asked for"
        assert boxes.of("clara@clients.test") == []
