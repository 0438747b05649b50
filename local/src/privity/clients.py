"""A client of the local platform's HTTP doors, with a token of the local issuer."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx2

from privity.errors import Trouble
from privity.keys import signing_key
from privity.stack import Stack
from privity.tokens import mint

T = TypeVar("T")


def client(stack: Stack, service: str, role: str) -> httpx2.Client:
    """To be closed by the caller. What it is answered goes through `answer`."""
    token = mint(signing_key(stack.key("issuer")), stack.issuer, role)
    return httpx2.Client(
        base_url=stack.ports.url(service),
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        trust_env=False,
    )


def call(http: httpx2.Client, method: str, path: str, **options: Any) -> httpx2.Response:
    """Raises Trouble when nobody answers, or when the answer is no."""
    try:
        response = http.request(method, path, **options)
    except httpx2.TransportError as error:
        raise Trouble(
            f"{http.base_url} does not answer ({error}).",
            "See `privity status`; start the platform with `make run`.",
        ) from error
    if response.is_error:
        raise Trouble(
            f"{method} {response.request.url} answered {response.status_code}:"
            f" {response.text[:500]}",
            "`privity logs` of the service behind it says more.",
        )
    return response


def let_it_spread() -> None:
    """What is new reaches each service through Kafka, in its own time; no door says when.

    A mail that overtakes its own client is a stranger's, and waits for a person.
    """
    time.sleep(1)


def waited(
    look: Callable[[], T], what: str, is_so: Callable[[T], Any] = bool, seconds: float = 20
) -> T:
    """The first value for which it is so. Raises Trouble after the deadline."""
    deadline = time.monotonic() + seconds
    while not is_so(value := look()):
        if time.monotonic() > deadline:
            raise Trouble(
                f"Waited {seconds:.0f} s for {what} in vain.",
                "`privity doctor` says what is not well.",
            )
        time.sleep(0.1)
    return value
