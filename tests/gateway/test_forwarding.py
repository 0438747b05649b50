"""One request to a service and its answer back, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from opentelemetry import trace

from support import upstream
from support.gateway import gateway, listening
from support.platform import Platform
from support.running import bearer

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def service() -> FastAPI:
    return upstream.service()


@pytest.fixture
async def door(platform: Platform, service: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        listening(service) as url,
        gateway(platform, messaging_url=url, gateway_timeout=1.0, max_body_bytes=100_000) as http,
    ):
        http.headers.update(bearer(platform, "partner"))
        yield http


async def test_path_query_and_body_arrive_as_they_were_sent(door: httpx2.AsyncClient) -> None:
    url = door.base_url.copy_with(raw_path=b"/v1/echo/a%20b%C3%A9?x=1&x=%2B&y=+")
    answer = (await door.post(url, content="naïve".encode())).json()
    assert answer["raw"] == "/v1/echo/a%20b%C3%A9?x=1&x=%2B&y=+"
    assert answer["body"] == "naïve"


async def test_headers_of_the_caller_pass_and_those_of_the_hop_do_not(
    door: httpx2.AsyncClient,
) -> None:
    sent = {
        "Idempotency-Key": "k",
        "If-Match": '"1"',
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "dropped",
        "Proxy-Authorization": "dropped",
        "TE": "trailers",
        "X-Forwarded-For": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
    }
    answer = (await door.post("/v1/echo/a", headers=sent, content=b"{}")).json()
    arrived = dict(answer["headers"])
    assert (arrived["idempotency-key"], arrived["if-match"]) == ("k", '"1"')
    assert arrived["authorization"] == door.headers["authorization"]
    # uvicorn believes a proxy on loopback for whom it asks; it is said once, by us.
    assert arrived["x-forwarded-for"] == "203.0.113.9"
    assert not arrived.keys() & {"x-hop", "proxy-authorization", "te", "forwarded"}


async def test_the_service_is_called_within_the_callers_trace(door: httpx2.AsyncClient) -> None:
    sent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    answer = (await door.get("/v1/echo/a", headers=sent)).json()
    (arrived,) = [value for name, value in answer["headers"] if name == "traceparent"]
    assert arrived.split("-")[1] == TRACE
    assert arrived.split("-")[2] != "b7ad6b7169203331"
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_the_answer_comes_back_byte_for_byte(door: httpx2.AsyncClient) -> None:
    answer = await door.get("/v1/cookies")
    assert (answer.status_code, answer.content) == (203, b"\x00raw\xff")
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["x-own"] == "kept"
    assert len(answer.headers.get_list("set-cookie")) == 2
    assert "x-hop" not in answer.headers


async def test_an_answer_is_passed_on_while_it_is_made(
    door: httpx2.AsyncClient, service: FastAPI
) -> None:
    service.state.pieces.put_nowait(b"first")
    async with door.stream("GET", "/v1/pieces") as answer:
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"first"
        service.state.pieces.put_nowait(b"second")
        assert await anext(pieces) == b"second"
        service.state.pieces.put_nowait(None)


async def test_a_body_is_passed_on_while_it_arrives(
    door: httpx2.AsyncClient, service: FastAPI
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        assert await asyncio.wait_for(service.state.pieces.get(), 5) == b"first"
        yield b"second"

    assert (await door.post("/v1/arriving", content=body())).json() == {"bytes": 11}


async def test_a_body_that_is_too_large_is_413_whether_it_says_so_or_not(
    door: httpx2.AsyncClient,
) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10_000

    for content in (b"x" * 100_001, body()):
        answer = await door.post("/v1/arriving", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


async def test_a_service_that_takes_too_long_is_504(door: httpx2.AsyncClient) -> None:
    answer = await door.get("/v1/hanging")
    assert (answer.status_code, answer.json()["code"]) == (504, "service-timed-out")


async def test_an_unknown_path_is_not_passed_on_and_another_method_says_which(
    platform: Platform, door: httpx2.AsyncClient
) -> None:
    answer = await door.delete("/v1/echo/a")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    for hidden in ("/v1/parked/1/replay", "/v1/nothing"):
        answer = await door.post(hidden)
        assert answer.status_code == 503, "not every service has said what it answers"


async def test_an_unknown_path_is_404_once_every_service_is_known(platform: Platform) -> None:
    async with listening(upstream.service()) as url:
        urls: dict[str, Any] = dict.fromkeys(
            (
                "matters_url",
                "sla_monitor_url",
                "messaging_url",
                "billing_url",
                "audit_url",
                "intake_url",
            ),
            url,
        )
        async with gateway(platform, **urls) as http:
            for hidden in ("/v1/parked/1/replay", "/v1/nothing", "/docs"):
                answer = await http.post(hidden, headers=bearer(platform, "operations"))
                assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_a_service_that_breaks_off_is_502(platform: Platform) -> None:
    broken = asyncio.Event()

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        broken.set()
        writer.close()

    async with listening(upstream.service()) as url:
        port = int(url.rpartition(":")[2])
        door = gateway(platform, messaging_url=url, gateway_watch_every=60.0)
        http = await door.__aenter__()
    server = await asyncio.start_server(break_off, "127.0.0.1", port)
    try:
        answer = await http.get("/v1/echo/a", headers=bearer(platform, "partner"))
        assert broken.is_set()
        assert (answer.status_code, answer.json()["code"]) == (502, "bad-gateway")
    finally:
        server.close()
        await server.wait_closed()
        await door.__aexit__(None, None, None)
