"""Which decisions need writing, and which words count as such."""

from matters.decisions.models import Channel
from shared.contracts.matters import DecisionKind

# Model Rules 1.2(a), 1.4(a)(1), 1.7(b)(4), 1.8: the client's own, with informed consent; the firm
# asks for each of these in writing.
IN_WRITING: frozenset[DecisionKind] = frozenset(
    {"settlement_offer", "plea_offer", "jury_waiver", "conflict_waiver", "fee_change"}
)
WRITTEN: frozenset[Channel] = frozenset({"portal", "email", "letter"})


def needs_writing(kind: DecisionKind, asked: bool) -> bool:
    """What the rule needs nobody can waive; more may be asked for."""
    return asked or kind in IN_WRITING
