"""What is urgent and how far a message has come."""

from datetime import UTC, datetime

import pytest

from messaging.conversations.rules import earliest, inbound_state, is_urgent

NOW = datetime(2026, 7, 14, tzinfo=UTC)
WORDS = ("urgent", "as soon as possible")


@pytest.mark.parametrize("text", ["URGENT!", "please, as soon\nas  possible", "(urgent)"])
def test_a_word_of_the_policy_makes_it_urgent(text: str) -> None:
    assert is_urgent(WORDS, "subject", text)


@pytest.mark.parametrize("text", ["insurgents", "urgently", "as soon as", ""])
def test_other_words_do_not(text: str) -> None:
    assert not is_urgent(WORDS, text)
    assert not is_urgent((), "urgent")


def test_the_state_is_the_furthest_reached() -> None:
    def state(**more: datetime) -> str:
        facts = {"acknowledged_at": None, "answered_at": None} | more
        return inbound_state(quarantined=False, **facts)

    assert state() == "received"
    assert state(acknowledged_at=NOW) == "acknowledged"
    assert state(acknowledged_at=NOW, answered_at=NOW) == "answered"
    assert inbound_state(quarantined=True, acknowledged_at=None, answered_at=None) == "quarantined"
    assert earliest(None, NOW) == NOW
    assert earliest(None) is None
