"""What breaks a silence, and the words by which something is known again."""

import re

from matters.told.models import Kind

LONGEST = 160
_SALUTATION = re.compile(
    r"^(dear|hello|hi|good (morning|afternoon|evening))\b[^,:!]{0,80}([,:!]+|$)\s*", re.I
)


def counts(kind: Kind, *, by_person: bool) -> bool:
    """Whether the client has heard from us by it, as sla-monitor's update clock has it (ADR-0019):
    a person answered or spoke with them. Not an acknowledgment, a question, or a machine's word."""
    return by_person and kind in ("answer", "call", "meeting")


def gist(text: str) -> str:
    """The first line that says something, cut at a word: what comes after the salutation, be it
    on the same line."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    said = next((rest for line in lines if (rest := _SALUTATION.sub("", line))), "")
    said = said or next((line for line in lines if line), "")
    said = said[:1].upper() + said[1:]
    if len(said) <= LONGEST:
        return said
    return said[: LONGEST - 1].rsplit(" ", 1)[0] + "…"
