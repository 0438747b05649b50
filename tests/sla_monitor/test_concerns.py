"""The clock of a billing concern: it runs from when the client raised it, and only an answer meets
it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from shared.contracts import FIRM_ID, Sealed
from shared.contracts.billing import (
    BillingConcernAnswered,
    BillingConcernRaised,
    BillingConcernResolved,
)
from shared.contracts.sla_monitor import (
    ClockMet,
    ConcernDue,
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
)
from shared.ids import new_id

World = Any  # the fixture's own class; see conftest.py
MONDAY = datetime(2026, 7, 13, 14, tzinfo=UTC)
A_DAY = timedelta(days=1)


def sealed() -> Sealed:
    return Sealed(
        owner=FIRM_ID, key_version=1, content_id=FIRM_ID, kind="x", field="x", box="", commitment=""
    )


def raised(world: World, at: datetime = MONDAY) -> BillingConcernRaised:
    return BillingConcernRaised(
        concern_id=new_id(),
        client_id=world.client_id,
        matter_id=new_id(),
        kind="time",
        channel="portal",
        text=sealed(),
        raised_at=at,
    )


def answered(
    world: World, concern_id: UUID, at: datetime, step: Literal["acknowledged", "answered"]
) -> BillingConcernAnswered:
    return BillingConcernAnswered(
        concern_id=concern_id,
        client_id=world.client_id,
        matter_id=new_id(),
        step=step,
        text=sealed(),
        answered_by=new_id(),
        answered_at=at,
    )


async def test_a_concern_is_promised_an_answer_once_from_the_instant_it_was_raised(
    world: World,
) -> None:
    await world.with_office()
    concern = raised(world)
    await world.hear(concern, concern)
    (due,) = await world.told(ConcernDue)
    assert (due.concern_id, due.client_id) == (concern.concern_id, world.client_id)
    assert (due.opened_at, due.target_at) == (MONDAY, MONDAY + 2 * A_DAY)
    assert due.limit_at == MONDAY + 7 * A_DAY  # five working days, over a weekend


async def test_that_somebody_is_on_it_is_no_answer(world: World) -> None:
    await world.with_office()
    concern = raised(world)
    await world.hear(
        concern, answered(world, concern.concern_id, MONDAY + A_DAY / 2, "acknowledged")
    )
    assert await world.told(ClockMet) == []
    at = MONDAY + A_DAY
    await world.hear(answered(world, concern.concern_id, at, "answered"))
    (met,) = await world.told(ClockMet)
    assert (met.kind, met.met_at, met.late) == ("concern", at, False)


async def test_a_resolution_answers_too_and_a_late_one_was_a_breach(world: World) -> None:
    await world.with_office()
    concern = raised(world)
    at = MONDAY + 8 * A_DAY
    resolved = BillingConcernResolved(
        concern_id=concern.concern_id,
        client_id=world.client_id,
        matter_id=new_id(),
        outcome="explanation",
        text=sealed(),
        resolved_by=new_id(),
        resolved_at=at,
    )
    await world.hear(concern, resolved)
    (met,), (breach,) = await world.told(ClockMet), await world.told(DeadlineBreached)
    assert (met.late, breach.due_at) == (True, MONDAY + 7 * A_DAY)


async def test_nobodys_answer_is_warned_of_breached_once_and_escalated(world: World) -> None:
    await world.with_office()
    contact, above = new_id(), new_id()
    concern = raised(world)
    await world.hear(
        world.staff(above),
        world.staff(contact, supervisor_id=above),
        world.contact(contact, MONDAY - A_DAY),
        concern,
    )
    for day in range(1, 9):
        await world.fire(MONDAY + day * A_DAY)
    warned = await world.told(DeadlineWarned)
    assert [one.threshold for one in warned] == ["PT24H", "target"]
    assert {one.staff_id for one in warned} == {contact}
    (breach,) = await world.told(DeadlineBreached)
    assert breach.staff_id == contact
    first, _ = await world.told(EscalationRaised)
    assert (first.role, first.staff_id) == ("supervisor", above)
