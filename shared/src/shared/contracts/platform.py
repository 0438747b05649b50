"""Events that every service tells of itself, in its own stream: `privity.<service>.<Name>.v1`."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.event import Event, Fact


class StreamHead(Fact):
    """How far one stream has been written."""

    partition: int
    epoch: int
    last_sequence: int


class AccessDenied(Event, owner="platform", key=("client_id", "caller_id"), subject="caller_id"):
    """A known caller was refused by the policy table: once per caller, action and ten minutes,
    with a count. Anonymous refusals are only counted in a metric."""

    caller_id: UUID
    role: str
    action: str
    client_id: UUID | None = None
    count: int = 1
    first_at: AwareDatetime


class RecordAccessed(Event, owner="platform", key="client_id", subject="client_id"):
    """A caller read a client's data: once per caller, client and ten minutes, told when that
    window has passed, with the number of reads. Fetching checkpoints and tiles is not a read."""

    caller_id: UUID
    role: str
    client_id: UUID
    purpose: Literal[
        "message", "original", "attachment", "timeline", "entries", "list", "client", "clock"
    ]
    count: int
    first_at: AwareDatetime
    last_at: AwareDatetime


class StreamHeadsStated(Event, owner="platform", key="service", subject="service"):
    """The last number of each of the service's streams that has one: at most each minute when
    they changed, each ten minutes when idle. A statement is not itself a change. It makes a cut
    tail visible."""

    service: str
    heads: tuple[StreamHead, ...]
    stated_at: AwareDatetime
