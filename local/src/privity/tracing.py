"""One message's way through the platform, as Zipkin has it."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from privity.errors import Trouble
from privity.stack import Stack

MESSAGE_ID = "privity.message.id"  # as services/…/telemetry names it on their spans
A_WEEK = 7 * 24 * 3600 * 1000

Span = Mapping[str, Any]


def find(stack: Stack, message_id: str) -> list[Span]:
    """The spans of the trace in which this message arrived. Raises Trouble."""
    if stack.tracing is None:
        raise Trouble("Traces go to your own collector.", "Look for the message's id there.")
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
    return f"{after:9.1f} ms {took:8.1f} ms  {'  ' * depth}{service}: {span.get('name', '?')}"
