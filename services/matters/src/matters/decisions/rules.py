"""Which decisions need writing, which words count as such, and what joint clients decided."""

from collections.abc import Iterable

from matters.decisions.models import Channel
from shared.contracts.matters import DecisionKind, Jointly

# Model Rules 1.2(a), 1.4(a)(1), 1.7(b)(4), 1.8: the client's own, with informed consent; the firm
# asks for each of these in writing.
IN_WRITING: frozenset[DecisionKind] = frozenset(
    {"settlement_offer", "plea_offer", "jury_waiver", "conflict_waiver", "fee_change"}
)
WRITTEN: frozenset[Channel] = frozenset({"portal", "email", "letter"})


def needs_writing(kind: DecisionKind, asked: bool) -> bool:
    """What the rule needs nobody can waive; more may be asked for."""
    return asked or kind in IN_WRITING


def jointly(answers: Iterable[tuple[str, str | None]]) -> Jointly:
    """What joint clients have decided, of (state, chosen) of each. Different answers are none,
    however many are still to come; who is asked no more does not count."""
    standing = [(state, chosen) for state, chosen in answers if state != "withdrawn"]
    if len({chosen for state, chosen in standing if state == "recorded"}) > 1:
        return "divided"
    return "waiting" if any(state == "requested" for state, _ in standing) else "agreed"
