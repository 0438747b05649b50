"""One message's way through the platform, as Zipkin has it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx2

from privity.clients import call, client
from privity.errors import Trouble
from privity.stack import Stack

MESSAGE_ID = "privity.message.id"  # as services/…/telemetry names it on their spans
A_WEEK = 7 * 24 * 3600 * 1000

Span = Mapping[str, Any]


def find(stack: Stack, message_id: str) -> list[Span]:
    """The spans of the trace in which this message arrived: its id, or a mail's Message-ID.

    Raises Trouble.
    """
    if stack.tracing is None:
        raise Trouble("Traces go to your own collector.", "Look for the message's id there.")
    if "@" in message_id:
        message_id = _id_of_mail(stack, message_id)
    query = {
        "annotationQuery": f"{MESSAGE_ID}={message_id}",
        "lookback": str(A_WEEK),
        "limit": "10",
    }
    try:
        answer = httpx2.get(
            f"{stack.tracing}/api/v2/traces", params=query, timeout=30, trust_env=False
        )
        traces: list[list[Span]] = answer.raise_for_status().json()
    except httpx2.HTTPError as error:
        raise Trouble(
            f"{stack.tracing} does not answer: {error}", "See `privity status`."
        ) from error
    if not traces:
        raise Trouble(
            f"No trace names the message {message_id}.",
            "Spans arrive a second late, and Zipkin forgets them when it is restarted.",
        )
    return min(traces, key=_begins)


def _id_of_mail(stack: Stack, header: str) -> str:
    """Our own mails are named by their id; of clients' the newest hundred are looked through."""
    bare = header.strip("<>")
    with suppress(ValueError):
        return str(UUID(bare.partition("@")[0]))
    with client(stack, "gateway", "partner") as http:
        newest = call(http, "GET", "/v1/messages", params={"limit": 100}).json()["items"]
        for message in newest:
            whole = call(http, "GET", f"/v1/messages/{message['id']}").json()
            if (whole.get("message_id_header") or "").strip("<>") == bare:
                return str(message["id"])
    raise Trouble(
        f"None of the newest hundred messages is the mail {header}.",
        "Give the message's own id: the 250 of its delivery named it.",
    )


def page(stack: Stack, spans: list[Span]) -> str:
    return f"{stack.tracing}/zipkin/traces/{spans[0]['traceId']}"


def lines(spans: list[Span]) -> Iterator[str]:
    """One line a span: when it began, how long it took, who did what; children are indented."""
    known, first = {span["id"] for span in spans}, _begins(spans)
    children: dict[str | None, list[Span]] = {}
    for span in sorted(spans, key=lambda span: int(span.get("timestamp", 0))):
        parent = span.get("parentId")
        children.setdefault(parent if parent in known else None, []).append(span)

    def told(parent: str | None, depth: int) -> Iterator[str]:
        for span in children.get(parent, ()):
            yield _line(span, depth, first)
            yield from told(span["id"], depth + 1)

    yield from told(None, 0)


def _begins(spans: list[Span]) -> int:
    return min(int(span.get("timestamp", 0)) for span in spans)


def _line(span: Span, depth: int, first: int) -> str:
    after = (int(span.get("timestamp", first)) - first) / 1000
    took = int(span.get("duration", 0)) / 1000
    service = span.get("localEndpoint", {}).get("serviceName", "?")
    name = str(span.get("name", "?")).removeprefix(f"{service} ")
    return f"{after:9.1f} ms {took:8.1f} ms  {'  ' * depth}{service}: {name}"
