"""Each event in one line that a person understands, whatever is missing from it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from polyfactory.factories.pydantic_factory import ModelFactory

from audit import timeline
from audit.timeline import WORDS, Reader
from shared.contracts import CONTRACTS, Event
from shared.contracts.matters import DecisionRecorded
from shared.contracts.messaging import MessageBounced, StaffNotified
from shared.contracts.sla_monitor import (
    ClockCancelled,
    ClockMet,
    DeadlineBreached,
    DeadlineWarned,
    EscalationRaised,
)
from shared.keyring import FileKeyProvider, Keyring

FRIDAY = datetime(2026, 7, 10, 20, 30, tzinfo=UTC)
ONE = UUID(int=1)
CLOCK = {"clock_id": ONE, "kind": "response", "conversation_id": ONE, "message_ids": (ONE,)}


@dataclass
class Row:
    type: str
    value: bytes = b"{}"
    index: int = 0
    fact_at: datetime = FRIDAY
    event_id: UUID = ONE


@pytest.fixture
def reader(tmp_path: Any) -> Reader:
    kek = tmp_path / "kek"
    kek.write_bytes(bytes(32))
    return Reader(Keyring("postgresql://none", FileKeyProvider(kek)), "Europe/Berlin", False)


def line(event: Event, reader: Reader) -> str:
    row = Row(event.type_name(), event.model_dump_json().encode())
    return timeline.item(row, timeline.event_of(row), reader).summary


def test_clocks_are_told_in_plain_words(reader: Reader) -> None:
    due, seen = FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=2)
    warned = {"due_at": due, "detected_at": seen, "target_at": due, "limit_at": due}
    told = [
        (ClockMet(**CLOCK, met_at=FRIDAY, cause_id=ONE), "Answer given in time"),
        (ClockMet(**CLOCK, met_at=FRIDAY, cause_id=ONE, late=True), "Answer given, late"),
        (
            DeadlineWarned(**CLOCK, **warned, threshold="PT4H"),
            "Answer soon due: at the latest Sat 11 Jul 22:30",
        ),
        (
            DeadlineWarned(**CLOCK, **warned, threshold="target"),
            "Answer takes longer: at the latest Sat 11 Jul 22:30",
        ),
        (
            DeadlineBreached(**CLOCK, due_at=due, detected_at=seen, policy_version=1),
            "Answer overdue since Sat 11 Jul 22:30",
        ),
        (
            EscalationRaised(**CLOCK, step=2, role="managing_partner", raised_at=due, due_at=due),
            "Answer escalated to the managing partner",
        ),
        (
            ClockCancelled(**CLOCK, cancelled_at=FRIDAY, reason="refiled"),
            "Answer no longer owed (refiled)",
        ),
    ]
    for event, words in told:
        assert line(event, reader) == words


def test_other_facts_are_told_in_plain_words(reader: Reader) -> None:
    bounced = MessageBounced(
        message_id=ONE, conversation_id=ONE, client_id=ONE, bounced_at=FRIDAY, status="5.1.1"
    )
    told = StaffNotified(
        notice_id=ONE, staff_id=ONE, conversation_id=ONE, about="message", notified_at=FRIDAY
    )
    for jointly, words in (
        (None, "Decided: accept"),
        ("waiting", "Decided: accept; of the joint clients not all have answered"),
        (
            "divided",
            "Decided: accept; the joint clients are divided and have decided nothing together",
        ),
    ):
        decided = DecisionRecorded(
            decision_id=ONE, matter_id=ONE, client_id=ONE, option="accept", decided_by=ONE,
            channel="portal", in_writing=True, recorded_by=ONE, recorded_at=FRIDAY, jointly=jointly,
        )  # fmt: skip
        assert line(decided, reader) == words
    assert line(bounced, reader) == "Came back undelivered (5.1.1)"
    assert line(told, reader) == "Staff were told (message)"


def test_a_letter_is_told_by_its_first_line_not_by_its_salutation() -> None:
    assert timeline.first_line("\n Dear Mr. Petit,\n\nthe court sits.\n") == "the court sits."
    assert timeline.first_line("Dear Ann, no news.\nEve") == "Dear Ann, no news."
    assert timeline.first_line("Hello Ann!\n\n") == "Hello Ann!"
    assert timeline.first_line(" \n ") == ""


def test_every_word_is_for_an_event_that_exists() -> None:
    kinds = {name.split(".")[2] for name in CONTRACTS}
    assert timeline.WORDS.keys() <= kinds
    assert kinds >= timeline.SHOWN_TO_CLIENTS


@pytest.mark.parametrize(
    ("type_name", "summary"),
    [
        ("privity.matters.SettlementReached.v1", "Settlement reached"),
        ("privity.messaging.MessageSent.v1", "Message sent"),
        ("strange", "Strange"),
        ("", ""),
    ],
)
def test_an_event_that_cannot_be_understood_is_named_at_least(
    reader: Reader, type_name: str, summary: str
) -> None:
    row = Row(type_name, b"\xff")
    assert timeline.item(row, timeline.event_of(row), reader).summary == summary


def test_a_zone_that_nobody_knows_is_no_reason_to_fail(reader: Reader) -> None:
    assert reader.time(FRIDAY, "Mars/Olympus") == "Fri 10 Jul 20:30"
    assert reader.time(FRIDAY, "../etc/passwd") == "Fri 10 Jul 20:30"


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_every_kind_that_has_words_is_told_in_them(kind: str, reader: Reader) -> None:
    """Whatever a contract's event holds: a summary that failed would hide a whole timeline."""
    contract = next(one for one in set(CONTRACTS.values()) if one.__name__ == kind)
    for _ in range(5):
        event = ModelFactory.create_factory(contract).build()
        assert 0 < len(line(event, reader)) <= timeline.LONGEST_SUMMARY
