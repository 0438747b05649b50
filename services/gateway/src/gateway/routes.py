"""Which service answers a path: read from the services' own OpenAPI documents. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

METHODS = frozenset({"get", "put", "post", "delete", "patch"})
HIDDEN = ("/healthz", "/readyz", "/v1/parked")
PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Route:
    """One operation: the path as its service spells it, and the service. `open`: its service says
    in its document that no token is needed (`security: []`)."""

    template: str
    service: str
    open: bool = False


@dataclass(frozen=True)
class Found:
    """What answers; without a route, the methods that the path has (none: nobody answers it)."""

    route: Route | None
    methods: frozenset[str] = frozenset()


@dataclass
class _Shape:
    """All operations whose paths differ only in the names of their parameters."""

    pattern: re.Pattern[str]
    routes: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """Paths by template; of two that fit, the one that is literal earlier."""

    def __init__(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        shapes: dict[str, _Shape] = {}
        for service, document in documents.items():
            for template, operations in shown(document):
                pattern = _pattern(template)
                shape = shapes.setdefault(pattern, _Shape(re.compile(pattern)))
                for method in METHODS & operations.keys():
                    route = Route(template, service, is_open(operations[method]))
                    shape.routes.setdefault(method.upper(), route)
        self._shapes = [shapes[pattern] for pattern in sorted(shapes, key=_literal_first)]

    def find(self, method: str, path: str) -> Found:
        """`path` is as it was sent, percent-encoded, without the query."""
        methods: frozenset[str] = frozenset()
        for shape in self._shapes:
            if shape.pattern.fullmatch(path):
                if method in shape.routes:
                    return Found(shape.routes[method])
                methods |= shape.routes.keys()
        return Found(None, methods)


def is_open(operation: Mapping[str, Any]) -> bool:
    """Only what says so itself; an operation that says nothing needs a token."""
    return operation.get("security") == []


def shown(document: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The paths that are for the outside: not health, not what operators do to one service."""
    for template, operations in document["paths"].items():
        if not any(template == one or template.startswith(f"{one}/") for one in HIDDEN):
            yield template, operations


def _pattern(template: str) -> str:
    """A parameter is one segment; a last one called `path` takes the rest. OpenAPI has no word for
    that: FastAPI documents `{path:path}` as `{path}`."""
    start, last = template, ""
    if template.endswith("/{path}"):
        start, last = template.removesuffix("{path}"), r".+"
    literals = PARAMETER.split(start)[::2]
    return r"(?!\.{1,2}(?:/|$))[^/]+".join(re.escape(one) for one in literals) + last


def _literal_first(pattern: str) -> list[bool]:
    return ["(?!" in segment or segment == ".+" for segment in pattern.split("/")]
