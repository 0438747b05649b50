"""Who may pass: accepted tokens, how often, and the log on loopback."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privity.keys import signing_key
from support import upstream
from support.gateway import gateway, listening
from support.platform import Platform
from support.running import bearer


@pytest.fixture
async def service_url() -> AsyncIterator[str]:
    async with listening(upstream.service()) as url:
        yield url


def signed(platform: Platform, *, key: Any = None, alg: str = "EdDSA", **changes: Any) -> str:
    """A token as the issuer makes it, but for the changes; `kid` and `typ` are of its header."""
    now = int(time.time())
    good = jwt.get_unverified_header(bearer(platform, "partner")["Authorization"].split()[1])
    header = {name: changes.pop(name, good[name]) for name in ("typ", "kid")}
    claims = {
        "iss": platform.issuer, "aud": "privity", "sub": "x", "role": "partner",
        "iat": now, "exp": now + 60,
    } | changes  # fmt: skip
    key = key or signing_key(platform.keys / "issuer")
    return jwt.encode(claims, key if alg != "none" else "", alg, headers=header)


async def test_tokens_that_are_not_accepted_are_401_with_one_code(
    platform: Platform, service_url: str
) -> None:
    past = int(time.time()) - 60
    refused = {
        "none at all": {},
        "not a bearer": {"Authorization": "Basic eDp5"},
        "not a token": {"Authorization": "Bearer x.y.z"},
        "expired": _bearer(signed(platform, exp=past)),
        "foreign audience": _bearer(signed(platform, aud="another")),
        "smtp audience": _bearer(signed(platform, aud="privity-smtp")),
        "foreign issuer": _bearer(signed(platform, iss="https://elsewhere.test")),
        "alg none": _bearer(signed(platform, alg="none")),
        "other key": _bearer(signed(platform, key=Ed25519PrivateKey.generate())),
        "unknown key": _bearer(signed(platform, kid="unknown")),
        "not an access token": _bearer(signed(platform, typ="JWT")),
        "client without id": _bearer(signed(platform, role="client")),
    }
    async with gateway(platform, messaging_url=service_url) as http:
        for what, headers in refused.items():
            answer = await http.get("/v1/echo/a", headers=headers)
            told = (answer.status_code, answer.json()["code"], answer.headers["content-type"])
            assert told == (401, "unauthenticated", "application/problem+json"), what
            assert answer.headers["www-authenticate"] == "Bearer"
        good = await http.get("/v1/echo/a", headers=_bearer(signed(platform)))
        assert good.status_code == 200


async def test_a_caller_and_a_peer_have_rates_of_their_own(
    platform: Platform, service_url: str
) -> None:
    limits = {"gateway_caller_limit": "3/minute", "gateway_anonymous_limit": "2/minute"}
    async with gateway(platform, messaging_url=service_url, **limits) as http:
        partner, attorney = bearer(platform, "partner"), bearer(platform, "attorney")
        codes = [await _status(http, partner) for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        assert [await _status(http, {}) for _ in range(3)] == [401, 401, 429]
        assert await _status(http, attorney) == 200
        answer = await http.get("/v1/echo/a", headers=partner)
        assert answer.json()["code"] == "too-many-requests"
        assert 1 <= int(answer.headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    ("profile", "host", "status"),
    [
        ("local", "127.0.0.1:8080", 200),
        ("local", "localhost", 200),
        ("local", "[::1]:8080", 200),
        ("local", "evil.test", 401),
        ("local", "localhost.evil.test", 401),
        ("production", "127.0.0.1:8080", 401),
    ],
)
async def test_the_log_is_read_without_a_token_only_locally_on_loopback(
    platform: Platform, service_url: str, profile: str, host: str, status: int
) -> None:
    async with gateway(platform, audit_url=service_url, privity_profile=profile) as http:
        for path in ("/v1/record/log/checkpoint", "/v1/record/log/tile/0/x001/234"):
            assert (await http.get(path, headers={"Host": host})).status_code == status
        assert (await http.get("/v1/echo/a", headers={"Host": host})).status_code == 401
        forwarded = {"Host": host, "X-Forwarded-For": "203.0.113.9"}
        spoken_for = await http.get("/v1/record/log/checkpoint", headers=forwarded)
        assert spoken_for.status_code == 401


async def _status(http: httpx2.AsyncClient, headers: dict[str, str]) -> int:
    return (await http.get("/v1/echo/a", headers=headers)).status_code


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_what_a_service_declares_open_needs_no_token_and_is_limited_by_peer(
    platform: Platform, service_url: str
) -> None:
    async with gateway(platform, messaging_url=service_url, gateway_open_limit="3/minute") as http:
        for headers in ({}, _bearer("x.y.z"), bearer(platform, "partner")):
            answer = await http.post("/v1/form", headers=headers)
            assert (answer.status_code, answer.json()) == (200, {"form": "taken"})
        answer = await http.post("/v1/form")
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
        assert int(answer.headers["retry-after"]) > 0
        assert (await http.get("/v1/echo/a", headers=bearer(platform, "partner"))).is_success
        document = (await http.get("/openapi.json")).json()
        assert document["paths"]["/v1/form"]["post"]["security"] == []
        assert "security" not in document["paths"]["/v1/echo/{name}"]["get"]
