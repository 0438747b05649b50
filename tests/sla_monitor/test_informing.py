"""Silence is a breach: what opens, meets, hastens and ends the clocks of matters."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import FIRM_ID, Sealed
from shared.contracts.intake import InformationRequested
from shared.contracts.matters import (
    AbsencePlanned,
    CadencePromised,
    DecisionRecorded,
    DecisionRequested,
    DecisionWithdrawn,
    JointClientJoined,
    JointClientLeft,
    MatterClosed,
    MatterOpened,
    MilestoneReached,
    MilestoneReverted,
    ProgressUpdateSent,
    StrategyExplained,
    StrategyQuestioned,
    UpdateRequested,
)
from shared.contracts.sla_monitor import (
    ClockCancelled,
    ClockMet,
    ClockReopened,
    DeadlineBreached,
    DeadlineWarned,
    DecisionDue,
    EscalationRaised,
    QuestionDue,
    UpdateDue,
)
from shared.ids import new_id
from sla_monitor.rules import DEFAULT_POLICIES, scaled

World = Any  # the fixture's own class; see conftest.py
DAY = timedelta(days=1)
OPENED = datetime(2026, 7, 6, 14, tzinfo=UTC)
SEALED = Sealed(
    owner=FIRM_ID, key_version=1, content_id=FIRM_ID, kind="x", field="x", box="", commitment=""
)


@pytest.fixture
def world(world: World) -> World:
    world.matter_id = new_id()
    return world


def opened(world: World) -> MatterOpened:
    return MatterOpened(
        matter_id=world.matter_id,
        client_id=world.client_id,
        number="2026-0001",
        title=SEALED,
        practice_area="family",
        reason=SEALED,
        opened_at=OPENED,
    )


def told_client(world: World, at: datetime) -> ProgressUpdateSent:
    return ProgressUpdateSent(
        update_id=new_id(),
        matter_id=world.matter_id,
        client_id=world.client_id,
        about="no_news",
        channel="phone",
        sent_at=at,
        staff_id=new_id(),
    )


def asked(world: World, at: datetime) -> UpdateRequested:
    return UpdateRequested(
        request_id=new_id(),
        matter_id=world.matter_id,
        client_id=world.client_id,
        requested_at=at,
    )


def reached(world: World, at: datetime) -> MilestoneReached:
    return MilestoneReached(
        milestone_id=new_id(),
        matter_id=world.matter_id,
        client_id=world.client_id,
        plan="family",
        plan_version=1,
        slug="first-hearing",
        reached_at=at,
    )


def taken_back(wrong: MilestoneReached) -> MilestoneReverted:
    return MilestoneReverted(
        milestone_id=wrong.milestone_id,
        matter_id=wrong.matter_id,
        client_id=wrong.client_id,
        slug=wrong.slug,
        reason=SEALED,
        reverted_at=wrong.reached_at + DAY,
    )


async def test_five_weeks_of_silence_warn_breach_once_and_escalate(world: World) -> None:
    boss, contact = new_id(), new_id()
    await world.hear(
        world.staff(boss), world.staff(contact, supervisor_id=boss), world.contact(contact, OPENED)
    )
    await world.hear(opened(world))
    (due,) = await world.told(UpdateDue)
    assert (due.matter_id, due.opened_at) == (world.matter_id, OPENED)
    assert (due.target_at, due.limit_at) == (OPENED + 21 * DAY, OPENED + 28 * DAY)
    for day in range(1, 42):
        await world.fire(OPENED + day * DAY)
    warned, breached = await world.told(DeadlineWarned), await world.told(DeadlineBreached)
    assert [each.threshold for each in warned] == ["PT168H", "PT48H", "target"]
    assert [(each.kind, each.due_at) for each in breached] == [("update", OPENED + 28 * DAY)]
    assert {each.staff_id for each in (*warned, *breached)} == {contact}
    assert (await world.told(EscalationRaised))[0].staff_id == boss


@pytest.mark.parametrize("kind", ["update", "answer", "call", "no news"])
async def test_a_persons_word_meets_it_and_the_next_begins_at_that_instant(
    world: World, kind: str
) -> None:
    await world.hear(opened(world))
    at = OPENED + 20 * DAY
    words = {"call": world.call(at), "no news": told_client(world, at)}
    await world.hear(words.get(kind) or world.sent(at, kind))
    (met,) = await world.told(ClockMet)
    assert (met.kind, met.met_at, met.late) == ("update", at, False)
    before, after = await world.clocks("update")
    assert (before.state, after.state, after.opened_at) == ("met", "running", at)
    await world.fire(at + 27 * DAY)
    assert await world.told(DeadlineBreached) == []


@pytest.mark.parametrize(
    "said",
    [{"kind": "acknowledgment"}, {"kind": "question"}, {"kind": "answer", "automatic": True}],
)
async def test_what_is_no_news_of_the_matter_meets_nothing(
    world: World, said: dict[str, Any]
) -> None:
    await world.hear(opened(world))
    await world.hear(world.sent(OPENED + DAY, **said))
    await world.hear(world.sent(OPENED + DAY, "answer", matter_id=new_id()))
    assert (await world.clock("update")).opened_at == OPENED


async def test_a_contact_heard_of_before_its_matter_counts(world: World) -> None:
    """Two topics: either may be heard first."""
    at = OPENED + 3 * DAY
    await world.hear(world.sent(at, "update"))
    await world.hear(opened(world))
    assert (await world.clock("update")).opened_at == at


async def test_what_was_reverted_makes_nothing_urgent_and_what_else_did_still_does(
    world: World,
) -> None:
    await world.hear(opened(world))
    first, second = OPENED + 10 * DAY, OPENED + 11 * DAY
    wrong = reached(world, first)
    await world.hear(wrong, asked(world, second))
    assert (await world.clock("update")).limit_at == first + 2 * DAY
    await world.hear(taken_back(wrong), taken_back(wrong))
    assert (await world.clock("update")).limit_at == second + 2 * DAY, "they asked all the same"
    await world.hear(told_client(world, second + DAY))
    wrong = reached(world, second + 2 * DAY)
    await world.hear(wrong, taken_back(wrong))
    clock = (await world.clocks("update"))[-1]
    assert (clock.urgent_at, clock.limit_at) == (None, second + 29 * DAY)
    assert (await world.told(UpdateDue))[-1].prompted_at is None
    await world.fire(second + 20 * DAY)
    assert await world.told(DeadlineBreached) == []


async def test_what_was_asked_after_a_call_is_owed_though_the_call_is_entered_last(
    world: World,
) -> None:
    await world.hear(opened(world))
    call, question = OPENED + 2 * DAY, OPENED + 3 * DAY
    await world.hear(reached(world, OPENED + DAY), asked(world, question))
    await world.hear(told_client(world, call))
    clock = (await world.clocks("update"))[-1]
    assert (clock.urgent_at, clock.limit_at) == (question, question + 2 * DAY)


async def test_what_is_entered_late_counts_from_its_own_instant_and_never_backwards(
    world: World,
) -> None:
    await world.hear(opened(world))
    await world.fire(OPENED + 30 * DAY)
    await world.hear(told_client(world, OPENED + 29 * DAY))
    (met,) = await world.told(ClockMet)
    assert (met.late, met.met_at) == (True, OPENED + 29 * DAY)
    await world.hear(told_client(world, OPENED + 10 * DAY))
    assert [each.opened_at for each in await world.clocks("update")] == [
        OPENED, OPENED + 29 * DAY,
    ]  # fmt: skip


async def test_a_cadence_of_its_own_keeps_the_proportions_and_outlives_a_contact(
    world: World,
) -> None:
    promised = {"matter_id": world.matter_id, "client_id": world.client_id}
    await world.hear(opened(world), CadencePromised(**promised, revision=1, days=14))
    first, again = await world.told(UpdateDue)
    assert (first.limit_at, again.revision) == (OPENED + 28 * DAY, 2)
    assert (again.target_at, again.limit_at) == (OPENED + 10.5 * DAY, OPENED + 14 * DAY)
    await world.hear(told_client(world, OPENED + DAY))
    assert (await world.told(UpdateDue))[-1].limit_at == OPENED + 15 * DAY
    await world.hear(CadencePromised(**promised, revision=2, days=None))
    assert (await world.told(UpdateDue))[-1].limit_at == OPENED + 29 * DAY


async def test_who_asks_is_told_within_two_days_and_asking_twice_gains_no_time(
    world: World,
) -> None:
    await world.hear(opened(world))
    await world.hear(asked(world, OPENED + DAY), asked(world, OPENED + 2 * DAY))
    _, due = await world.told(UpdateDue)
    assert due.prompted_at == OPENED + DAY
    assert (due.target_at, due.limit_at) == (OPENED + 2 * DAY, OPENED + 3 * DAY)
    await world.hear(told_client(world, OPENED + 2.5 * DAY))
    assert (await world.told(UpdateDue))[-1].limit_at == OPENED + 30.5 * DAY


async def test_an_update_that_came_back_was_none(world: World) -> None:
    await world.hear(opened(world))
    update = world.sent(OPENED + 5 * DAY, "update")
    await world.hear(update)
    await world.hear(world.bounced(update.message_id, OPENED + 6 * DAY))
    assert [each.kind for each in await world.told(ClockReopened)] == ["update"]
    running = [each for each in await world.clocks("update") if each.state == "running"]
    assert [each.opened_at for each in running] == [OPENED]


async def test_an_update_that_came_back_after_another_was_heard_opens_nothing(world: World) -> None:
    await world.hear(opened(world))
    update = world.sent(OPENED + 5 * DAY, "update")
    await world.hear(update, told_client(world, OPENED + 6 * DAY))
    await world.hear(world.bounced(update.message_id, OPENED + 7 * DAY))
    assert await world.told(ClockReopened) == []


async def test_a_time_to_reply_is_what_was_said_however_the_policy_counts(world: World) -> None:
    await world.with_office()
    counted = {"mode": "business_day", "target": "PT120H", "limit": "PT120H", "warn_at": ["PT24H"]}
    for kind in ("decision", "update"):
        await world.publish_policy(kind, **counted)
    friday = datetime(2026, 7, 10, 14, tzinfo=UTC)
    monday = friday + 3 * DAY
    of = {"matter_id": world.matter_id, "client_id": world.client_id}
    await world.hear(
        DecisionRequested(
            decision_id=new_id(),
            kind="strategy",
            question=SEALED,
            options=(),
            recommendation=SEALED,
            in_writing=False,
            reply_by=monday,
            requested_by=new_id(),
            requested_at=friday,
            **of,
        ),
        opened(world),
        CadencePromised(**of, revision=1, days=14),
    )
    assert (await world.told(DecisionDue))[0].limit_at == monday
    assert (await world.told(UpdateDue))[-1].limit_at == OPENED + 14 * DAY


async def test_what_a_client_is_asked_for_in_a_hundred_years_stops_no_clock_of_theirs(
    world: World,
) -> None:
    of = {"matter_id": world.matter_id, "client_id": world.client_id}
    of |= {"checklist": "family", "checklist_version": 1, "items": (), "asked": SEALED}
    of |= {"requested_by": new_id(), "requested_at": OPENED, "due_at": OPENED + 36_500 * DAY}
    await world.hear(InformationRequested(request_id=new_id(), **of))
    assert (await world.clock("information")).state == "running"


@pytest.mark.parametrize("ending", ["recorded", "withdrawn", "silence"])
async def test_a_decision_is_waited_for_within_its_own_time(world: World, ending: str) -> None:
    decision_id, reply_by = new_id(), OPENED + 4 * DAY
    of = {"decision_id": decision_id, "matter_id": world.matter_id, "client_id": world.client_id}
    put = DecisionRequested(
        kind="settlement_offer",
        question=SEALED,
        options=(),
        recommendation=SEALED,
        in_writing=True,
        reply_by=reply_by,
        requested_by=new_id(),
        requested_at=OPENED,
        **of,
    )
    await world.hear(put, put)
    (due,) = await world.told(DecisionDue)
    assert (due.decision_id, due.limit_at) == (decision_id, reply_by)
    answer = {"option": "accept", "decided_by": world.client_id, "channel": "portal"}
    answer |= {"in_writing": True, "recorded_by": world.client_id, "recorded_at": OPENED + DAY}
    if ending == "recorded":
        await world.hear(DecisionRecorded(**of, **answer))
    elif ending == "withdrawn":
        await world.hear(DecisionWithdrawn(reason=SEALED, withdrawn_at=OPENED + DAY, **of))
    await world.fire(reply_by)
    told = [type(one).__name__ for one in await world.told(ClockMet, ClockCancelled)]
    late = await world.told(DeadlineWarned, DeadlineBreached)
    expected = {"recorded": ["ClockMet"], "withdrawn": ["ClockCancelled"], "silence": []}
    assert (told, len(late)) == (expected[ending], 3 if ending == "silence" else 0)


async def test_a_milestone_is_owed_sooner_than_the_cadence(world: World) -> None:
    await world.hear(opened(world))
    of = {"matter_id": world.matter_id, "client_id": world.client_id, "plan": "family"}
    of |= {"milestone_id": new_id(), "plan_version": 1, "slug": "petition-filed"}
    await world.hear(MilestoneReached(reached_at=OPENED + 3 * DAY, **of))
    assert (await world.told(UpdateDue))[-1].limit_at == OPENED + 5 * DAY


async def test_a_closed_matter_is_owed_nothing(world: World) -> None:
    await world.hear(opened(world))
    await world.hear(
        MatterClosed(
            matter_id=world.matter_id,
            client_id=world.client_id,
            closed_at=OPENED + DAY,
            closed_by=new_id(),
            reason=SEALED,
        )
    )
    (cancelled,) = await world.told(ClockCancelled)
    assert cancelled.reason == "matter-closed"
    await world.hear(told_client(world, OPENED + 2 * DAY))
    await world.fire(OPENED + 90 * DAY)
    assert await world.told(DeadlineWarned, DeadlineBreached) == []


async def test_who_is_away_is_not_asked_but_who_covers(world: World) -> None:
    contact, cover = new_id(), new_id()
    await world.hear(world.staff(contact), world.staff(cover), world.contact(contact, OPENED))
    away = {"absence_id": new_id(), "staff_id": contact, "stand_in_id": cover}
    away |= {"from_at": OPENED + 13 * DAY, "until_at": OPENED + 15 * DAY}
    await world.hear(AbsencePlanned(**away), opened(world))
    await world.fire(OPENED + 14 * DAY)
    await world.fire(OPENED + 19 * DAY)
    asked_of: list[UUID | None] = [each.staff_id for each in await world.told(DeadlineWarned)]
    assert asked_of == [cover, contact]


@given(st.timedeltas(min_value=timedelta(hours=1), max_value=timedelta(days=365)))
def test_a_scaled_promise_is_still_in_order(within: timedelta) -> None:
    for policy in DEFAULT_POLICIES.values():
        own = scaled(policy, within)
        assert own.limit == within
        assert timedelta(0) < own.target <= own.limit
        assert all(timedelta(0) < before < own.target for before in own.warn_at)
        assert own.urgent == policy.urgent


def joined(world: World, at: datetime = OPENED) -> JointClientJoined:
    return JointClientJoined(
        membership_id=world.membership_id,
        matter_id=world.matter_id,
        client_id=world.client_id,
        joint_client_id=world.joint_client_id,
        reason=SEALED,
        joined_at=at,
    )


def told_joint_client(world: World, at: datetime) -> ProgressUpdateSent:
    told = told_client(world, at)
    return told.model_copy(update={"client_id": world.joint_client_id})


@pytest.fixture
def joint(world: World) -> World:
    """A matter of two clients."""
    world.membership_id, world.joint_client_id = new_id(), new_id()
    return world


async def test_who_tells_one_of_two_clients_has_kept_silent_to_the_other(joint: World) -> None:
    await joint.hear(opened(joint), joined(joint))
    assert {one.client_id for one in await joint.told(UpdateDue)} == {
        joint.client_id,
        joint.joint_client_id,
    }
    await joint.hear(told_client(joint, OPENED + 20 * DAY))
    (met,) = await joint.told(ClockMet)
    assert met.client_id == joint.client_id
    await joint.fire(OPENED + 29 * DAY)
    (breached,) = await joint.told(DeadlineBreached)
    assert (breached.client_id, breached.matter_id) == (joint.joint_client_id, joint.matter_id)
    await joint.hear(told_joint_client(joint, OPENED + 30 * DAY))
    late = (await joint.told(ClockMet))[-1]
    assert (late.client_id, late.late) == (joint.joint_client_id, True)


async def test_a_contact_of_a_joint_client_heard_of_before_they_joined_counts_for_them_alone(
    joint: World,
) -> None:
    heard = told_joint_client(joint, OPENED + 2 * DAY)
    await joint.hear(opened(joint), heard, joined(joint, OPENED + DAY))
    assert await joint.told(ClockMet) == [], "the matter's own client heard nothing"
    since = {one.client_id: one.opened_at for one in await joint.told(UpdateDue)}
    assert since == {joint.client_id: OPENED, joint.joint_client_id: OPENED + 2 * DAY}


async def test_a_cadence_and_a_milestone_are_for_all_and_a_question_how_it_stands_for_who_asked(
    joint: World,
) -> None:
    cadence = CadencePromised(
        matter_id=joint.matter_id, client_id=joint.client_id, revision=1, days=14
    )
    await joint.hear(opened(joint), cadence, joined(joint))
    limits = {one.client_id: one.limit_at for one in await joint.told(UpdateDue)}
    assert set(limits.values()) == {OPENED + 14 * DAY}
    await joint.hear(
        asked(joint, OPENED + DAY).model_copy(update={"client_id": joint.joint_client_id})
    )
    prompted = {one.client_id: one.prompted_at for one in await joint.told(UpdateDue)}
    assert prompted == {joint.client_id: None, joint.joint_client_id: OPENED + DAY}
    reached = MilestoneReached(
        milestone_id=new_id(),
        matter_id=joint.matter_id,
        client_id=joint.client_id,
        plan="family",
        plan_version=1,
        slug="filed",
        reached_at=OPENED + 2 * DAY,
    )
    await joint.hear(reached)
    prompted = {one.client_id: one.prompted_at for one in await joint.told(UpdateDue)}
    assert prompted == {joint.client_id: OPENED + 2 * DAY, joint.joint_client_id: OPENED + DAY}


async def test_who_left_is_owed_nothing_more_and_the_other_hears_on(joint: World) -> None:
    left = JointClientLeft(
        membership_id=joint.membership_id,
        matter_id=joint.matter_id,
        client_id=joint.client_id,
        joint_client_id=joint.joint_client_id,
        reason=SEALED,
        left_at=OPENED + DAY,
    )
    await joint.hear(opened(joint), joined(joint), left, left)
    (cancelled,) = await joint.told(ClockCancelled)
    assert (cancelled.client_id, cancelled.reason) == (joint.joint_client_id, "joint-client-left")
    await joint.fire(OPENED + 29 * DAY)
    assert [one.client_id for one in await joint.told(DeadlineBreached)] == [joint.client_id]


def questioned(world: World) -> StrategyQuestioned:
    return StrategyQuestioned(
        question_id=new_id(),
        matter_id=world.matter_id,
        client_id=world.client_id,
        question=SEALED,
        asked_at=OPENED,
    )


async def test_a_question_about_the_strategy_is_answered_in_time_or_breached_and_escalated(
    world: World,
) -> None:
    boss, contact = new_id(), new_id()
    await world.hear(
        world.staff(boss), world.staff(contact, supervisor_id=boss), world.contact(contact, OPENED)
    )
    event = questioned(world)
    await world.hear(opened(world), event, event)
    (due,) = await world.told(QuestionDue)
    assert (due.question_id, due.opened_at) == (event.question_id, OPENED)
    await world.fire(OPENED + 5 * DAY)
    (breached,) = await world.told(DeadlineBreached)
    assert (breached.kind, breached.staff_id) == ("question", contact)
    assert (await world.told(EscalationRaised))[0].staff_id == boss
    answered = StrategyExplained(
        question_id=event.question_id,
        matter_id=world.matter_id,
        client_id=world.client_id,
        answer=SEALED,
        answered_by=contact,
        answered_at=OPENED + 6 * DAY,
    )
    await world.hear(answered)
    (met,) = await world.told(ClockMet)
    assert (met.kind, met.late) == ("question", True)


async def test_a_question_ends_with_the_matter_that_was_closed_over_it(world: World) -> None:
    await world.hear(opened(world), questioned(world))
    closed = MatterClosed(
        matter_id=world.matter_id,
        client_id=world.client_id,
        closed_at=OPENED + DAY,
        closed_by=new_id(),
        reason=SEALED,
    )
    await world.hear(closed)
    assert {one.kind for one in await world.told(ClockCancelled)} == {"update", "question"}
