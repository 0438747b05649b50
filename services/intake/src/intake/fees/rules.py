"""What kinds of fee come to in one word. Pure."""

from collections.abc import Collection

from shared.contracts.billing import FeeKind
from shared.contracts.intake import FeeBasis


def basis(kinds: Collection[FeeKind]) -> FeeBasis:
    """A cap only limits what is charged by the hour."""
    counted = set(kinds) - {"capped"}
    if len(counted) != 1:
        return "mixed"
    (kind,) = counted
    return "mixed" if kind == "capped" else kind
