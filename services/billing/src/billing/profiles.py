"""What the law of a place adds to fee terms, as shipped profiles: data, not advice.

Each names its source; a firm has its own counsel check them before it relies on one.
"""

from dataclasses import dataclass
from typing import Literal

ProfileName = Literal["au-uniform-law", "us-california"]


@dataclass(frozen=True)
class Arbitration:
    """The form that must be served as it stands: no other words are a notice. `days` are counted
    from its service."""

    form: str
    days: int


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`words` are printed in the disclosure. With `signature_above` (currency, minor units) a
    higher expected cost needs a signed writing, and an unknown one too. `estimate_of_total`: the
    client is owed one in writing. `arbitration`: what a client is served when we differ, and for
    how long they may ask for it then."""

    name: str
    source: str
    words: tuple[str, ...]
    signature_above: tuple[str, int] | None = None
    estimate_of_total: bool = False
    arbitration: Arbitration | None = None

    def asks_signature(self, currency: str, expected: int | None) -> bool:
        if self.signature_above is None:
            return False
        limit_currency, limit = self.signature_above
        return expected is None or currency != limit_currency or expected > limit


PROFILES: dict[ProfileName, Profile] = {
    "au-uniform-law": Profile(
        name="Legal Profession Uniform Law (Australia), s 174",
        source="Legal Profession Uniform Law 2014 ss 174, 178",
        words=(
            "You receive a written estimate of the total legal costs. When anything happens that"
            " changes it significantly, we tell you at once, with enough to decide by, and give you"
            " a new estimate.",
            "We take reasonable steps to make sure that you have understood the proposed course and"
            " costs and agree to them; you may ask us anything about them before you do.",
            "You may negotiate a costs agreement, negotiate the billing method, receive a bill,"
            " ask for an itemised bill, and seek help from the local regulator in a dispute.",
        ),
        estimate_of_total=True,
    ),
    "us-california": Profile(
        name="California, Business and Professions Code §§ 6147, 6148, 6201",
        source="Cal. Bus. & Prof. Code §§ 6147, 6148(a)–(b), 6201(a)",
        words=(
            "This agreement is in writing because the cost to you is reasonably foreseeable to be"
            " more than $1,000, and you receive a signed copy of it.",
            "You may ask for a bill at any time, though not within 30 days of the last request, and"
            " receive it within 10 days. It states amount, rate and basis, and each cost.",
            "If we cannot agree on a fee, you may ask for arbitration by the local bar association"
            " within 30 days of our notice of your right to it.",
        ),
        signature_above=("USD", 100_000),
        # § 6201(a): the form that the State Bar's board prescribes; in force as of 7 March 2013.
        arbitration=Arbitration(
            "State Bar of California, Notice of Client's Right to Fee Arbitration"
            " (form effective 7 March 2013)",
            30,
        ),
    ),
}
