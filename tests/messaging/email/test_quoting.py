"""Quoted history is trimmed; what somebody wrote never is."""

import pytest

from messaging.email.quoting import reply_of
from support.work import calls

HISTORY = [
    "On Tue, 14 Jul 2026 at 10:00, Firm <office@firm.test> wrote:\n> old\n>\n> older\n",
    "On Tue, 14 Jul 2026 at 10:00, A Long Name\n<office@firm.test> wrote:\n\n> old",
    "Am 14.07.2026 um 10:00 schrieb Firm <office@firm.test>:\n> alt",
    "Le mar. 14 juil. 2026 à 10:00, Firm <office@firm.test> a écrit :\n> vieux",
    "-----Original Message-----\nFrom: Firm\nSent: Tuesday\nTo: Jane\nSubject: x\n\nold",
    "________________________________\nVon: Firm\nGesendet: Dienstag\nAn: Jane\nBetreff: x\nalt",
    "From: Firm <office@firm.test>\nDate: Tuesday\nTo: Jane\nSubject: x\n\nold text",
    "> only quoted\n> lines",
]


@pytest.mark.parametrize("history", HISTORY)
def test_the_history_below_is_trimmed(history: str) -> None:
    assert reply_of(f"Yes, I agree.\n\nJane\n\n{history}") == "Yes, I agree.\n\nJane"


@pytest.mark.parametrize("history", HISTORY)
def test_a_mail_of_history_alone_is_kept(history: str) -> None:
    assert reply_of(history) == history.strip()


@pytest.mark.parametrize(
    "text",
    [
        "On 1 Jul 2026, Firm wrote:\n> when?\nTomorrow.\n> where?\nHere.",
        "> when?\n\nTomorrow.",
        "On Monday I wrote: please call me.\nNobody did.",
        "From: what you said I gather that\nthe date is fixed.",
        "-----\nA list of what I have\n-----",
        "",
    ],
)
def test_words_between_or_below_quotes_are_kept(text: str) -> None:
    assert reply_of(text) == text


@pytest.mark.parametrize(
    "line", ["\n\n\n\n", "On 1 ", "On 1\n", "On 1 wrote:\n> x\ny\n", "From: x\n", "> \nx\n"]
)
def test_twice_the_text_is_at_most_twice_the_work(line: str) -> None:
    once, twice = (calls(reply_of, line * count) for count in (5_000, 10_000))
    assert twice < 2.2 * once + 100
