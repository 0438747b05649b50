"""In a client's quiet hours nothing that the firm begins disturbs them. It leaves at their end,
once, whatever dies meanwhile, and the record says why it waited; what answers them never waits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import IntegrityError

from messaging.outbound import quiet_hours
from shared import clock, sealing
from shared.contracts.matters import (
    ClientChanged,
    DecisionRecorded,
    DecisionRequested,
    DecisionWithdrawn,
    MilestoneReverted,
    PreferencesChanged,
    ProgressUpdateApproved,
)
from shared.contracts.messaging import MessageSent
from shared.contracts.sla_monitor import DeadlineWarned
from shared.ids import new_id
from support.correspondence import (
    People,
    acknowledgment_due,
    asleep,
    client_writes,
    hear,
    known_client,
    known_firm,
    nothing_leaves,
    rows_of,
    settings_for,
    told,
    way_out,
)
from support.mailboxes import Mailboxes, mail_server, text_of
from support.platform import Platform
from support.running import Running, running
from support.waiting import eventually

CLARA, MADRID = "clara@clients.test", ZoneInfo("Europe/Madrid")
HOUR = timedelta(hours=1)


@asynccontextmanager
async def a_firm(
    platform: Platform, boxes: Mailboxes, app: Any = way_out, **overrides: Any
) -> AsyncIterator[tuple[Running, People]]:
    people = People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port, **overrides)
        async with running(app, settings) as service:
            await known_firm(service.runtime, people)
            await known_client(service.runtime, people)
            yield service, people


def quiet(people: People, *, around: datetime | None, revision: int = 1, **facts: Any) -> (
    PreferencesChanged
):  # fmt: skip
    """Quiet from an hour before this instant until two hours after it; None: never quiet."""
    shown = around.astimezone(MADRID) if around else None
    return PreferencesChanged(
        client_id=people.clara,
        revision=revision,
        preferences=facts.pop("preferences", {}),
        quiet_from=f"{shown - HOUR:%H:%M}" if shown else None,
        quiet_until=f"{shown + 2 * HOUR:%H:%M}" if shown else None,
        **facts,
    )


async def update(service: Running, people: People) -> ProgressUpdateApproved:
    await service.runtime.keys.hold(people.clara)
    update_id, key = new_id(), service.runtime.keys.key(people.clara)
    return ProgressUpdateApproved(
        update_id=update_id,
        matter_id=people.matter,
        client_id=people.clara,
        about="milestone",
        subject_text=sealing.seal(key, update_id, "update", "subject", b"Signed"),
        body=sealing.seal(key, update_id, "update", "body", b"The contract is signed."),
        approved_by=people.ana,
        approved_at=clock.now(),
    )


async def mails(service: Running) -> list[Any]:
    return await rows_of(service.runtime, "SELECT * FROM outbound_messages WHERE to_client")


def move(offset: Path, by: timedelta) -> None:
    offset.write_text(str(by.total_seconds()))


async def test_an_update_waits_for_the_morning_leaves_once_and_the_record_says_why(
    platform: Platform, moved_clock: Path
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, clock_offset_file=moved_clock) as (service, people):
        await hear(service.runtime, quiet(people, around=clock.now()))
        event = await update(service, people)
        await hear(service.runtime, event)
        await hear(service.runtime, event)
        (row,) = await mails(service)
        assert (row.state, boxes.kept) == ("held", [])
        assert timedelta() < row.held_until - clock.now() <= 2 * HOUR
        move(moved_clock, 2 * HOUR)
        (facts,) = await eventually(lambda: told(service.runtime, "MessageSent"))
        sent = MessageSent.model_validate(facts)
        assert sent.waited is not None
        assert (sent.waited.since, sent.waited.until) == (row.created_at, row.held_until)
        assert sent.sent_at >= sent.waited.until
    assert [str(mail["Subject"]) for mail in boxes.of(CLARA)] == ["Signed"]


async def test_what_answers_the_client_and_what_warns_too_late_goes_at_once(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        await hear(service.runtime, quiet(people, around=clock.now()))
        message = await client_writes(service.runtime, people)
        await hear(service.runtime, acknowledgment_due(people, message))
        soon = clock.now() + timedelta(minutes=30)
        warned = DeadlineWarned(
            clock_id=new_id(),
            kind="decision",
            client_id=people.clara,
            conversation_id=people.matter,
            matter_id=people.matter,
            message_ids=(),
            threshold="PT24H",
            due_at=soon,
            detected_at=clock.now(),
            target_at=soon,
            limit_at=soon,
        )
        await hear(service.runtime, warned)
        await eventually(_count(boxes, 2))
        sent = MessageSent.model_validate((await told(service.runtime, "MessageSent"))[0])
        assert sent.waited is None, "a decision is due before the quiet hours end"
        assert len(await told(service.runtime, "MessageAcknowledged")) == 1


def _count(boxes: Mailboxes, wanted: int) -> Any:
    async def look() -> bool:
        return len(boxes.of(CLARA)) == wanted

    return look


async def test_what_answers_a_client_cannot_be_held_whoever_tries(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, nothing_leaves) as (service, people):
        await hear(
            service.runtime,
            acknowledgment_due(people, await client_writes(service.runtime, people)),
        )
        hold = "UPDATE outbound_messages SET state = 'held', held_until = now() RETURNING 1"
        with pytest.raises(IntegrityError, match="outbound_messages_held"):
            await rows_of(service.runtime, hold)


async def test_when_the_quiet_hours_change_what_waits_follows(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        await hear(service.runtime, quiet(people, around=clock.now()))
        await hear(service.runtime, await update(service, people))
        (before,) = await mails(service)
        await hear(service.runtime, quiet(people, around=clock.now() + HOUR / 2, revision=3))
        (after,) = await mails(service)
        assert after.held_until > before.held_until
        await hear(service.runtime, quiet(people, around=None, revision=2))
        (same,) = await mails(service)
        assert same.held_until == after.held_until, "an older wish that is heard late is not obeyed"
        await hear(service.runtime, quiet(people, around=None, revision=4))
        await eventually(_count(boxes, 1))


async def test_a_client_who_travels_takes_the_quiet_hours_along(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        await hear(service.runtime, quiet(people, around=clock.now()))
        await hear(service.runtime, await update(service, people))
        key = service.runtime.keys.key(people.clara)
        moved = ClientChanged(
            client_id=people.clara,
            name=sealing.seal(key, people.clara, "client", "name", b"Clara Client"),
            email=sealing.seal(key, people.clara, "client", "email", CLARA.encode()),
            time_zone="Pacific/Auckland",
        )
        await hear(service.runtime, moved)
        await eventually(_count(boxes, 1))


async def test_wishes_heard_before_the_client_count_when_they_are_known(
    platform: Platform,
) -> None:
    people = People()
    async with running(way_out, await settings_for(platform, 1)) as service:
        await service.runtime.keys.hold(people.clara, create=True)
        await hear(service.runtime, quiet(people, around=clock.now()))
        await hear(service.runtime, await update(service, people))
        await known_firm(service.runtime, people)
        await known_client(service.runtime, people)
        (row,) = await eventually(lambda: mails(service))
        assert row.state == "held"


@pytest.mark.parametrize("dies", ["before the commit", "after the commit"])
async def test_who_dies_while_releasing_neither_loses_nor_doubles_a_mail(
    platform: Platform, moved_clock: Path, dies: str
) -> None:
    """Failed and not stored, failed but stored: the next start finds what there is."""
    boxes, people = Mailboxes(), People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port, clock_offset_file=moved_clock)
        async with running(asleep, settings) as service:
            await known_firm(service.runtime, people)
            await known_client(service.runtime, people)
            await hear(service.runtime, quiet(people, around=clock.now()))
            await hear(service.runtime, await update(service, people))
            move(moved_clock, 2 * HOUR)
            if dies == "after the commit":
                await quiet_hours.release(service.runtime)
                await quiet_hours.release(service.runtime)
            (row,) = await mails(service)
            assert row.state == ("queued" if dies == "after the commit" else "held")
        async with running(way_out, settings) as service:
            await eventually(lambda: told(service.runtime, "MessageSent"))
            assert len(await told(service.runtime, "MessageSent")) == 1
    assert len(boxes.of(CLARA)) == 1


def asked(service: Running, people: People) -> DecisionRequested:
    key, decision_id = service.runtime.keys.key(people.clara), new_id()
    words = sealing.seal(key, decision_id, "decision", "words", b"Settle for 5,000?")
    return DecisionRequested(
        decision_id=decision_id,
        matter_id=people.matter,
        client_id=people.clara,
        kind="settlement_offer",
        question=words,
        options=(),
        recommendation=words,
        in_writing=True,
        reply_by=clock.now() + timedelta(days=9),
        requested_by=people.ana,
        requested_at=clock.now(),
    )


def taken_back(event: DecisionRequested) -> DecisionWithdrawn:
    return DecisionWithdrawn(
        decision_id=event.decision_id,
        matter_id=event.matter_id,
        client_id=event.client_id,
        reason=event.question,
        withdrawn_at=clock.now(),
    )


async def test_a_decision_that_is_taken_back_at_night_is_not_asked_in_the_morning(
    platform: Platform, moved_clock: Path
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, clock_offset_file=moved_clock) as (service, people):
        await hear(service.runtime, quiet(people, around=clock.now()))
        kept, gone = asked(service, people), asked(service, people)
        for event in (kept, gone, taken_back(gone), taken_back(gone)):
            await hear(service.runtime, event)
        move(moved_clock, 2 * HOUR)
        await eventually(lambda: told(service.runtime, "MessageSent"))
        states = {row.outbound_id: row.state for row in await mails(service)}
        assert states == {kept.decision_id: "accepted", gone.decision_id: "withdrawn"}
        await hear(service.runtime, taken_back(kept))
        assert {row.state for row in await mails(service)} == {"accepted", "withdrawn"}
    assert len(boxes.of(CLARA)) == 1


@pytest.mark.parametrize("first", ["reminder", "answer"])
async def test_who_decided_at_night_is_not_asked_again_in_the_morning(
    platform: Platform, moved_clock: Path, first: str
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, clock_offset_file=moved_clock) as (service, people):
        put = asked(service, people)
        await hear(service.runtime, put)
        await eventually(_count(boxes, 1))
        await hear(service.runtime, quiet(people, around=clock.now()))
        by = {"decided_by": people.clara, "recorded_by": people.clara, "recorded_at": clock.now()}
        of = {"decision_id": put.decision_id, "matter_id": people.matter, "client_id": people.clara}
        how = {"option": "accept", "channel": "portal", "in_writing": True, "late": False}
        both = [_reminder(people, put), DecisionRecorded(**of, **by, **how)]
        for event in both if first == "reminder" else reversed(both):
            await hear(service.runtime, event)
        move(moved_clock, 2 * HOUR)
        await hear(service.runtime, quiet(people, around=None, revision=2))
        await hear(service.runtime, await update(service, people))
        await eventually(_count(boxes, 2))
    subjects = [str(mail["Subject"]) for mail in boxes.of(CLARA)]
    assert ("Signed" in subjects[1], "decision" in subjects[0]) == (True, True), subjects


def _reminder(people: People, put: DecisionRequested) -> DeadlineWarned:
    tomorrow = clock.now() + timedelta(days=1)
    return DeadlineWarned(
        clock_id=new_id(),
        kind="decision",
        client_id=people.clara,
        conversation_id=put.decision_id,
        matter_id=people.matter,
        message_ids=(),
        threshold="PT24H",
        due_at=clock.now(),
        detected_at=clock.now(),
        target_at=tomorrow,
        limit_at=tomorrow,
    )


async def test_a_decision_that_is_taken_back_before_it_could_be_put_is_never_put(
    platform: Platform,
) -> None:
    people = People()
    async with running(way_out, await settings_for(platform, 1)) as service:
        await service.runtime.keys.hold(people.clara, create=True)
        event = asked(service, people)
        await hear(service.runtime, event)
        await hear(service.runtime, taken_back(event))
        assert await rows_of(service.runtime, "SELECT 1 FROM postponed_events") == []


async def test_who_prefers_the_portal_reads_there_and_the_mail_says_only_that(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        wishes = {"preferences": {"updates": "portal"}}
        await hear(service.runtime, quiet(people, around=None, **wishes))
        event = await update(service, people)
        await hear(service.runtime, event)
        (facts,) = await eventually(lambda: told(service.runtime, "MessageSent"))
        assert facts["channel"] == "portal"
        (mail,) = boxes.of(CLARA)
        assert "signed" not in mail.as_string().lower()
        assert "new message is there for you" in text_of(mail)
        (line,) = await rows_of(service.runtime, "SELECT * FROM messages")
        assert (line.message_id, line.kind, line.channel) == (event.update_id, "update", "portal")


async def test_who_would_rather_be_called_is_mailed_and_their_contact_asked_to_call(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        needs = sealing.seal(
            service.runtime.keys.key(people.clara),
            people.clara,
            "preferences",
            "accessibility",
            b"Large print",
        )
        wishes = {"preferences": {"updates": "call"}, "accessibility": needs}
        await hear(service.runtime, quiet(people, around=None, **wishes))
        due = clock.now() + timedelta(days=2)
        warned = DeadlineWarned(
            clock_id=new_id(),
            kind="decision",
            client_id=people.clara,
            conversation_id=people.matter,
            matter_id=people.matter,
            message_ids=(),
            threshold="PT24H",
            due_at=due,
            detected_at=clock.now(),
            target_at=due,
            limit_at=due,
        )
        await hear(service.runtime, warned)
        await hear(service.runtime, warned)
        (notified,) = await eventually(lambda: told(service.runtime, "StaffNotified"))
        assert (notified["about"], notified["staff_id"]) == ("preference", str(people.ana))
        await eventually(_count(boxes, 1))
        (mail,) = boxes.of(CLARA)
        html = mail.get_body(("html",))
        assert html is not None
        assert "font-size: 1.6rem" in html.get_content()
        (asked,) = boxes.of("ana@firm.test")
        assert "by call" in text_of(asked)
        (line,) = await rows_of(service.runtime, "SELECT * FROM messages")
        assert (line.kind, line.channel, line.automatic) == ("notice", "email", True)


@pytest.mark.parametrize("first", ["update", "reverted"])
async def test_an_update_of_what_was_taken_back_at_night_does_not_leave_in_the_morning(
    platform: Platform, moved_clock: Path, first: str
) -> None:
    """In either order: a joint client's update comes in another stream than the matter's facts."""
    boxes, reached = Mailboxes(), new_id()
    async with a_firm(platform, boxes, clock_offset_file=moved_clock) as (service, people):
        await hear(service.runtime, quiet(people, around=clock.now()))
        kept = await update(service, people)
        gone = (await update(service, people)).model_copy(update={"tells_of": reached})
        reverted = MilestoneReverted(
            milestone_id=reached,
            matter_id=people.matter,
            client_id=people.clara,
            slug="filed",
            reason=gone.body,
            reverted_at=clock.now(),
        )
        order = (gone, reverted) if first == "update" else (reverted, gone)
        for event in (kept, *order, reverted, gone):
            await hear(service.runtime, event)
        move(moved_clock, 2 * HOUR)
        await eventually(lambda: told(service.runtime, "MessageSent"))
        states = {row.outbound_id: row.state for row in await mails(service)}
        assert states.pop(kept.update_id) == "accepted"
        assert set(states.values()) <= {"withdrawn"}
    assert len(boxes.of(CLARA)) == 1
