"""Who must act is reminded of a deadline on working days before it, each step once; what was moved,
called off or closed reminds nobody, and nobody is reminded of what is past."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import FIRM_ID, Sealed
from shared.contracts.intake import (
    InformationProvided,
    InformationRequested,
    InformationWaived,
)
from shared.contracts.matters import AbsencePlanned, DeadlineScheduled, MatterClosed
from shared.contracts.sla_monitor import (
    ClockMet,
    DeadlineBreached,
    DeadlineReminderDue,
    DeadlineWarned,
    EscalationRaised,
    InformationDue,
)
from shared.ids import new_id
from sla_monitor import deadlines
from sla_monitor.calendar import Span, WorkingCalendar
from sla_monitor.stepping import steps_back

World = Any  # the fixture's own class; see conftest.py
NEW_YORK = ZoneInfo("America/New_York")
DAY = timedelta(days=1)
NINE_TO_FIVE = (Span(9 * 60, 17 * 60),)
OFFICE = WorkingCalendar(
    time_zone="America/New_York",
    weekly=(NINE_TO_FIVE,) * 5 + ((),) * 2,
    holidays=((date(2027, 7, 5), "Independence Day (observed)"),),
)
SEALED = Sealed(
    owner=FIRM_ID, key_version=1, content_id=FIRM_ID, kind="x", field="x", box="", commitment=""
)


def local(instant: str) -> datetime:
    return datetime.fromisoformat(instant).replace(tzinfo=NEW_YORK).astimezone(UTC)


DUE = local("2027-07-08T17:00")  # a Thursday, in the week of the holiday


@given(
    st.integers(1_800_000_000, 1_860_000_000),
    st.sets(st.integers(1, 30), min_size=1, max_size=5),
)
def test_each_step_begins_a_working_day_and_so_many_lie_between(at: int, steps: set[int]) -> None:
    due_at = datetime.fromtimestamp(at, UTC)
    found = steps_back(OFFICE, due_at, steps)
    assert [one.working_days for one in found] == sorted(steps, reverse=True)
    due_on = due_at.astimezone(NEW_YORK).date()
    for step in found:
        shown = step.at.astimezone(NEW_YORK)
        assert (shown.time(), bool(OFFICE.on(shown.date())[0])) == (time(9), True)
        days = [shown.date() + DAY * ahead for ahead in range((due_on - shown.date()).days)]
        assert sum(bool(OFFICE.on(day)[0]) for day in days) == step.working_days


@pytest.mark.parametrize(
    ("due", "one_day_before"),
    [
        ("2027-07-06T10:00", "2027-07-02T09:00"),  # a holiday Monday and a weekend between
        ("2027-07-08T00:00", "2027-07-07T09:00"),  # due as the day begins
        ("2027-03-15T12:00", "2027-03-12T09:00"),  # the clocks go forward between
        ("2027-11-08T12:00", "2027-11-05T09:00"),  # and back
    ],
)
def test_holidays_weekends_and_changes_of_the_clocks_are_stepped_over(
    due: str, one_day_before: str
) -> None:
    (step,) = steps_back(OFFICE, local(due), [1])
    assert step.at == local(one_day_before)


@pytest.fixture
async def world(world: World) -> World:
    world.matter_id = new_id()
    closed = [{"date": "2027-07-05", "name": "Independence Day (observed)"}]
    await world.hear(world.firm_changed(await world.publish_calendar(holidays=closed)))
    return world


def scheduled(world: World, due_at: datetime = DUE, **more: Any) -> DeadlineScheduled:
    facts = {"deadline_id": new_id(), "matter_id": world.matter_id, "title": SEALED} | more
    return DeadlineScheduled(client_id=world.client_id, due_at=due_at, **facts)


async def remind(world: World, at: datetime) -> None:
    async with world.db.transaction() as session:
        await deadlines.remind(session, at, 100)


async def told(world: World) -> list[tuple[int, int]]:
    return [(one.revision, one.working_days) for one in await world.told(DeadlineReminderDue)]


STEPS = {
    10: "2027-06-23T09:00",
    5: "2027-06-30T09:00",
    2: "2027-07-06T09:00",
    1: "2027-07-07T09:00",
}


async def test_each_step_is_told_once_at_its_instant_to_the_point_of_contact(
    world: World,
) -> None:
    contact = new_id()
    await world.hear(world.staff(contact), world.contact(contact, DUE - 300 * DAY))
    event = scheduled(world)
    await world.hear(event, event)
    for count, at in enumerate(STEPS.values()):
        await remind(world, local(at) - timedelta(seconds=1))
        assert len(await told(world)) == count
        await remind(world, local(at))
        await remind(world, local(at))
    assert await told(world) == [(1, days) for days in STEPS]
    (first, *_) = await world.told(DeadlineReminderDue)
    assert (first.staff_id, first.due_at) == (contact, DUE)
    assert first.remind_at == local(STEPS[10])


async def test_who_covers_the_point_of_contact_that_day_is_named(world: World) -> None:
    contact, cover = new_id(), new_id()
    away = AbsencePlanned(
        absence_id=new_id(),
        staff_id=contact,
        stand_in_id=cover,
        from_at=local("2027-07-06T00:00"),
        until_at=local("2027-07-07T00:00"),
    )
    assigned = world.contact(contact, DUE - 300 * DAY)
    await world.hear(world.staff(contact), world.staff(cover), assigned, away, scheduled(world))
    for at in STEPS.values():
        await remind(world, local(at))
    named = [one.staff_id for one in await world.told(DeadlineReminderDue)]
    assert named == [contact, contact, cover, contact]


async def test_a_deadline_that_moves_is_counted_anew_and_its_old_steps_are_not_taken(
    world: World,
) -> None:
    event = scheduled(world)
    await world.hear(event)
    await remind(world, local(STEPS[10]))
    moved = event.model_copy(update={"revision": 2, "due_at": local("2027-09-02T12:00")})
    await world.hear(moved, event)
    await remind(world, DUE)
    assert await told(world) == [(1, 10)]
    await remind(world, local("2027-08-19T09:00"))
    assert await told(world) == [(1, 10), (2, 10)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_in_whatever_order_its_revisions_are_heard_the_newest_counts(
    world: World, order: tuple[int, ...]
) -> None:
    event = scheduled(world)
    later = event.model_copy(update={"revision": 2, "due_at": local("2027-09-02T12:00")})
    off = event.model_copy(update={"revision": 3, "cancelled": True})
    for number in order:
        await world.hear((event, later, off)[number])
    await remind(world, local("2027-09-01T12:00"))
    assert await told(world) == []


async def test_a_closed_matter_reminds_of_nothing(world: World) -> None:
    closed = MatterClosed(
        matter_id=world.matter_id,
        client_id=world.client_id,
        closed_at=DUE - 30 * DAY,
        closed_by=new_id(),
        reason=SEALED,
    )
    await world.hear(scheduled(world), closed)
    await remind(world, local(STEPS[1]))
    assert await told(world) == []


async def test_who_sets_a_deadline_late_is_not_reminded_of_the_past(world: World) -> None:
    now = datetime.now(UTC)
    await world.hear(scheduled(world, now + timedelta(minutes=5)))
    await remind(world, now + timedelta(minutes=1))
    assert await told(world) == []


async def test_after_an_outage_one_reminder_is_enough_and_none_of_what_is_over(
    world: World,
) -> None:
    await world.hear(scheduled(world))
    await remind(world, local(STEPS[2]))
    assert await told(world) == [(1, 2)], "ten and five days before it the platform was away"
    await remind(world, DUE)
    assert await told(world) == [(1, 2)]


async def test_a_crash_before_the_commit_tells_nothing_and_the_next_look_tells_once(
    world: World,
) -> None:
    await world.hear(scheduled(world))
    with pytest.raises(RuntimeError, match="died"):
        async with world.db.transaction() as session:
            await deadlines.remind(session, local(STEPS[10]), 100)
            raise RuntimeError("died")
    assert await told(world) == []
    await asyncio.gather(*(remind(world, local(STEPS[10])) for _ in range(4)))
    assert await told(world) == [(1, 10)], "of four replicas one tells it"


async def test_a_new_holiday_moves_the_steps_that_are_still_to_come(world: World) -> None:
    await world.hear(scheduled(world))
    await remind(world, local(STEPS[10]))
    closed = [{"date": f"2027-07-0{day}", "name": "Closed"} for day in (5, 7)]
    calendar = await world.publish_calendar(holidays=closed)
    await world.hear(world.firm_changed(calendar, revision=2))
    async with world.db.transaction() as session:
        assert await deadlines.replan_stale(session) == 1
        assert await deadlines.replan_stale(session) == 0
    await remind(world, local("2027-07-02T09:00") - timedelta(seconds=1))
    await remind(world, local("2027-07-02T09:00"))
    await remind(world, local("2027-07-06T09:00"))
    assert await told(world) == [(1, 10), (1, 5), (1, 2), (1, 1)]


def asked(world: World, due_at: datetime, **more: Any) -> InformationRequested:
    facts = {"request_id": new_id(), "items": (new_id(), new_id()), "asked": SEALED} | more
    return InformationRequested(
        client_id=world.client_id,
        checklist="family",
        checklist_version=1,
        requested_by=new_id(),
        requested_at=due_at - 14 * DAY,
        due_at=due_at,
        **facts,
    )


def brought(event: InformationRequested, item: UUID, at: datetime, complete: bool) -> (
    InformationProvided
):  # fmt: skip
    return InformationProvided(
        request_id=event.request_id,
        item_id=item,
        client_id=event.client_id,
        provided_at=at,
        complete=complete,
    )


async def test_what_a_client_was_asked_for_is_due_warned_of_and_breached_once(
    world: World,
) -> None:
    event = asked(world, DUE)
    await world.hear(event, event)
    (due,) = await world.told(InformationDue)
    assert (due.request_id, due.matter_id, due.limit_at) == (event.request_id, None, DUE)
    await world.hear(brought(event, event.items[0], DUE - 10 * DAY, complete=False))
    for _ in range(2):
        await world.fire(DUE + DAY)
    assert [one.threshold for one in await world.told(DeadlineWarned)] == ["PT72H"]
    (breached,) = await world.told(DeadlineBreached)
    assert (breached.kind, breached.conversation_id) == ("information", event.request_id)
    assert await world.told(EscalationRaised) == [], "nobody stands above a client"


@pytest.mark.parametrize("last", ["brought", "waived"])
async def test_the_last_item_that_is_brought_or_waived_ends_it(world: World, last: str) -> None:
    event = asked(world, DUE)
    waived = InformationWaived(
        request_id=event.request_id,
        item_id=event.items[1],
        client_id=event.client_id,
        reasons=SEALED,
        waived_by=new_id(),
        waived_at=DUE - DAY,
        complete=True,
    )
    provided = brought(event, event.items[1], DUE - DAY, complete=True)
    await world.hear(event, provided if last == "brought" else waived)
    (met,) = await world.told(ClockMet)
    assert (met.kind, met.met_at, met.late) == ("information", DUE - DAY, False)
    await world.fire(DUE + DAY)
    assert await world.told(DeadlineBreached) == []


async def test_nobody_is_reminded_of_what_was_met(world: World) -> None:
    first = scheduled(world)
    met = first.model_copy(update={"revision": 2, "met_at": DUE - 10 * DAY})
    await world.hear(first, met, first)
    await remind(world, DUE - timedelta(hours=1))
    assert await told(world) == []


async def test_after_an_outage_one_reminder_is_told_however_small_the_batches(
    world: World,
) -> None:
    await world.hear(scheduled(world))
    for _ in range(5):
        async with world.db.transaction() as session:
            await deadlines.remind(session, DUE - timedelta(hours=1), 1)
    ((_, nearest),) = await told(world)
    assert nearest == min(STEPS)
