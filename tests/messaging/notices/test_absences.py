"""While a point of contact is away, whoever covers them is told instead, can answer and may read;
also when that changes while a notice waits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from messaging.directory import queries as directory
from messaging.directory.models import Staff
from shared import clock
from shared.contracts.matters import AbsencePlanned
from shared.contracts.sla_monitor import DeadlineWarned
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

DAY = timedelta(days=1)


@asynccontextmanager
async def a_firm(
    platform: Platform, boxes: Mailboxes
) -> AsyncIterator[tuple[Running, People, UUID]]:
    """The firm, and Berta, who covers for others."""
    people, berta = People(), new_id()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port)
        async with running(way_out, settings) as service:
            await known_firm(service.runtime, people)
            async with service.runtime.db.transaction() as session:
                named = {"name": "Berta Baum", "email": "berta@firm.test", "role": "attorney"}
                session.add(Staff(staff_id=berta, **named))
            yield service, people, berta


def absence(who: UUID, cover: UUID, absence_id: UUID | None = None, **facts: Any) -> AbsencePlanned:
    planned = {
        "absence_id": absence_id or new_id(),
        "staff_id": who,
        "stand_in_id": cover,
        "from_at": clock.now() - DAY,
        "until_at": clock.now() + DAY,
    }
    return AbsencePlanned(**(planned | facts))


async def told_about(service: Running, about: str, count: int = 1) -> list[str]:
    """Who was told, once that many were."""

    async def look() -> list[str]:
        all_told = await told(service.runtime, "StaffNotified")
        return [one["staff_id"] for one in all_told if one["about"] == about]

    return await eventually(look, lambda found: len(found) >= count)


async def test_who_covers_hears_of_the_message_and_for_whom_they_act(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people, berta):
        await known_client(service.runtime, people)
        await hear(service.runtime, absence(people.ana, berta))
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, message))
        assert await told_about(service, "message") == [str(berta)]
        (notice,) = boxes.of("berta@firm.test")
        assert "Ana Ruiz is away, Berta Baum acts" in text_of(notice)
        (acknowledged,) = await eventually(lambda: _of(boxes, "clara@clients.test"))
        assert "Berta Baum reads it" in " ".join(text_of(acknowledged).split())
        async with service.runtime.db.transaction() as session:
            assert people.clara in await directory.clients_of(session, berta)
    assert boxes.of("ana@firm.test") == []


async def _of(boxes: Mailboxes, address: str) -> Any:
    return boxes.of(address)


async def test_a_cover_that_changes_while_a_notice_waits_is_the_one_who_hears(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people, berta):
        planned = absence(people.ana, berta)
        await hear(service.runtime, planned)
        await service.runtime.keys.hold(people.clara, create=True)
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, message))
        assert await rows_of(service.runtime, "SELECT 1 FROM postponed_events") != []
        changed = {"stand_in_id": people.robert, "revision": 2}
        await hear(service.runtime, planned.model_copy(update=changed))
        await known_client(service.runtime, people)
        assert await told_about(service, "message") == [str(people.robert)]
    assert boxes.of("berta@firm.test") == boxes.of("ana@firm.test") == []


async def test_a_warning_for_somebody_who_left_meanwhile_goes_to_who_covers(
    platform: Platform,
) -> None:
    """sla-monitor named Ana before it heard of her absence; two topics travel apart."""
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people, berta):
        await known_client(service.runtime, people)
        await hear(service.runtime, absence(people.ana, berta))
        message = await client_writes(service.runtime, people)
        warned = DeadlineWarned(
            clock_id=new_id(),
            kind="response",
            conversation_id=message.conversation_id,
            client_id=people.clara,
            matter_id=people.matter,
            message_ids=(message.message_id,),
            threshold="PT2H",
            due_at=clock.now(),
            detected_at=clock.now(),
            target_at=clock.now() + DAY,
            limit_at=clock.now() + 2 * DAY,
            staff_id=people.ana,
        )
        await hear(service.runtime, warned)
        await hear(service.runtime, warned)
        assert await told_about(service, "warning") == [str(berta)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_an_absence_that_is_moved_and_called_off_ends_as_it_was_told_last(
    platform: Platform, order: tuple[int, ...]
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people, berta):
        first = absence(people.ana, berta)
        later = {"revision": 2, "from_at": clock.now() + DAY, "until_at": clock.now() + 2 * DAY}
        moved = first.model_copy(update=later)
        off = first.model_copy(update={"revision": 3, "cancelled": True})
        for number in order:
            await hear(service.runtime, (first, moved, off)[number])
        async with service.runtime.db.transaction() as session:
            acts = await directory.acting(session, people.ana, clock.now())
            assert acts == await directory.acting(session, people.ana, clock.now() + DAY * 1.5)
        assert acts == people.ana
