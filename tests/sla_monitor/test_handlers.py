"""What each fact does to the clocks, through the handlers, over a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.contracts.sla_monitor import (
    AcknowledgmentDue,
    ClockCancelled,
    ClockMet,
    ClockPaused,
    ClockReopened,
    ClockResumed,
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
    ResponseDue,
    TriageDue,
)
from shared.ids import new_id
from sla_monitor import clocks, queries

World = Any  # the fixture's own class; see conftest.py
HOUR = timedelta(hours=1)


def local(instant: str) -> datetime:
    zone = ZoneInfo("America/New_York")
    return datetime.fromisoformat(instant).replace(tzinfo=zone).astimezone(UTC)


FRIDAY = local("2026-07-10 16:30")
MONDAY, TUESDAY = local("2026-07-13 16:30"), local("2026-07-14 16:30")


async def test_a_message_opens_both_clocks_and_tells_the_response_first(world: World) -> None:
    calendar_id = await world.with_office()
    message = world.message(FRIDAY)
    await world.hear(message)
    response, acknowledgment = await world.told(ResponseDue, AcknowledgmentDue)
    assert isinstance(response, ResponseDue)
    assert isinstance(acknowledgment, AcknowledgmentDue)
    assert (response.target_at, response.limit_at) == (MONDAY, TUESDAY)
    assert [(str(day.day), day.reason) for day in response.skipped] == [
        ("2026-07-11", "weekend"),
        ("2026-07-12", "weekend"),
    ]
    assert acknowledgment.target_at == acknowledgment.limit_at == FRIDAY + 24 * HOUR
    assert acknowledgment.response_clock_id == response.clock_id
    assert acknowledgment.response_target_at == response.target_at
    assert acknowledgment.response_limit_at == response.limit_at
    assert acknowledgment.skipped == response.skipped
    assert (response.calendar_id, response.calendar_version) == (calendar_id, 1)
    assert response.time_zone == acknowledgment.time_zone == "America/New_York"
    assert response.message_ids == (acknowledgment.message_id,) == (message.message_id,)


async def test_who_writes_again_after_a_breach_joins_what_is_still_owed(world: World) -> None:
    """The instants that the acknowledgment would promise are past: messaging gives that one to a
    person (rule `promise-passed`)."""
    await world.with_office()
    await world.hear(world.message(FRIDAY))
    await world.fire(TUESDAY)
    again = world.message(TUESDAY + HOUR)
    await world.hear(again)
    clock = await world.clock("response")
    assert (clock.state, clock.opened_at, clock.limit_at) == ("breached", FRIDAY, TUESDAY)
    due = (await world.told(AcknowledgmentDue))[-1]
    assert (due.message_id, due.response_clock_id) == (again.message_id, clock.clock_id)
    assert due.response_limit_at == TUESDAY < due.opened_at < due.target_at
    assert len([e for e in await world.told(DeadlineBreached) if e.kind == "response"]) == 1


async def test_a_holiday_is_named_to_the_client(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(local("2026-07-02 16:00")))
    (response,) = await world.told(ResponseDue)
    assert response.target_at == local("2026-07-06 16:00")
    assert response.skipped[0].reason == "Independence Day (observed)"


async def test_a_message_is_clocked_before_the_firm_has_a_calendar(world: World) -> None:
    await world.hear(world.message(FRIDAY))
    (response,) = await world.told(ResponseDue)
    assert (response.calendar_id, response.calendar_version) == (None, 0)
    assert response.target_at == FRIDAY + 72 * HOUR


async def test_a_later_message_joins_and_does_not_reset_the_clock(world: World) -> None:
    await world.with_office()
    first, second = world.message(FRIDAY), world.message(FRIDAY + HOUR)
    await world.hear(first)
    await world.hear(second)
    clock = await world.clock("response")
    assert (clock.opened_at, clock.revision) == (FRIDAY, 2)
    told = await world.told(ResponseDue)
    assert [each.revision for each in told] == [1, 2]
    assert told[1].message_ids == (first.message_id, second.message_id)
    assert told[1].limit_at == told[0].limit_at
    assert len(await world.clocks("acknowledgment")) == 2


async def test_an_older_message_that_is_filed_later_moves_the_start_back(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY), world.message(FRIDAY - HOUR))
    assert (await world.clock("response")).opened_at == FRIDAY - HOUR


async def test_what_a_machine_sent_opens_no_clock_and_ends_no_pause(world: World) -> None:
    await world.hear(world.message(FRIDAY), world.sent(FRIDAY + HOUR, "question"))
    await world.hear(world.message(FRIDAY + 2 * HOUR, automatic=True))
    assert (await world.clock("response")).state == "paused"
    assert len(await world.clocks()) == 2


async def test_an_acknowledgment_meets_its_clock_and_never_the_response(world: World) -> None:
    message = world.message(FRIDAY)
    await world.hear(message, world.acknowledged(FRIDAY + HOUR, message.message_id))
    assert (await world.clock("acknowledgment")).state == "met"
    assert (await world.clock("response")).state == "running"
    (met,) = await world.told(ClockMet)
    assert (met.kind, met.met_at, met.late) == ("acknowledgment", FRIDAY + HOUR, False)


async def test_an_answer_meets_the_response_clock_and_acknowledges(world: World) -> None:
    await world.hear(world.message(FRIDAY))
    answer = world.sent(FRIDAY + HOUR)
    await world.hear(answer)
    assert {clock.kind: clock.state for clock in await world.clocks()} == {
        "acknowledgment": "met",
        "response": "met",
    }
    assert {met.cause_id for met in await world.told(ClockMet)} == {answer.message_id}
    assert all(clock.next_at is None for clock in await world.clocks())


async def test_updates_notices_and_automatic_words_meet_nothing(world: World) -> None:
    await world.hear(world.message(FRIDAY))
    for kind in ("update", "notice"):
        await world.hear(world.sent(FRIDAY + HOUR, kind))
    await world.hear(world.sent(FRIDAY + HOUR, "answer", automatic=True))
    assert {clock.state for clock in await world.clocks()} == {"running"}


async def test_a_persons_acknowledgment_does_not_meet_the_response(world: World) -> None:
    await world.hear(world.message(FRIDAY), world.sent(FRIDAY + HOUR, "acknowledgment"))
    assert (await world.clock("acknowledgment")).state == "met"
    assert (await world.clock("response")).state == "running"


async def test_a_two_way_call_answers_from_when_it_was_held(world: World) -> None:
    await world.hear(world.message(FRIDAY))
    await world.hear(world.call(FRIDAY + HOUR, entered_at=FRIDAY + 90 * HOUR))
    clock = await world.clock("response")
    assert (clock.state, clock.met_at) == ("met", FRIDAY + HOUR)


async def test_a_one_way_call_or_one_before_the_message_answers_nothing(world: World) -> None:
    await world.hear(world.message(FRIDAY))
    await world.hear(world.call(FRIDAY + HOUR, two_way=False), world.call(FRIDAY - HOUR))
    assert (await world.clock("response")).state == "running"


async def test_the_next_message_after_an_answer_opens_a_new_clock(world: World) -> None:
    await world.hear(world.message(FRIDAY), world.sent(FRIDAY + HOUR))
    await world.hear(world.message(FRIDAY + 2 * HOUR))
    first, second = await world.clocks("response")
    assert (first.state, second.state) == ("met", "running")
    assert second.opened_at == FRIDAY + 2 * HOUR


async def test_a_message_that_came_after_the_answer_waits_on_in_a_new_clock(world: World) -> None:
    early, late = world.message(FRIDAY), world.message(FRIDAY + 2 * HOUR)
    await world.hear(early, late)
    await world.hear(world.sent(FRIDAY + HOUR))
    first, second = await world.clocks("response")
    assert first.state == "met"
    assert [each.message_id for each in first.messages] == [early.message_id]
    assert (second.state, second.opened_at) == ("running", late.received_at)
    assert [each.message_id for each in second.messages] == [late.message_id]


async def test_an_answer_that_names_a_message_answers_it_whatever_the_clocks_say(
    world: World,
) -> None:
    message = world.message(FRIDAY + HOUR)
    await world.hear(message, world.sent(FRIDAY, answers=(message.message_id,)))
    assert (await world.clock("response")).state == "met"


async def test_a_question_pauses_and_the_next_message_resumes_with_what_was_left(
    world: World,
) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY))
    await world.fire(local("2026-07-13 12:00"))
    question = world.sent(local("2026-07-13 12:30"), "question")
    await world.hear(question)
    clock = await world.clock("response")
    assert (clock.state, clock.target_at, clock.limit_at) == ("paused", None, None)
    assert clock.next_at is None
    (paused,) = await world.told(ClockPaused)
    assert (paused.paused_at, paused.cause_id) == (question.sent_at, question.message_id)

    await world.hear(world.message(local("2026-07-15 12:30")))
    clock = await world.clock("response")
    assert (clock.state, clock.target_at) == ("running", local("2026-07-15 16:30"))
    (resumed,) = await world.told(ClockResumed)
    assert resumed.target_at == clock.target_at
    told = await world.told(ClockResumed, ResponseDue, AcknowledgmentDue)
    assert [type(each) for each in told[-3:]] == [ClockResumed, ResponseDue, AcknowledgmentDue]


async def test_a_paused_clock_is_not_warned_of_what_came_before_its_pause(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY), world.sent(MONDAY - HOUR, "question"))
    await world.fire(MONDAY + HOUR)
    assert [e for e in await world.told(DeadlineWarned) if e.kind == "response"] == []
    await world.hear(world.message(MONDAY + 2 * HOUR))
    await world.fire(MONDAY + 2 * HOUR)
    warned = [e.threshold for e in await world.told(DeadlineWarned) if e.kind == "response"]
    assert warned == ["PT8H", "PT2H"]


async def test_a_question_after_the_limit_does_not_undo_the_breach(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY), world.sent(TUESDAY + HOUR, "question"))
    await world.fire(TUESDAY + 2 * HOUR)
    clock = await world.clock("response")
    assert (clock.state, clock.breached_at) == ("breached", TUESDAY)
    await world.hear(world.message(TUESDAY + 3 * HOUR))
    assert (await world.clock("response")).state == "breached"
    assert len(await world.told(ClockPaused)) == len(await world.told(ClockResumed)) == 1


async def test_a_second_question_while_paused_counts_no_pause_twice(world: World) -> None:
    await world.hear(world.message(FRIDAY), world.sent(FRIDAY + HOUR, "question"))
    await world.hear(world.sent(FRIDAY + 2 * HOUR, "question"))
    assert len((await world.clock("response")).pauses) == 1
    assert len(await world.told(ClockPaused)) == 1


async def test_an_answer_meets_a_paused_clock(world: World) -> None:
    await world.hear(world.message(FRIDAY), world.sent(FRIDAY + HOUR, "question"))
    await world.hear(world.sent(FRIDAY + 2 * HOUR))
    assert (await world.clock("response")).state == "met"


async def test_a_question_does_not_pause_what_is_urgent(world: World) -> None:
    await world.hear(world.message(FRIDAY, urgent=True), world.sent(FRIDAY + HOUR / 4, "question"))
    clock = await world.clock("response")
    assert (clock.state, clock.limit_at) == ("running", FRIDAY + 2 * HOUR)


async def test_an_urgent_message_makes_the_open_clock_urgent(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY), world.message(FRIDAY + HOUR, urgent=True))
    clock = await world.clock("response")
    assert (clock.opened_at, clock.target_at) == (FRIDAY, FRIDAY + 2 * HOUR)
    told = await world.told(ResponseDue)
    assert [each.urgent for each in told] == [False, True]


async def test_a_bounced_answer_reopens_the_clock_at_its_old_start(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY))
    answer = world.sent(FRIDAY + HOUR)
    await world.hear(answer)
    await world.hear(world.bounced(answer.message_id, FRIDAY + 2 * HOUR))
    clock = await world.clock("response")
    assert (clock.state, clock.opened_at, clock.limit_at) == ("running", FRIDAY, TUESDAY)
    assert clock.met_at is None
    assert {each.kind for each in await world.told(ClockReopened)} == {"acknowledgment", "response"}


async def test_a_bounced_acknowledgment_reopens_its_clock_alone(world: World) -> None:
    message = world.message(FRIDAY)
    acknowledged = world.acknowledged(FRIDAY + HOUR, message.message_id)
    await world.hear(message, acknowledged)
    await world.hear(world.bounced(acknowledged.acknowledgment_id, FRIDAY + 2 * HOUR))
    assert (await world.clock("acknowledgment")).state == "running"
    (reopened,) = await world.told(ClockReopened)
    assert reopened.kind == "acknowledgment"


async def test_a_reopened_clock_takes_over_the_messages_of_its_successor(world: World) -> None:
    first, second = world.message(FRIDAY), world.message(FRIDAY + 2 * HOUR)
    answer = world.sent(FRIDAY + HOUR)
    await world.hear(first, answer, second)
    await world.hear(world.bounced(answer.message_id, FRIDAY + 3 * HOUR))
    older, newer = await world.clocks("response")
    assert (older.state, newer.state) == ("running", "cancelled")
    assert [each.message_id for each in older.messages] == [first.message_id, second.message_id]
    (cancelled,) = await world.told(ClockCancelled)
    assert (cancelled.clock_id, cancelled.reason) == (newer.clock_id, "joined-reopened-clock")
    assert (await world.told(ResponseDue))[-1].message_ids == (first.message_id, second.message_id)


async def test_a_question_that_bounced_was_never_a_pause(world: World) -> None:
    await world.with_office()
    question = world.sent(FRIDAY + HOUR, "question")
    await world.hear(world.message(FRIDAY), question)
    await world.hear(world.bounced(question.message_id, FRIDAY + 5 * HOUR))
    clock = await world.clock("response")
    assert (clock.state, clock.limit_at, clock.pauses) == ("running", TUESDAY, [])
    assert len(await world.told(ClockResumed)) == 1


async def test_an_unanswered_question_still_pauses_a_reopened_clock(world: World) -> None:
    answer = world.sent(FRIDAY + 2 * HOUR)
    await world.hear(world.message(FRIDAY), world.sent(FRIDAY + HOUR, "question"), answer)
    await world.hear(world.bounced(answer.message_id, FRIDAY + 3 * HOUR))
    assert (await world.clock("response")).state == "paused"


async def test_a_strangers_mail_runs_a_triage_clock_until_it_is_filed(world: World) -> None:
    message_id = new_id()
    await world.hear(world.quarantined(FRIDAY, message_id))
    (due,) = await world.told(TriageDue)
    assert (due.message_id, due.limit_at) == (message_id, FRIDAY + 24 * HOUR)
    received = world.message(FRIDAY, message_id=message_id)
    await world.hear(received, world.filed(FRIDAY + 3 * HOUR, message_id))
    triage = await world.clock("triage")
    assert (triage.state, triage.met_at) == ("met", FRIDAY + 3 * HOUR)
    assert (await world.clock("response")).opened_at == FRIDAY, "the first receipt counts"
    assert (await world.clock("acknowledgment")).opened_at == FRIDAY


async def test_a_filing_that_is_heard_before_the_quarantine_leaves_no_clock_open(
    world: World,
) -> None:
    message_id = new_id()
    await world.hear(
        world.message(FRIDAY, message_id=message_id), world.filed(FRIDAY + HOUR, message_id)
    )
    assert await world.clocks("triage") == []
    await world.hear(world.quarantined(FRIDAY, message_id))
    triage = await world.clock("triage")
    assert (triage.state, triage.met_at) == ("met", FRIDAY + HOUR)
    assert [type(e) for e in await world.told(TriageDue, ClockMet)] == [TriageDue, ClockMet]


async def test_a_message_is_taken_in_once(world: World) -> None:
    message = world.message(FRIDAY)
    await world.hear(message, message)
    assert len(await world.clocks()) == 2
    assert len(await world.told(AcknowledgmentDue)) == 1


async def test_every_threshold_is_told_once_with_who_must_act(world: World) -> None:
    await world.with_office()
    contact, supervisor, partner = new_id(), new_id(), new_id()
    await world.hear(
        world.staff(contact, supervisor_id=supervisor),
        world.staff(supervisor),
        world.staff(partner, managing_partner=True),
        world.contact(contact, FRIDAY - HOUR),
    )
    message = world.message(FRIDAY)
    await world.hear(message, world.acknowledged(FRIDAY, message.message_id))
    for _ in range(2):
        await world.fire(MONDAY)
        await world.fire(TUESDAY + 5 * HOUR)
    warned = await world.told(DeadlineWarned)
    assert [(each.threshold, each.staff_id) for each in warned] == [
        ("PT8H", contact),
        ("PT2H", contact),
        ("target", contact),
    ]
    (breached,) = await world.told(DeadlineBreached)
    assert (breached.due_at, breached.detected_at) == (TUESDAY, TUESDAY + 5 * HOUR)
    raised = await world.told(EscalationRaised)
    assert [(each.step, each.role, each.staff_id) for each in raised] == [
        (0, "supervisor", supervisor),
        (1, "managing_partner", partner),
    ]
    clock = await world.clock("response")
    assert (clock.state, clock.breached_at, clock.next_at) == ("breached", TUESDAY, None)


async def test_what_fired_in_a_transaction_that_died_is_told_by_the_next_once(
    world: World,
) -> None:
    await world.hear(world.message(FRIDAY))
    with pytest.raises(RuntimeError, match="killed"):
        async with world.db.transaction() as session:
            clock = await queries.open_response_clock(session, world.conversation_id)
            assert clock is not None
            late = TUESDAY + 9 * HOUR
            await clocks.fire(session, clock, late, detected_at=late, heard_until=late)
            raise RuntimeError("killed before the commit")
    assert await world.told(DeadlineBreached) == []
    for _ in range(2):
        await world.fire(TUESDAY + 9 * HOUR)
    breached = [each for each in await world.told(DeadlineBreached) if each.kind == "response"]
    assert len(breached) == 1


async def test_who_must_act_is_known_whichever_stream_is_heard_first(world: World) -> None:
    contact, supervisor = new_id(), new_id()
    await world.hear(world.message(FRIDAY))
    await world.hear(world.contact(contact, FRIDAY))
    await world.hear(world.staff(supervisor), world.staff(contact, supervisor_id=supervisor))
    await world.fire(TUESDAY + 4 * HOUR)
    (breached,) = [e for e in await world.told(DeadlineBreached) if e.kind == "response"]
    raised = next(e for e in await world.told(EscalationRaised) if e.kind == "response")
    assert breached.staff_id == contact
    assert (raised.role, raised.staff_id) == ("supervisor", supervisor)


async def test_the_contact_of_the_matter_comes_before_that_of_the_client(world: World) -> None:
    world.matter_id = new_id()
    of_client, of_matter = new_id(), new_id()
    await world.hear(
        world.contact(of_client, FRIDAY), world.contact(of_matter, FRIDAY - HOUR, world.matter_id)
    )
    await world.hear(world.message(FRIDAY))
    await world.fire(FRIDAY + 21 * HOUR)
    (warned,) = await world.told(DeadlineWarned)
    assert warned.staff_id == of_matter


async def test_a_breached_clock_that_is_answered_keeps_its_breach_and_is_met(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY))
    await world.fire(TUESDAY)
    await world.hear(world.sent(TUESDAY + HOUR))
    clock = await world.clock("response")
    assert (clock.state, clock.breached_at, clock.met_at) == ("met", TUESDAY, TUESDAY + HOUR)
    (met,) = [each for each in await world.told(ClockMet) if each.kind == "response"]
    assert met.late


async def test_an_answer_after_the_limit_is_a_breach_even_if_the_ticker_slept(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY), world.sent(TUESDAY + HOUR))
    (breached,) = [e for e in await world.told(DeadlineBreached) if e.kind == "response"]
    assert breached.due_at == TUESDAY
    await world.fire(TUESDAY + 90 * HOUR)
    assert len([e for e in await world.told(DeadlineBreached) if e.kind == "response"]) == 1


async def test_an_answer_exactly_at_the_limit_is_in_time(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY), world.sent(TUESDAY))
    assert (await world.clock("response")).breached_at is None


async def test_without_certainty_only_warnings_are_told(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY))
    await world.fire(MONDAY + HOUR, confirmed=False)
    assert {each.threshold for each in await world.told(DeadlineWarned)} == {"PT4H", "PT8H", "PT2H"}
    assert (await world.clock("response")).state == "running", "the target is not told yet either"
    await world.fire(TUESDAY + HOUR, confirmed=False)
    assert await world.told(DeadlineBreached, EscalationRaised) == []
    assert (await world.clock("response")).state == "unconfirmed"
    await world.fire(TUESDAY + HOUR)
    assert (await world.clock("response")).state == "breached"


async def test_a_clock_at_its_limit_is_unconfirmed_until_everything_was_heard(
    world: World,
) -> None:
    message = world.message(FRIDAY)
    await world.hear(message)
    await world.fire(FRIDAY + 25 * HOUR, confirmed=False)
    assert (await world.clock("acknowledgment")).state == "unconfirmed"
    await world.hear(world.acknowledged(FRIDAY + HOUR, message.message_id))
    clock = await world.clock("acknowledgment")
    assert (clock.state, clock.breached_at) == ("met", None)


async def test_a_firms_calendar_that_is_heard_later_recomputes_open_clocks(world: World) -> None:
    await world.hear(world.message(FRIDAY))
    calendar_id = await world.publish_calendar(holidays=["2026-07-13"])
    await world.hear(world.firm_changed(calendar_id))
    await world.recompute()
    clock = await world.clock("response")
    assert (clock.calendar_id, clock.target_at) == (calendar_id, TUESDAY)
    told = await world.told(ResponseDue)
    assert [(each.revision, each.calendar_version) for each in told] == [(1, 0), (2, 1)]
    assert len(await world.told(AcknowledgmentDue)) == 1, "24 hours elapsed are what they were"
    await world.recompute()
    assert len(await world.told(ResponseDue)) == 2


async def test_a_new_policy_recomputes_with_pauses_kept(world: World) -> None:
    await world.hear(world.message(FRIDAY), world.sent(FRIDAY + HOUR, "question"))
    await world.hear(world.message(FRIDAY + 3 * HOUR))
    await world.publish_policy("response", mode="elapsed", target="PT10H", limit="PT20H")
    await world.recompute()
    clock = await world.clock("response")
    assert (clock.policy_version, clock.limit_at) == (2, FRIDAY + 22 * HOUR)


async def test_a_past_breach_is_not_rewritten(world: World) -> None:
    await world.with_office()
    await world.hear(world.message(FRIDAY))
    await world.fire(TUESDAY)
    await world.publish_policy("response", mode="elapsed", target="PT900H", limit="PT999H")
    await world.recompute()
    clock = await world.clock("response")
    assert (clock.state, clock.policy_version, clock.limit_at) == ("breached", 1, TUESDAY)


async def test_a_calendar_that_does_not_reach_a_clock_leaves_it_under_its_terms(
    world: World,
) -> None:
    await world.hear(world.message(local("2001-07-10 16:30")))
    await world.hear(world.message(FRIDAY, conversation_id=new_id()))
    calendar_id = await world.with_office()
    await world.recompute()
    known = {clock.opened_at.year: clock.calendar_id for clock in await world.clocks("response")}
    assert known == {2001: None, 2026: calendar_id}


async def test_a_firm_in_no_time_zone_is_not_taken(world: World) -> None:
    with pytest.raises(ValueError, match="Mars"):
        await world.hear(world.firm_changed(zone="Mars/Olympus"))


async def test_an_older_revision_of_the_firm_is_not_taken(world: World) -> None:
    calendar_id = await world.publish_calendar()
    await world.hear(world.firm_changed(calendar_id, revision=2), world.firm_changed(revision=1))
    await world.hear(world.message(FRIDAY))
    assert (await world.clock("response")).calendar_id == calendar_id
