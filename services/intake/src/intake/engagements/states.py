"""Where an agreement must stand for a step."""

from intake.engagements.models import Engagement, State
from shared import clock
from shared.errors import Refusal


class EngagementMovedOn(Refusal):
    """It is no longer in the state that this asks for: read it anew."""


class OfferExpired(Refusal):
    """The time to sign has passed; the firm can propose it again."""

    status = 410


class AlreadySigned(Refusal):
    """This person has signed; nothing is signed twice."""


def require(row: Engagement, *states: State) -> None:
    if row.state not in states:
        raise EngagementMovedOn(f"The engagement is {row.state}, not {' or '.join(states)}.")


def require_open(row: Engagement) -> None:
    if row.state == "proposed" and row.expires_at is not None and row.expires_at <= clock.now():
        raise OfferExpired("The time to sign has passed. Please ask us to send it again.")
    require(row, "proposed")
