"""How a case is seen, in a letter; and words that promise an outcome. No lawyer can keep such a
promise, and none may make it (Model Rule 7.1); a sentence that does is found here and shown to who
wrote it."""

import re
from dataclasses import dataclass

from shared.errors import Refusal

_OUTCOME = (
    r"(win|succeed|prevail|get|receive|obtain|keep|avoid|be (acquitted|released|granted|paid))"
)
_PROMISES = re.compile(
    "|".join(
        (
            r"\bguarantee(s|d)?\b",
            r"\b(100|one hundred) ?(%|per ?cent)",
            rf"\b(we|you|i) (will|shall) (surely |certainly |definitely )?{_OUTCOME}\b",
            rf"\b(certain|sure|bound|guaranteed) to {_OUTCOME}\b",
            r"\b(cannot|can't|can not) (lose|fail)\b",
            r"\b(no|without any) (risk|doubt)( at all)?\b",
            r"\b(promise|assure) (you )?(that )?(we|you|the court|a|the) ",
            r"\bthe (court|judge|jury) (will|must) (certainly |surely )?"
            r"(decide|rule|find|grant|acquit)\b[^.]*\b(favou?r|you|us)\b",
            r"\bnothing can go wrong\b",
            r"\b(sure|safe) (thing|win)\b",
        )
    ),
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(no|not|nobody|never|cannot|can't|don't|do not|nor|without|neither|if|unless|whether)\b"
    r"[^.;:]{0,40}$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]?")


SUBJECT = "How we see your case"


@dataclass(frozen=True, kw_only=True)
class View:
    """Prospects and timeline are ranges, in words and figures."""

    prospects: str
    risks: str
    limits: str
    timeline: str


class PromisesOutcome(Refusal):
    """Words promise an outcome: say what is likely, what speaks against it, and what is open."""

    status = 422


def promises_in(text: str) -> list[str]:
    """The sentences that promise an outcome. One that denies it, or that makes it a condition, does
    not: "we cannot guarantee", "if you win"."""
    return [
        sentence[0].strip()
        for sentence in _SENTENCE.finditer(text)
        if any(
            not _DENIED.search(sentence[0][: found.start()])
            for found in _PROMISES.finditer(sentence[0])
        )
    ]


def require_no_promise(*texts: str) -> None:
    """Raises PromisesOutcome with the sentences."""
    sentences = [one for text in texts for one in promises_in(text)]
    if sentences:
        raise PromisesOutcome(
            "These words promise an outcome; say what is likely and what speaks against it: "
            + " ".join(f"“{one}”" for one in sentences),
            sentences=sentences,
        )


def letter(view: View, version: int, *, client: str, author: str) -> str:
    """The view as the client reads it. A later version takes the place of what they know."""
    lead = "this is how we see your case today, as far as it can be seen."
    if version > 1:
        lead = "we see your case differently now; this takes the place of what we told you before."
    return "\n\n".join(
        (
            f"Dear {client},",
            lead,
            f"How it may end\n{view.prospects}",
            f"What speaks against it\n{view.risks}",
            f"What we do not know, or cannot do\n{view.limits}",
            f"How long it may take\n{view.timeline}",
            "Please tell us that you have read this, in the portal or by answering this message. It"
            " does not mean that you agree: if anything is unclear or worries you, call me.",
            author,
        )
    )
