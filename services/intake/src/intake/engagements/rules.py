"""How an agreement reads on paper, and who may sign it. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from intake.engagements.terms import AgreedFees, MustSign, Terms
from intake.names import rules as names
from intake.templates.wording import Section

STATEMENT = (
    "I have read this agreement with its fee terms and I sign it. I agree to do this business"
    " electronically; I could have signed on paper, and may still ask to."
)
ON_PAPER = "I have read this agreement with its fee terms and I sign it, on paper."
_UNITS = {"W": "week", "D": "day", "H": "hour", "M": "minute"}
# What a template may ask of any fee terms, whether they were disclosed or entered by hand.
_UNSAID: dict[str, Any] = {
    "rates": [], "expenses": None, "invoiced_every": None, "late_penalty": None,
    "terms_id": None, "version": None, "commitment": None,
}  # fmt: skip
WaitsFor = Literal["approval", "signatures", "counter-signature", "seal", "decision on a conflict"]
_WAITS_FOR: dict[str, WaitsFor] = {
    "draft": "approval",
    "proposed": "signatures",
    "accepted": "counter-signature",
    "countersigned": "seal",
}
NO_CONTINGENT_FEE_IN = frozenset({"family", "divorce", "criminal", "criminal-defense"})


class _Signs(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def capacity(self) -> str | None: ...
    @property
    def signs_for(self) -> str | None: ...


def waits_for(state: str, *, conflict: bool) -> WaitsFor | None:
    waiting = _WAITS_FOR.get(state)
    return "decision on a conflict" if waiting and conflict else waiting


def is_like(one: str, other: str) -> bool:
    """Whether a conflict check would take the two for one person."""
    return names.likeness(names.fold(one), names.fold(other)) is not None


def binds(signers: Iterable[MustSign], asked: Sequence[str]) -> bool:
    """Whether one who asked signs, or somebody signs with a capacity: for a company, a ward. A
    joint client's signature is theirs alone."""
    return any(
        one.capacity or any(is_like(one.name, name) for name in asked)
        for one in signers
        if not one.joint_client
    )


def bound_by(one: _Signs) -> str | None:
    """Whom we act for by this signature: who signs for themselves, or the joint client for whom
    they sign."""
    return one.signs_for or (None if one.capacity else one.name)


def joining(signers: Iterable[_Signs], known: Sequence[str]) -> list[str]:
    """Whom the signatures bind and who are none of these."""
    bound = [name for one in signers if (name := bound_by(one))]
    return [name for name in bound if not any(is_like(name, other) for other in known)]


def signing_again(joint: Iterable[_Signs], signers: Collection[_Signs]) -> list[str]:
    """Joint clients who are bound by this agreement too: an amendment names who left no more."""
    return [
        bound_by(one) or one.name
        for one in joint
        if any(is_like(one.name, each.name) for each in signers)
    ]


def named_twice(signers: Iterable[MustSign], asked: Sequence[str]) -> str | None:
    """A joint client who is the matter's client, or a joint client, already."""
    taken = list(asked)
    for name in (bound_by(one) for one in signers if one.joint_client):
        assert name, "a joint client signs, or is signed for"
        if any(names.is_same(name, other) for other in taken):
            return name
        taken.append(name)
    return None


def forbids_contingent_fee(kinds: Collection[str], practice_area: str) -> bool:
    """Model Rule 1.5(d): not in domestic relations, not in criminal matters."""
    return "contingent" in kinds and practice_area in NO_CONTINGENT_FEE_IN


def in_words(duration: str) -> str:
    """`PT24H` → `24 hours`."""
    found = re.fullmatch(r"PT?(\d+)([WDHM])", duration)
    assert found, "terms take no other form"
    count, unit = int(found.group(1)), _UNITS[found.group(2)]
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def for_template(
    terms: Terms,
    *,
    firm: str,
    parties: Sequence[str],
    jointly: Sequence[str],
    signers: Sequence[str],
    date: str,
) -> dict[str, Any]:
    """What a template may show; durations in words. `jointly`: all whom we represent beside each
    other, nobody when there is one client."""
    shown = terms.model_dump(mode="json")
    shown["fees"] = _UNSAID | shown["fees"]
    if isinstance(terms.fees, AgreedFees):
        shown["fees"]["explanation"] = _with_headings(terms.fees.explanation)
    for place in (shown["communication"], shown["fees"]):
        for name, value in place.items():
            if isinstance(value, str) and re.fullmatch(r"PT?\d+[WDHM]", value):
                place[name] = in_words(value)
    return {
        "firm": {"name": firm},
        "client": {"name": parties[0]},
        "parties": _in_turn(parties),
        "joint_clients": _in_turn(jointly),
        "signers": [{"name": one} for one in signers],
        "terms": shown,
        "date": date,
    }


def _in_turn(written: Sequence[str]) -> list[dict[str, Any]]:
    last = len(written) - 1
    return [{"name": one, "last": at == last} for at, one in enumerate(written)]


def fee_sections(words: str) -> list[tuple[str, str]]:
    """(heading, words) of what billing disclosed: sections stand apart, each under its heading."""
    blocks = [block.partition("\n") for block in re.split(r"\n\s*\n", words.strip())]
    return [(heading, rest) for heading, _, rest in blocks]


def _with_headings(words: str) -> str:
    return "\n\n".join(f"# {heading}\n{rest}" for heading, rest in fee_sections(words))


def for_print(
    sections: Sequence[Section], signers: Sequence[Mapping[str, str | None]], **facts: Any
) -> dict[str, Any]:
    """What the layout of an agreement is given."""
    return {
        "sections": [{"heading": one.heading, "body": one.body} for one in sections],
        "signers": list(signers),
        **facts,
    }
