"""Which wishes need the client's consent before the firm may follow them."""

from collections.abc import Mapping

# A text message and a newsletter need the client's own, standing permission; the rest is theirs to
# wish for.
NEEDS_CONSENT = {"sms": "sms", "newsletter": "newsletter"}


def consents_needed(preferences: Mapping[str, str]) -> set[str]:
    """Purposes of the consents that these wishes need: of a channel, or of a purpose of ours."""
    return {
        consent
        for word, consent in NEEDS_CONSENT.items()
        if word in preferences or word in preferences.values()
    }


def without(preferences: Mapping[str, str], consent: str) -> dict[str, str]:
    """What is left to wish for when this consent is gone."""
    words = {word for word, needed in NEEDS_CONSENT.items() if needed == consent}
    return {
        purpose: wish
        for purpose, wish in preferences.items()
        if purpose not in words and wish not in words
    }
