"""All facts that travel, filed by the service that owns them; data only, no machinery.

`PARTITIONS` is fixed for ever: the partition is part of a stream's name.
The topic of an owner is `<prefix>.<owner>`, by default `privity.<owner>`.
"""

from uuid import UUID

from shared.contracts import audit, intake, matters, messaging, platform, sla_monitor
from shared.contracts.event import ContentRef, Envelope, Event, Fact, Sealed, partition_of, rfc3339

PARTITIONS = 12
OWNERS = ("matters", "messaging", "sla-monitor", "audit", "intake")
FIRM_ID = UUID("00000000-0000-7000-8000-000000000001")


def _contracts() -> dict[str, type[Event]]:
    """Every published type name and its class; platform events exist once per owner."""
    found: dict[str, type[Event]] = {}
    for module in (platform, matters, messaging, sla_monitor, audit, intake):
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, Event) and item.owner:
                owners = OWNERS if item.owner == "platform" else (item.owner,)
                found |= {item.type_name(owner): item for owner in owners}
    return found


CONTRACTS = _contracts()


__all__ = [
    "CONTRACTS",
    "FIRM_ID",
    "OWNERS",
    "PARTITIONS",
    "ContentRef",
    "Envelope",
    "Event",
    "Fact",
    "Sealed",
    "partition_of",
    "rfc3339",
]
