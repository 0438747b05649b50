"""Fees in mail: what a client hears of terms, estimates, thresholds, invoices and concerns."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

from messaging.directory.models import Client, Matter, PointOfContact
from shared import clock
from shared.contracts import ContentRef, Event, Sealed
from shared.contracts.billing import (
    AmountRange,
    BillingConcernAnswered,
    BillingConcernResolved,
    BillingDisputeSettled,
    BudgetThresholdCrossed,
    ClosingStatementIssued,
    CreditNoteIssued,
    EstimateRevised,
    FeesDisclosed,
    InvoiceIssued,
    LatePenaltyCharged,
    LatePenaltyWithdrawn,
    Measure,
    PaymentReceived,
    PaymentReversed,
    RetainerRanLow,
    TrustApplied,
    TrustDeposited,
    TrustRefunded,
)
from shared.contracts.matters import ClientsMerged
from shared.contracts.sla_monitor import (
    ConcernDue,
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
)
from shared.ids import new_id
from shared.keyring import seal
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

CLARA, ANA, ROBERT = "clara@clients.test", "ana@firm.test", "robert@firm.test"
AT = datetime(2026, 7, 13, 14, tzinfo=UTC)


@asynccontextmanager
async def a_firm(platform: Platform, boxes: Mailboxes) -> AsyncIterator[tuple[Running, People]]:
    people = People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port)
        async with running(way_out, settings) as service:
            await known_firm(service.runtime, people)
            await known_client(service.runtime, people)
            yield service, people


async def mail_to(boxes: Mailboxes, address: str, count: int = 1) -> list[EmailMessage]:
    async def look() -> list[EmailMessage]:
        return boxes.of(address)

    return await eventually(look, lambda mails: len(mails) >= count)


async def sealed(service: Running, people: People, words: str) -> Sealed:
    await service.runtime.keys.hold(people.clara)
    async with service.runtime.db.transaction() as session:
        return seal(session, people.clara, new_id(), "billing", "text", words)


def crossed(people: People, measure: Measure = "fees", *, agreed: bool = True) -> (
    BudgetThresholdCrossed
):  # fmt: skip
    return BudgetThresholdCrossed(
        matter_id=people.matter,
        client_id=people.clara,
        estimate_id=new_id(),
        estimate_version=1,
        measure=measure,
        percent=75,
        currency="USD",
        estimated=1_000_000,
        reached=756_000,
        forecast=1_120_000,
        agreed=agreed,
        crossed_at=AT,
    )


async def test_terms_arrive_in_plain_words_once_and_a_reply_belongs_to_the_matter(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = FeesDisclosed(
            terms_id=new_id(), terms_version=1, client_id=people.clara, matter_id=people.matter,
            kinds=("hourly",), currency="USD",
            document=ContentRef(content_id=new_id(), size=1, commitment="c"),
            text=await sealed(service, people, "Each of us costs USD 300.00 an hour."),
            disclosed_by=new_id(), disclosed_at=AT,
        )  # fmt: skip
        for _ in range(2):
            await hear(service.runtime, event)
        await hear(service.runtime, crossed(people))
        mails = await mail_to(boxes, CLARA, 2)
        (sent, _) = await eventually(
            lambda: told(service.runtime, "MessageSent"), lambda found: len(found) == 2
        )
        (conversation,) = await rows_of(service.runtime, "SELECT * FROM conversations")
        text = await rows_of(
            service.runtime, "SELECT outbound_messages::text FROM outbound_messages"
        )
    assert len(mails) == 2
    assert mails[0]["Subject"] == "Auto: Our fees, in plain words"
    assert mails[0]["Auto-Submitted"] == "auto-generated"
    assert "USD 300.00 an hour" in text_of(mails[0])
    assert "before you have accepted it" in text_of(mails[0]).replace("\n", " ")
    assert (sent["kind"], sent["matter_id"]) == ("notice", str(people.matter))
    assert sent["conversation_id"] == str(conversation.conversation_id)
    assert conversation.matter_id == people.matter
    assert not any("300.00" in row[0] for row in text)


async def test_a_threshold_is_a_sentence_by_which_the_client_can_decide(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        await hear(service.runtime, crossed(people))
        await hear(service.runtime, crossed(people, "forecast", agreed=False))
        first, second = [text_of(one).replace("\n", " ") for one in await mail_to(boxes, CLARA, 2)]
    assert (
        "Our fees have passed 75 % of the USD 10,000.00 that you agreed to: now USD 7,560.00."
        in first
    )
    assert "In all we now expect USD 11,200.00" in first
    assert "go on as planned, ask us to do less or otherwise, or ask us to stop" in first
    assert (
        "your matter to cost in all has passed 75 % of the USD 10,000.00 of our estimate" in second
    )
    assert "now USD 7,560.00" in second


async def test_a_revised_estimate_says_why_and_what_stays_until_the_client_agrees(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = EstimateRevised(
            estimate_id=new_id(), estimate_version=2, client_id=people.clara,
            matter_id=people.matter, currency="USD",
            fees=AmountRange(low=1, likely=900_000, high=1_500_000),
            costs=AmountRange(low=0, likely=10_000, high=20_000),
            text=await sealed(service, people, "We assumed: two hearings"),
            reason=await sealed(service, people, "The court wants a second hearing."), issued_at=AT,
        )  # fmt: skip
        await hear(service.runtime, event)
        (mail,) = await mail_to(boxes, CLARA)
    words = text_of(mail).replace("\n", " ")
    assert "The court wants a second hearing." in words
    assert "USD 9,100.00" in words
    assert "USD 15,200.00" in words
    assert "what you agreed to before stays as it is" in words


async def test_an_invoice_is_announced_with_what_is_owed_and_how_to_question_it(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = InvoiceIssued(
            invoice_id=new_id(), number="2026-00001", client_id=people.clara,
            matter_id=people.matter, currency="USD", fees=45_000, expenses=4_000,
            adjustments=-1_000, tax=4_800, total=52_800, line_count=3, period_from=date(2026, 6, 1),
            period_to=date(2026, 6, 30), due_on=date(2026, 8, 12), approved_by=new_id(),
            issued_at=AT,
        )  # fmt: skip
        for _ in range(2):
            await hear(service.runtime, event)
        (mail,) = await mail_to(boxes, CLARA)
    assert mail["Subject"] == "Auto: Invoice 2026-00001"
    words = text_of(mail).replace("\n", " ")
    assert "USD 528.00" in words
    assert "12 August 2026" in words
    assert "bears no penalty meanwhile" in words


async def test_a_closing_statement_arrives_whole_with_what_the_client_receives(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = ClosingStatementIssued(
            statement_id=new_id(), statement_version=2, client_id=people.clara,
            matter_id=people.matter, terms_id=new_id(), terms_version=1, stage="settled",
            currency="USD", recovered=100_000_00, base=100_000_00, percent="25", fee=25_000_00,
            expenses=0, others=0, to_client=75_000_00,
            outcome=await sealed(service, people, "It was settled."),
            text=await sealed(service, people, "Our fee, 25 % of it: USD 25,000.00"),
            document=ContentRef(content_id=new_id(), size=1, commitment="c"),
            issued_by=people.ana, issued_at=AT,
        )  # fmt: skip
        for _ in range(2):
            await hear(service.runtime, event)
        lost = {"recovered": 0, "fee": 0, "to_client": -440_00, "statement_id": new_id()}
        await hear(service.runtime, event.model_copy(update=lost))
        first, second = [text_of(one).replace("\n", " ") for one in await mail_to(boxes, CLARA, 2)]
    assert "you receive USD 75,000.00" in first
    assert "This replaces the statement that you had before." in first
    assert "Our fee, 25 % of it: USD 25,000.00" in first
    assert "ended without a recovery" in second


async def test_every_movement_of_money_is_told_with_what_is_left(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        of = {"client_id": people.clara, "matter_id": people.matter, "currency": "USD"}
        owed = {"invoice_id": new_id(), "open_after": 120_00} | of
        reason = await sealed(service, people, "The agent had the keys.")
        day = date(2026, 7, 1)
        events: list[Event] = [
            CreditNoteIssued(credit_note_id=new_id(), number="CN-2026-00001", total=50_00,
                             reason=reason, issued_at=AT, invoice_id=new_id(), **of),
            PaymentReceived(payment_id=new_id(), amount=80_00, method="card", received_on=day,
                            recorded_at=AT, **owed),
            PaymentReversed(payment_id=new_id(), amount=80_00, reason=reason, reversed_at=AT,
                            **owed),
            LatePenaltyCharged(penalty_id=new_id(), amount=3_00, through=day, charged_at=AT,
                               **owed),
            LatePenaltyWithdrawn(penalty_id=new_id(), amount=2_00, through=day, withdrawn_at=AT,
                                 **owed),
            TrustDeposited(deposit_id=new_id(), amount=900_00, balance_after=950_00,
                           received_on=day, recorded_at=AT, **of),
            TrustApplied(application_id=new_id(), amount=30_00, balance_after=920_00,
                         applied_at=AT, **owed),
            TrustRefunded(refund_id=new_id(), amount=20_00, balance_after=900_00,
                          refunded_at=AT, **of),
        ]  # fmt: skip
        for event in [*events, *events]:
            await hear(service.runtime, event)
        mails = [text_of(one).replace("\n", " ") for one in await mail_to(boxes, CLARA, 8)]
    words = (
        "We have credited USD 50.00", "your payment of 1 July 2026 has arrived",
        "came back to you, so it is owed again", "we have added USD 3.00",
        "USD 2.00 too much for late payment", "USD 900.00 for you in our trust account",
        "We have paid USD 30.00 of an invoice", "USD 20.00 of your money",
    )  # fmt: skip
    assert [any(one in mail for mail in mails) for one in words] == [True] * 8
    assert len(mails) == 8
    assert sum("USD 120.00" in mail for mail in mails) == 5


async def test_a_retainer_that_ran_low_is_asked_for_and_the_contact_knows(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = RetainerRanLow(
            matter_id=people.matter, client_id=people.clara, terms_id=new_id(), terms_version=1,
            currency="USD", left=300_00, below=400_00, asked=700_00, ran_low_at=AT,
        )  # fmt: skip
        for _ in range(2):
            await hear(service.runtime, event)
        (asked,) = await mail_to(boxes, CLARA)
        (noticed,) = await mail_to(boxes, ANA)
    assert "Please fill it up with USD 700.00" in text_of(asked).replace("\n", " ")
    assert noticed["Subject"] == "Retainer low: Clara Client"
    assert "The client was asked to fill it up" in text_of(noticed).replace("\n", " ")


async def test_bills_of_a_merged_entry_go_to_who_stays_in_the_thread_that_they_had(
    platform: Platform,
) -> None:
    boxes, old, lease = Mailboxes(), new_id(), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await service.runtime.keys.hold(old, create=True)
        async with service.runtime.db.transaction() as session:
            named = {"name": "Clara Client", "email": "old@clients.test", "time_zone": "UTC"}
            session.add(Client(client_id=old, **named))
            facts = {"number": "2019-7", "title": "Old lease", "opened_at": AT}
            session.add(Matter(matter_id=lease, client_id=old, **facts))
            since = {"staff_id": people.ana, "from_at": AT - timedelta(days=9)}
            session.add(PointOfContact(assignment_id=new_id(), client_id=old, **since))
        low = RetainerRanLow(
            matter_id=lease, client_id=old, terms_id=new_id(), terms_version=1,
            currency="USD", left=300_00, below=400_00, asked=700_00, ran_low_at=AT,
        )  # fmt: skip
        await hear(service.runtime, low)
        await mail_to(boxes, "old@clients.test")
        merged = ClientsMerged(
            client_id=people.clara, merged_id=old, merged_by=people.robert, merged_at=AT,
            reason=await sealed(service, people, "The same person"),
        )  # fmt: skip
        await hear(service.runtime, merged)
        await hear(service.runtime, low.model_copy(update={"ran_low_at": AT + timedelta(days=1)}))
        await mail_to(boxes, CLARA)
        before, after = await eventually(
            lambda: told(service.runtime, "MessageSent"), lambda sent: len(sent) == 2
        )
    assert (before["client_id"], after["client_id"]) == (str(old), str(people.clara))
    assert before["conversation_id"] == after["conversation_id"]


async def test_a_concern_is_acknowledged_answered_and_ended_in_mail(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        concern = new_id()
        due = ConcernDue(
            clock_id=new_id(), concern_id=concern, client_id=people.clara, matter_id=people.matter,
            opened_at=AT, target_at=AT + timedelta(days=2), limit_at=AT + timedelta(days=7),
            time_zone="UTC", policy_version=1, calendar_version=1,
        )  # fmt: skip
        await hear(service.runtime, due)
        await hear(service.runtime, due.model_copy(update={"revision": 2}))
        answer = BillingConcernAnswered(
            concern_id=concern, client_id=people.clara, matter_id=people.matter, step="answered",
            text=await sealed(service, people, "It was five minutes."), answered_by=people.ana,
            answered_at=AT,
        )  # fmt: skip
        await hear(service.runtime, answer)
        end = BillingConcernResolved(
            concern_id=concern, client_id=people.clara, matter_id=people.matter, outcome="dispute",
            arbitration_until=date(2026, 8, 12),
            arbitration_form="The Bar's form of 2013",
            text=await sealed(service, people, "We differ."),
            resolved_by=people.ana, resolved_at=AT,
        )  # fmt: skip
        await hear(service.runtime, end)
        settled = BillingDisputeSettled(
            concern_id=concern, client_id=people.clara, matter_id=people.matter,
            text=await sealed(service, people, "The arbitrator found it right."),
            settled_by=people.ana, settled_at=AT,
        )  # fmt: skip
        await hear(service.runtime, settled)
        mails = await mail_to(boxes, CLARA, 4)
    heard, answered, ended, decided = [text_of(one).replace("\n", " ") for one in mails]
    assert "Wednesday, 15 July 2026 at 16:00" in heard  # in her own zone
    assert "Monday, 20 July 2026" in heard
    assert "Ana" in heard
    assert "It was five minutes." in answered
    assert "fee arbitration by the local bar association until 12 August 2026" in ended
    assert "(The Bar's form of 2013). This email does not replace it." in ended
    assert "The arbitrator found it right." in decided


async def test_who_owns_a_concern_is_reminded_and_those_above_hear_of_the_breach(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        concern, now = new_id(), clock.now()
        facts = {
            "clock_id": new_id(), "kind": "concern", "conversation_id": concern,
            "client_id": people.clara, "matter_id": people.matter, "message_ids": (concern,),
        }  # fmt: skip
        warned = {"due_at": now, "detected_at": now, "target_at": now,
                  "limit_at": now + timedelta(days=3)}  # fmt: skip
        for threshold in ("PT24H", "target"):
            await hear(
                service.runtime,
                DeadlineWarned.model_validate(facts | warned | {"threshold": threshold}),
            )
        breach = facts | {"due_at": now, "detected_at": now, "policy_version": 1}
        await hear(service.runtime, DeadlineBreached.model_validate(breach))
        step = facts | {"step": 0, "role": "supervisor", "staff_id": people.robert,
                        "raised_at": now, "due_at": now}  # fmt: skip
        await hear(service.runtime, EscalationRaised.model_validate(step))
        to_ana = await mail_to(boxes, ANA, 3)
        (to_robert,) = await mail_to(boxes, ROBERT)
        (to_clara,) = await mail_to(boxes, CLARA)
    marks = [one["Subject"].split(":")[0] for one in to_ana]
    assert marks == ["Reminder", "Target passed", "Overdue"]
    assert to_robert["Subject"].startswith("Escalated: Clara Client waits for an answer about a")
    assert to_clara["Subject"] == "Auto: Our answer about your bill takes longer"
