"""What a client asks of their matter reaches who must answer, and the answer reaches the client;
who put a decision hears what became of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from messaging.updates import texts
from shared import clock, sealing
from shared.contracts import Event, Sealed
from shared.contracts.matters import (
    DecisionExplained,
    DecisionOption,
    DecisionQuestioned,
    DecisionRecorded,
    DecisionRequested,
    PreferencesChanged,
    StrategyExplained,
    StrategyQuestioned,
    UpdateRequested,
)
from shared.contracts.messaging import MessageSent, StaffNotified
from shared.contracts.sla_monitor import DeadlineBreached, DeadlineWarned, EscalationRaised
from shared.ids import new_id
from support.correspondence import People, hear, told
from support.mailboxes import Mailboxes, text_of
from support.platform import Platform
from support.running import Running
from support.waiting import eventually

from .test_updates import a_firm, clock_fact, mail_to

CLARA, ANA, ROBERT = "clara@clients.test", "ana@firm.test", "robert@firm.test"


class Asking:
    """Clara asks about her matter or a decision in it."""

    def __init__(self, service: Running, people: People) -> None:
        self.service, self.people = service, people
        self.question, self.decision = new_id(), new_id()

    def sealed(self, words: str) -> Sealed:
        key = self.service.runtime.keys.key(self.people.clara)
        return sealing.seal(key, self.question, "decision", "x", words.encode())

    def of(self, *, decision: bool, **more: Any) -> dict[str, Any]:
        facts = {"question_id": self.question, "client_id": self.people.clara} | more
        about = {"decision_id": self.decision} if decision else {}
        return facts | about | {"matter_id": self.people.matter}

    def asked(self, *, decision: bool = False) -> DecisionQuestioned | StrategyQuestioned:
        words = self.sealed("Why do we not appeal?")
        facts = self.of(decision=decision, question=words, asked_at=clock.now())
        return DecisionQuestioned(**facts) if decision else StrategyQuestioned(**facts)

    def answered(self, *, decision: bool = False) -> DecisionExplained | StrategyExplained:
        words = self.sealed("Because the time for it is over.")
        by = {"answered_by": self.people.ana, "answered_at": clock.now()}
        facts = self.of(decision=decision, answer=words, **by)
        return DecisionExplained(**facts) if decision else StrategyExplained(**facts)

    def put(self) -> DecisionRequested:
        option = {"text": self.sealed("Accept"), "consequences": self.sealed("It ends.")}
        return DecisionRequested(
            decision_id=self.decision,
            matter_id=self.people.matter,
            client_id=self.people.clara,
            kind="settlement_offer",
            question=self.sealed("They offer 9,000."),
            options=tuple(DecisionOption(key=one, **option) for one in ("accept", "refuse")),
            recommendation=self.sealed("Accept."),
            in_writing=True,
            reply_by=datetime.now(UTC) + timedelta(days=3),
            requested_by=self.people.robert,
            requested_at=clock.now(),
        )

    def decided(self, **more: Any) -> DecisionRecorded:
        return DecisionRecorded(
            decision_id=self.decision,
            matter_id=self.people.matter,
            client_id=self.people.clara,
            option="refuse",
            decided_by=self.people.clara,
            channel="portal",
            in_writing=True,
            recorded_by=self.people.clara,
            recorded_at=clock.now(),
            **more,
        )

    async def hear(self, *events: Event) -> None:
        for event in events:
            await hear(self.service.runtime, event)


@pytest.mark.parametrize("decision", [True, False])
async def test_who_must_answer_hears_a_question_once_and_the_client_the_answer_once(
    platform: Platform, decision: bool
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        at = Asking(service, people)
        await at.hear(at.asked(decision=decision), at.asked(decision=decision))
        (notice,) = await mail_to(boxes, ANA)
        assert "Clara Client asks about" in notice["Subject"]
        assert "Why do we not appeal?" not in str(notice), "the policy keeps words out of mail"
        (facts,) = await eventually(lambda: told(service.runtime, "StaffNotified"))
        assert StaffNotified.model_validate(facts).about == "question"
        await at.hear(at.answered(decision=decision), at.answered(decision=decision))
        (mail,) = await mail_to(boxes, CLARA)
        assert "Because the time for it is over." in text_of(mail)
        assert mail["Auto-Submitted"] is None, "a person said this"
        (facts,) = await eventually(lambda: told(service.runtime, "MessageSent"))
        sent = MessageSent.model_validate(facts)
        assert (sent.message_id, sent.staff_id) == (at.question, people.ana)


async def test_an_answer_does_not_wait_for_the_clients_morning(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        at = Asking(service, people)
        quiet = {"quiet_from": "00:00", "quiet_until": "23:59"}
        wishes = PreferencesChanged(client_id=people.clara, revision=1, preferences={}, **quiet)
        await at.hear(wishes, at.answered())
        await mail_to(boxes, CLARA)


@pytest.mark.parametrize("jointly", [None, "waiting", "agreed", "divided"])
async def test_who_put_a_decision_hears_once_what_became_of_it(
    platform: Platform, jointly: Any
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        at = Asking(service, people)
        decided = at.decided(jointly=jointly)
        await at.hear(decided)  # in another stream than the question: heard first, it waits
        assert boxes.of(ROBERT) == []
        await at.hear(at.put(), decided)
        (mail,) = await mail_to(boxes, ROBERT)
        assert mail["Subject"].startswith(texts.OUTCOMES[jointly])
        words = " ".join(text_of(mail).split())
        assert "Clara Client has answered: refuse." in words
        assert ("differ" in words) == (jointly == "divided")


async def test_who_answers_the_client_hears_that_they_want_to_know_how_it_stands(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        asked = UpdateRequested(
            request_id=new_id(),
            matter_id=people.matter,
            client_id=people.clara,
            requested_at=clock.now(),
        )
        await Asking(service, people).hear(asked, asked)
        (mail,) = await mail_to(boxes, ANA)
        assert "asks how it stands" in mail["Subject"]


async def test_a_question_without_an_answer_is_warned_of_breached_and_escalated_in_its_own_words(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        facts, now = clock_fact(people, "question"), clock.now()
        due = {"due_at": now, "detected_at": now, "staff_id": people.ana}
        limits = {"target_at": now, "limit_at": now + timedelta(hours=1)}
        warned = DeadlineWarned(threshold="PT2H", **due, **limits, **facts)
        breached = DeadlineBreached(policy_version=1, **due, **facts)
        step = {"step": 0, "role": "supervisor", "raised_at": now, "due_at": now}
        raised = EscalationRaised(staff_id=people.robert, **step, **facts)
        await Asking(service, people).hear(warned, breached, raised)
        for mail in (*await mail_to(boxes, ANA, 2), *await mail_to(boxes, ROBERT)):
            assert "is owed an answer" in " ".join(text_of(mail).split())


async def test_of_two_thresholds_found_passed_at_once_the_client_reads_one_reminder(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        facts, now = clock_fact(people, "decision"), clock.now()
        limits = {"target_at": now + timedelta(hours=1), "limit_at": now + timedelta(hours=1)}
        for threshold, ago in (("PT72H", 71), ("PT24H", 23)):
            late = {"due_at": now - timedelta(hours=ago), "detected_at": now}
            warned = DeadlineWarned(threshold=threshold, staff_id=None, **late, **limits, **facts)
            await Asking(service, people).hear(warned, warned)
        await mail_to(boxes, CLARA)
    assert len(boxes.of(CLARA)) == 1
