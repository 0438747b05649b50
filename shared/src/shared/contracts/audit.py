"""Events of audit: what the record itself did."""

from pydantic import AwareDatetime

from shared.contracts.event import Event
from shared.contracts.platform import StreamHead


class RecordedThrough(Event, owner="audit", key="service", subject="service"):
    """Hourly, for each service: the number up to which each of its streams is in the log
    without a gap. Outbox janitors may delete what is covered and older than seven days."""

    service: str
    heads: tuple[StreamHead, ...]
    recorded_at: AwareDatetime
