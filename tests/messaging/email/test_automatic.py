"""Every rule of RFC 3834 and of the firm by which a machine keeps silent, and when it speaks."""

from datetime import UTC, datetime, timedelta

import pytest

from messaging.email.automatic import (
    Arrival,
    Authentication,
    Headers,
    Rule,
    Timing,
    Wording,
    acknowledgment_timing,
    is_automatic,
    may_acknowledge,
)

NOON = datetime(2026, 7, 13, 12, tzinfo=UTC)


def mail(
    *headers: tuple[str, str],
    from_address: str = "clara@clients.test",
    envelope_from: str = "clara@clients.test",
    addressed_to: tuple[str, ...] = ("office@firm.test",),
    authentication: Authentication = Authentication.PASSED,
    answered_after: timedelta | None = None,
    calendar_method: str | None = None,
) -> Arrival:
    return Arrival(
        headers=headers,
        from_address=from_address,
        envelope_from=envelope_from,
        addressed_to=frozenset(addressed_to),
        firm_addresses=frozenset({"office@firm.test", "ana@firm.test"}),
        authentication=authentication,
        answered_after=answered_after,
        calendar_method=calendar_method,
    )


def rule_for(arrival: Arrival | None, sent_today: int = 0) -> Rule | None:
    verdict = may_acknowledge(
        arrival,
        address_on_file="clara@clients.test",
        address_shared=False,
        automatic_today=sent_today,
    )
    assert (verdict.rule is None) == (verdict.wording is not Wording.NOTHING)
    return verdict.rule


@pytest.mark.parametrize(
    ("arrival", "rule"),
    [
        (mail(envelope_from=""), Rule.NULL_ENVELOPE_SENDER),
        (mail(envelope_from="<>"), Rule.NULL_ENVELOPE_SENDER),
        (mail(("Auto-Submitted", "auto-replied")), Rule.AUTO_SUBMITTED),
        (mail(("AUTO-SUBMITTED", "Auto-Generated; owner=x")), Rule.AUTO_SUBMITTED),
        (mail(("Auto-Submitted", "")), Rule.AUTO_SUBMITTED),
        (mail(("List-Id", "<bar.example>")), Rule.MAILING_LIST),
        (mail(("List-Unsubscribe", "<mailto:x@y>")), Rule.MAILING_LIST),
        (mail(("Precedence", "Bulk")), Rule.PRECEDENCE),
        (mail(("Precedence", "list")), Rule.PRECEDENCE),
        (mail(("Precedence", "junk")), Rule.PRECEDENCE),
        (mail(("Precedence", "auto_reply")), Rule.AUTO_REPLY_HEADER),
        (mail(("X-Autoreply", "yes")), Rule.AUTO_REPLY_HEADER),
        (mail(("X-Auto-Response-Suppress", "DR, OOF")), Rule.RESPONSE_SUPPRESSED),
        (mail(("X-Auto-Response-Suppress", "All")), Rule.RESPONSE_SUPPRESSED),
        (mail(("X-Loop", "office@firm.test")), Rule.LOOP_MARKER),
        (mail(from_address="MAILER-DAEMON@clients.test"), Rule.MACHINE_SENDER),
        (mail(envelope_from="postmaster@clients.test"), Rule.MACHINE_SENDER),
        (mail(envelope_from="owner-bar@lists.test"), Rule.MACHINE_SENDER),
        (mail(from_address="bar-request@lists.test"), Rule.MACHINE_SENDER),
        (mail(from_address="listserv@lists.test"), Rule.MACHINE_SENDER),
        (mail(from_address="Majordomo@lists.test"), Rule.MACHINE_SENDER),
        (mail(from_address="no-reply@clients.test"), Rule.MACHINE_SENDER),
        (mail(from_address="noreply+7@clients.test"), Rule.MACHINE_SENDER),
        (mail(from_address="do_not_reply@clients.test"), Rule.MACHINE_SENDER),
        (mail(("Content-Type", "multipart/report; report-type=delivery-status")), Rule.REPORT),
        (mail(("Content-Type", "message/feedback-report")), Rule.REPORT),
        (mail(calendar_method="REPLY"), Rule.CALENDAR_REPLY),
        (mail(from_address="Office@Firm.test"), Rule.OWN_ADDRESS),
        (mail(envelope_from="ana@firm.test"), Rule.OWN_ADDRESS),
        (mail(addressed_to=("friends@clients.test",)), Rule.NOT_ADDRESSED_TO_US),
        (mail(addressed_to=()), Rule.NOT_ADDRESSED_TO_US),
        (mail(("X-Spam-Flag", "YES")), Rule.SPAM),
        (mail(("X-Spam-Status", "Yes, score=9.1")), Rule.SPAM),
        (mail(authentication=Authentication.FAILED), Rule.AUTHENTICATION_FAILED),
        (mail(answered_after=timedelta(seconds=5)), Rule.MACHINE_ANSWER),
        (mail(("Precedence", "bulk"), answered_after=timedelta(hours=1)), Rule.MACHINE_ANSWER),
    ],
)
def test_each_rule_keeps_the_machine_silent_and_is_named(arrival: Arrival, rule: Rule) -> None:
    assert rule_for(arrival) is rule


@pytest.mark.parametrize(
    "arrival",
    [
        mail(),
        mail(("Auto-Submitted", "no")),
        mail(("Auto-Submitted", "No (a person)")),
        mail(("X-Auto-Response-Suppress", "DR, NDR, RN, NRN")),
        mail(("Precedence", "first-class")),
        mail(("Content-Type", 'multipart/mixed; boundary="report"')),
        mail(from_address="noreplyson@clients.test"),
        mail(from_address="request-desk@clients.test"),
        mail(addressed_to=("a@x.test", "OFFICE@FIRM.TEST")),
        mail(answered_after=timedelta(seconds=6)),
        mail(calendar_method="REQUEST"),
        None,
    ],
)
def test_a_persons_message_is_acknowledged_in_full(arrival: Arrival | None) -> None:
    assert rule_for(arrival) is None


def test_without_a_verdict_on_the_sender_only_the_constant_text_goes_out() -> None:
    verdict = may_acknowledge(
        mail(authentication=Authentication.UNKNOWN),
        address_on_file="clara@clients.test",
        address_shared=False,
        automatic_today=0,
    )
    assert (verdict.wording, verdict.rule) == (Wording.CONSTANT, None)


def test_nothing_goes_to_an_address_that_is_not_on_file_or_belongs_to_two() -> None:
    def rule(address: str | None, *, shared: bool) -> Rule | None:
        return may_acknowledge(
            None, address_on_file=address, address_shared=shared, automatic_today=0
        ).rule

    assert rule(None, shared=False) is Rule.NO_ADDRESS_ON_FILE
    assert rule("both@clients.test", shared=True) is Rule.ADDRESS_SHARED


def test_the_twenty_first_automatic_mail_of_a_day_is_a_persons_task() -> None:
    assert rule_for(mail(), sent_today=19) is None
    assert rule_for(mail(), sent_today=20) is Rule.DAILY_CAP
    assert rule_for(None, sent_today=20) is Rule.DAILY_CAP


@pytest.mark.parametrize(
    ("headers", "automatic"),
    [
        ([("Auto-Submitted", "auto-replied")], True),
        ([("Content-Type", "multipart/report")], True),
        ([("X-Autorespond", "I am away")], True),
        ([("List-Id", "<neighbours.example>"), ("Precedence", "list")], False),
        ([("Precedence", "bulk")], False),
        ([("X-Auto-Response-Suppress", "All")], False),
        ([], False),
    ],
)
def test_only_what_a_machine_wrote_opens_no_clock(headers: Headers, automatic: bool) -> None:
    assert is_automatic(headers) is automatic


def test_what_our_own_machine_says_is_seen_as_automatic_by_itself() -> None:
    assert is_automatic([("Auto-Submitted", "auto-generated"), ("X-Loop", "office@firm.test")])


def test_a_new_conversation_is_acknowledged_at_once() -> None:
    assert acknowledgment_timing(
        now=NOON, last_acknowledged_at=None, waiting_until=None, urgent=False
    ) == Timing(at=NOON)


def test_what_follows_within_ten_minutes_is_grouped_at_their_end() -> None:
    second = acknowledgment_timing(
        now=NOON + timedelta(minutes=2),
        last_acknowledged_at=NOON,
        waiting_until=None,
        urgent=False,
    )
    third = acknowledgment_timing(
        now=NOON + timedelta(minutes=7),
        last_acknowledged_at=NOON,
        waiting_until=second.at,
        urgent=False,
    )
    assert second == Timing(at=NOON + timedelta(minutes=10))
    assert third == Timing(at=NOON + timedelta(minutes=10), joins=True)


def test_after_ten_minutes_the_next_message_is_acknowledged_at_once_again() -> None:
    later = NOON + timedelta(minutes=11)
    timing = acknowledgment_timing(
        now=later, last_acknowledged_at=NOON, waiting_until=None, urgent=False
    )
    assert timing == Timing(at=later)


def test_an_urgent_message_waits_for_no_group() -> None:
    soon = NOON + timedelta(minutes=1)
    timing = acknowledgment_timing(
        now=soon, last_acknowledged_at=NOON, waiting_until=NOON + timedelta(minutes=10), urgent=True
    )
    assert timing == Timing(at=soon)
