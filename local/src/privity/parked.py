"""Events that a service could not handle: seen and replayed at each service's own door."""

from collections.abc import Iterable
from typing import Any

from privity.clients import call, client
from privity.errors import Trouble
from privity.places import wire_name
from privity.stack import WITH_DATABASE, Stack

Parked = dict[str, Any]


def waiting(stack: Stack, services: Iterable[str] = WITH_DATABASE) -> list[Parked]:
    """Of all of these services, each event with the name of the service where it waits."""
    found: list[Parked] = []
    for service in services:
        with client(stack, service, "operations") as http:
            items = call(http, "GET", "/v1/parked").json()["items"]
        found += [{"service": wire_name(service)} | item for item in items]
    return found


def show(stack: Stack, event_id: str) -> Parked:
    service = _where(stack, event_id)
    with client(stack, service, "operations") as http:
        item: Parked = call(http, "GET", f"/v1/parked/{event_id}").json()
    return {"service": service} | item


def replay(stack: Stack, event_id: str) -> int:
    """Handle it and the later events of its key again, in order; how many they were."""
    with client(stack, _where(stack, event_id), "operations") as http:
        return int(call(http, "POST", f"/v1/parked/{event_id}/replay").json()["replayed"])


def _where(stack: Stack, event_id: str) -> str:
    for item in waiting(stack):
        if item["event_id"] == event_id:
            return str(item["service"])
    raise Trouble(f"No service has parked the event {event_id}.", "See `privity parked list`.")
