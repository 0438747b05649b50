"""How a case is seen, in a letter; and words that promise an outcome. No lawyer can keep such a
promise, and none may make it (Model Rule 7.1); a sentence that does is found here and shown to who
wrote it."""

import re
import unicodedata
from dataclasses import dataclass

from shared.errors import Refusal

# Promises are looked for in words as `_plain` spells them: small letters, no short forms.
_HEDGED = "likely|possibly|probably|hopefully|potentially|presumably"
_SURELY = rf"(?:(?!{_HEDGED})\w+ly |of course |no doubt |always |indeed |in the end )*"
_WILL = rf"{_SURELY}(?:will|shall|(?:am|are|is) {_SURELY}(?:going to|gonna)) {_SURELY}"
_PRIZE = (
    r"(?:(?:the|your|our|an?|all|of|full|sole|joint|whole|entire|good|fair|back) )*"
    r"(?:house|home|child(?:ren)?|custody|damages|compensation|visa|green card|residence|asylum"
    r"|citizenship|deposit|bail|acquittal|inheritance|pension|injunction|everything"
    r"|(?:verdict|judge?ment|decision|ruling) in (?:your|our) favou?r|what you want)\b"
    r"(?! (?:keys|papers|deeds?|forms?|letters?|application|number|hearing|order|agreement)\b)"
)
_WON = (
    r"(?:win|succeed(?! (?:to|as|him|her|them|me|your)\b)|prevail|(?:walk|go) free"
    r"|be (?:acquitted|cleared|set free|vindicated|released(?! from)|paid in full)"
    rf"|(?:get|obtain|receive|keep|be (?:given|granted|awarded)) {_PRIZE}"
    r"|avoid (?:prison|jail|a conviction|conviction|deportation|eviction)|beat them)\b"
)
_CASE = r"(?:claim|case|appeal|motion|application|petition|defen[cs]e|(?:law)?suit|visa|charges?)"
_FINE = r"(?:outcome|result|success|victory|win|acquittal|verdict)"
_LOST = (
    r"(?:lose|fail)(?=$|[.,;:!?)]"
    r"| (?:this|the|your|our) (?:case|trial|appeal|house|home|children)\b"
    r"| (?:in court|at trial))"
)
_COURT = r"(?:court|judge|jury|tribunal|arbitrator|magistrate)"
_ALL = r"(?:100|an? hundred|one hundred) ?(?:%|per ?cent|in a hundred|out of 100)"
_PROMISES = re.compile(
    "|".join(
        (
            rf"\b(?:we|you|i|your \w+) {_WILL}{_WON}",
            rf"\b(?:certain|sure|bound|guaranteed|destined) to {_WON}",
            r"\b(?:we|i|our firm) (?:(?:can|do|will|hereby|even|\w+ly) )*guarantee\b",
            rf"\b(?:is|are) {_SURELY}guaranteed\b(?! (?:by|under|in|as)\b)",
            rf"\bguaranteed {_FINE}\b",
            rf"\b(?:promise|assure|guarantee)s? (?:you )?(?:of )?(?:an? |the )?(?:\w+ )?{_FINE}\b",
            rf"\b(?:promise|assure|swear|my word) (?:to )?(?:you )?(?:that )?(?:the|your) "
            rf"(?:\w+ )?(?:{_COURT}|{_CASE}) {_WILL}",
            rf"\b(?:certain|sure|assured) (?:of )?(?:an? )?{_FINE}\b",
            rf"\b{_FINE} (?:is|are) {_SURELY}(?:certain|assured|sure|inevitable|safe)\b",
            rf"\b(?:can|could|will|am going to|are going to) (?:not|never) (?:\w+ly )?{_LOST}",
            r"\byou (?:will|are) (?:not|never) (?:going to )?"
            r"(?:go to (?:prison|jail)|be (?:convicted|deported|evicted))\b",
            r"\bno (?:way|chance)\b[^.;:]{0,20}\b(?:lose|fail)\b",
            r"\b(?:no|zero|without any) risk\b",
            rf"\b(?:no|any) doubt (?:about|as to|of) (?:\w+ ){{0,2}}{_FINE}\b",
            rf"\b{_ALL}(?= (?:sure|certain|chance|safe|success|likelihood|positive|win)\b)",
            rf"\b(?:chances?|odds|probability|likelihood|prospects?)\b[^.;:]{{0,25}}\b{_ALL}",
            rf"\b{_COURT} (?:{_WILL}|must {_SURELY})(?:(?:decide|rule|find|hold)(?: \w+)? "
            r"(?:in (?:your|our) favou?r|for (?:you|us)|against them)"
            r"|(?:side|agree) with (?:you|us)|believe (?:you|us)|acquit"
            r"|(?:grant|uphold) (?:you|our))",
            rf"\b(?:the|your|our|this|all) (?:\w+ )?{_CASE} {_WILL}(?:succeed|win|prevail"
            r"|be (?:won|granted|approved|upheld|successful|dropped))\b",
            rf"\b(?:their|his|her|the \w+'s) {_CASE} {_WILL}(?:fail|collapse|be (?:dismissed|"
            r"rejected|thrown out))\b",
            r"\b(?:nothing can|can not) go wrong\b",
            r"\b(?:sure|safe) (?:thing|win|bet)\b|\bslam dunk\b|\bopen and shut\b"
            r"|\bforegone conclusion\b|\bas good as won\b",
        )
    )
)
_CLAUSE = re.compile(r"[,;:.!?()–—]| (?:but|and|so|because|yet) ")
_DENIED = re.compile(
    r"\b(?:no|not|nobody|none|never|nor|neither|without|ask|(?:un)?likely|possibl[ey]|probabl[ey]"
    r"|perhaps|maybe|might|could|hope|hopes|doubtful)\b"
)
_CONDITION = re.compile(r"\b(?:if|unless|whether|provided|assuming)\b")
_OR_NOT = re.compile(r"\bor (?:lose|fail|not|refus|reject|deni|dismiss)")
# These deny nothing, and make nothing a condition, although they have the words.
_HOLLOW = re.compile(
    r"\b(?:no doubt|without (?:any |a )?(?:doubt|question)|no question|no matter \w+|even if"
    r"|if you ask me|if i may say so|if anything|may (?:be|rest) (?:sure|assured|certain))\b"
)
_SENTENCE = re.compile(r".+?(?:[.!?…]+(?=[\s\"'”’)]|$)|\n(?=\s*(?:\n|[-–—•*] ))|\Z)", re.DOTALL)
_SHORT = (
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\b(?:can't|cannot)\b"), "can not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"\b(it|that|there)'s\b"), r"\1 is"),
)
# Cyrillic a e o r s u kh i dz, and typographic apostrophes.
_LOOK_LATIN = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u2019\u02bc`", "aeopcyxis" + "'" * 3
)


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
    """The sentences that promise an outcome. One that denies or doubts it, or makes it a condition,
    does not: "we cannot guarantee", "you will probably win", "if you win"."""
    sentences = (found[0].strip() for found in _SENTENCE.finditer(text))
    return [one for one in sentences if _promises(_plain(one))]


def _promises(sentence: str) -> bool:
    return any(
        not _qualified(sentence[: found.start()], sentence[found.end() :])
        for found in _PROMISES.finditer(sentence)
    )


def _qualified(before: str, after: str) -> bool:
    """A denial or doubt reaches to the end of its clause, a condition to that of its sentence."""
    before, after = _HOLLOW.sub("", before), _HOLLOW.sub("", after)
    doubted = _DENIED.search(_CLAUSE.split(before)[-1]) or _OR_NOT.search(after)
    return bool(doubted or _CONDITION.search(before) or _CONDITION.search(after))


def _plain(words: str) -> str:
    """One spelling for what reads alike: no accents, invisible or look-alike letters, and no short
    forms, hyphens or line ends."""
    apart = unicodedata.normalize("NFKD", words).casefold().translate(_LOOK_LATIN)
    seen = "".join(one for one in apart if unicodedata.category(one) not in ("Cf", "Mn"))
    for short, full in _SHORT:
        seen = short.sub(full, seen)
    return " ".join(re.split(r"[\s\u2010\u2011-]+", seen)).strip()


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
