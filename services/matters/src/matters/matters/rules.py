"""What an engagement says, as matters needs it."""

import re

from shared.contracts.intake import EngagementSigned


def agreed_cadence(every: str | None) -> int | None:
    """Whole days of an ISO 8601 duration such as `P14D`, `P2W` or `PT336H`; None where the firm's
    policy rules, or where it is shorter than a day or longer than a year."""
    found = re.fullmatch(r"P(?:(\d{1,3})W|(\d{1,4})D|T(\d{1,5})H)", every or "")
    if found is None:
        return None
    weeks, days, hours = (int(part or 0) for part in found.groups())
    whole = weeks * 7 + days + hours // 24
    return whole if 1 <= whole <= 366 else None


def opening_reason(event: EngagementSigned) -> str:
    return f"Engagement {event.engagement_id}, version {event.agreement_version}, signed by all."
