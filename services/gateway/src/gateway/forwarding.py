"""One request to a service and its answer back, both as streams; never a hang, never twice."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

import httpx2
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from opentelemetry import propagate, trace
from starlette.requests import ClientDisconnect

from gateway.callers import peer_of
from gateway.routes import Route
from shared import telemetry
from shared.errors import Refusal

# RFC 9110 §7.6.1; what Connection names goes as well.
HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade",
}  # fmt: skip
# Said anew for the next hop. Whoever calls does not say from where: audit trusts what we say.
SAID_ANEW = {"host", "traceparent", "tracestate", "forwarded", "expect"}
OF_THE_SERVER = {"date", "server"}

Headers = list[tuple[bytes, bytes]]


class ServiceUnavailable(Refusal):
    """Nothing was sent: the same request may succeed later."""

    status = 503
    headers: Mapping[str, str] = {"Retry-After": "2"}


class ServiceTimedOut(Refusal):
    """Whether it was done is not known: repeat a POST with its Idempotency-Key."""

    status = 504


class BadGateway(Refusal):
    """The service broke off. Whether it was done is not known."""

    status = 502


class RequestBrokenOff(Refusal):
    """The caller went away in the middle of the body."""

    status = 400


async def forward(
    request: Request, route: Route, url: str, http: httpx2.AsyncClient, seconds: float
) -> Response:
    """The service's answer, as it comes; raises the refusals above."""
    with telemetry.tracer().start_as_current_span(
        f"gateway {request.method} {route.template}",
        kind=trace.SpanKind.CLIENT,
        attributes={telemetry.PEER_SERVICE: route.service},
    ):
        outgoing = http.build_request(
            request.method,
            _target(request, url),
            headers=_request_headers(request),
            content=request.stream() if _has_body(request) else None,
        )
        answer = await _send(http, outgoing, route.service, seconds)
    return _streamed(answer)


async def _send(
    http: httpx2.AsyncClient, outgoing: httpx2.Request, service: str, seconds: float
) -> httpx2.Response:
    try:
        async with asyncio.timeout(seconds):
            return await http.send(outgoing, stream=True)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise ServiceUnavailable(f"{service} cannot be reached.") from error
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise ServiceTimedOut(f"{service} did not answer in time.") from error
    except httpx2.TransportError as error:
        raise BadGateway(f"{service} broke off.") from error
    except ClientDisconnect as error:
        raise RequestBrokenOff("The body ended early.") from error


def _target(request: Request, url: str) -> httpx2.URL:
    """The very bytes of path and query: what they mean is the service's to say."""
    raw_path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return httpx2.URL(url).copy_with(raw_path=raw_path + (b"?" + query if query else b""))


def _has_body(request: Request) -> bool:
    length = request.headers.get("content-length", "0")
    return length != "0" or "transfer-encoding" in request.headers


def _request_headers(request: Request) -> Headers:
    headers = [
        (name, value)
        for name, value in _end_to_end(request.headers.raw)
        if name.decode("latin-1") not in SAID_ANEW and not name.startswith(b"x-forwarded-")
    ]
    said: dict[str, str] = {"x-forwarded-for": peer_of(request)}
    propagate.inject(said)
    return headers + [(name.encode(), value.encode()) for name, value in said.items()]


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    pairs = [(name.lower(), value) for name, value in headers]
    named = b",".join(value for name, value in pairs if name == b"connection")
    dropped = HOP_BY_HOP | {one.strip().lower() for one in named.decode("latin-1").split(",")}
    return [(name, value) for name, value in pairs if name.decode("latin-1") not in dropped]


def _streamed(answer: httpx2.Response) -> Response:
    async def body() -> AsyncIterator[bytes]:
        try:
            async for piece in answer.aiter_raw():
                yield piece
        finally:
            await answer.aclose()

    response = StreamingResponse(body(), answer.status_code)
    response.raw_headers = [
        (name, value)
        for name, value in _end_to_end(answer.headers.raw)
        if name.decode("latin-1") not in OF_THE_SERVER
    ]
    return response
