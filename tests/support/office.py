"""A whole platform as processes, as `privity up` starts it, with a firm that has work to do."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx2
import pytest

from privity import mail, servers, status, up
from privity.clients import call
from privity.keys import signing_key
from privity.mail import Letter, Mail
from privity.places import Ports
from privity.stack import Stack
from privity.tokens import mint

T = TypeVar("T")


@dataclass(frozen=True)
class Client:
    """A client of the firm with one matter, and who their point of contact is."""

    id: str
    email: str
    matter_id: str
    matter_number: str
    contact_id: str


@dataclass(frozen=True)
class Office:
    """The running platform, spoken to from outside only."""

    stack: Stack

    @contextmanager
    def http(
        self, role: str = "partner", service: str = "gateway", **claims: str
    ) -> Iterator[httpx2.Client]:
        token = mint(signing_key(self.stack.key("issuer")), self.stack.issuer, role, **claims)
        with httpx2.Client(
            base_url=self.stack.ports.url(service),
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
        ) as http:
            yield http

    def get(self, path: str, role: str = "partner", **params: Any) -> Any:
        with self.http(role) as http:
            return call(http, "GET", path, params=params).json()

    def post(self, path: str, body: dict[str, Any], role: str = "partner", **claims: str) -> Any:
        with self.http(role, **claims) as http:
            return call(http, "POST", path, json=body).json()

    def put(self, path: str, body: dict[str, Any], role: str = "partner") -> Any:
        with self.http(role) as http:
            return call(http, "PUT", path, json=body).json()

    def staff(self, email: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/v1/staff", email=email)["items"][0]
        return found

    def client(self, name: str = "Clara Client", contact: str = "attorney@firm.test") -> Client:
        """A new client in Berlin with a matter."""
        address = f"{name.split()[0].lower()}.{uuid4().hex[:8]}@clients.test"
        contact_id = self.staff(contact)["id"]
        made = self.post(
            "/v1/clients",
            {
                "name": name,
                "email": address,
                "point_of_contact_id": contact_id,
                "time_zone": "Europe/Berlin",
            },
        )
        matter = self.post(
            "/v1/matters",
            {
                "client_id": made["id"],
                "title": "Lease of the harbour office",
                "practice_area": "real-estate",
                "point_of_contact_id": contact_id,
                "reason": "Long-standing client; engagement letter on file.",
            },
        )
        return Client(made["id"], address, matter["id"], matter["number"], contact_id)

    def write(self, sender: str, text: str, **more: Any) -> EmailMessage:
        """A mail of this sender to the firm; 250 was given for it."""
        to = more.pop("to", "office@firm.test")
        subject = more.pop("subject", "A question")
        message = mail.compose(Letter(sender, to, subject, text, **more))
        mail.send(self.stack, message)
        return message

    def inbox(self, address: str) -> list[Mail]:
        return mail.inbox(self.stack, address)

    def message_of(self, client: Client, number: int = 0) -> dict[str, Any]:
        """The newest (or number-th newest) inbound message of the client, once it is there."""

        def found() -> list[dict[str, Any]]:
            listed = self.get("/v1/messages", client_id=client.id, limit=100)["items"]
            inbound = [one for one in listed if one["direction"] == "inbound"]
            return sorted(inbound, key=lambda one: str(one["received_at"]), reverse=True)

        return until(found, lambda items: len(items) > number)[number]

    def clocks(self, message_id: str) -> dict[str, dict[str, Any]]:
        """The clocks of a message by kind, once both are there; a third is of triage, where a mail
        came before its sender's registration was heard."""

        def found() -> dict[str, dict[str, Any]]:
            items = self.get("/v1/clocks", message_id=message_id)["items"]
            return {one["kind"]: one for one in items}

        return until(found, lambda clocks: {"acknowledgment", "response"} <= clocks.keys())

    def clock(self, message_id: str, kind: str, state: str, seconds: float = 60) -> dict[str, Any]:
        """That clock of the message, once it is in that state."""
        found = until(
            lambda: self.clocks(message_id), lambda one: one[kind]["state"] == state, seconds
        )
        return found[kind]


def until(look: Callable[[], T], is_so: Callable[[T], bool] = bool, seconds: float = 60) -> T:
    """The first value for which it is so; AssertionError with the last one after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = look()
        if is_so(value):
            return value
        assert time.monotonic() < deadline, f"still not so after {seconds} s: {value!r}"
        time.sleep(0.1)


@contextmanager
def running_office(home: Path) -> Iterator[Office]:
    """Started as `privity up --detach` starts it, stopped as `privity down` stops it."""
    with pytest.MonkeyPatch.context() as patch:  # other tests must not see these addresses
        patch.setenv("PRIVITY_HOME", str(home))
        patch.setenv("MATTERS_UNDO", "1")  # seconds: what is approved leaves while a story waits
        for port in fields(Ports):
            patch.setenv(f"PRIVITY_{port.name.upper()}_PORT", str(servers.free_port()))
        up.begin(Stack.chosen(home))
    try:
        up.follow(home, lambda _: None)
        yield Office(Stack.found(home))
    finally:
        up.end(home)


def is_ready(office: Office) -> bool:
    return bool(status.report(office.stack.home)["ready"])
