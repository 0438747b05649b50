"""What is urgent, and in which state a message is: no session, no clock."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Literal

State = Literal[
    "quarantined", "received", "acknowledged", "answered",
    "held", "withdrawn", "queued", "sending", "accepted", "failed", "bounced", "recorded",
]  # fmt: skip


def is_urgent(words: Collection[str], *texts: str) -> bool:
    """Whether one of the policy's words stands in one of the texts. In doubt it is urgent."""
    if not words:
        return False
    pattern = "|".join(re.escape(word.casefold()) for word in words)
    found = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")
    return any(found.search(" ".join(text.casefold().split())) for text in texts)


def inbound_state(
    *, quarantined: bool, acknowledged_at: datetime | None, answered_at: datetime | None
) -> State:
    if quarantined:
        return "quarantined"
    if answered_at:
        return "answered"
    return "acknowledged" if acknowledged_at else "received"


def earliest(*instants: datetime | None) -> datetime | None:
    return min((one for one in instants if one), default=None)
