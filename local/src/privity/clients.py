"""A client of the local platform's HTTP doors, with a token of the local issuer."""

from typing import Any

import httpx2

from privity.errors import Trouble
from privity.keys import signing_key
from privity.stack import Stack
from privity.tokens import mint


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
