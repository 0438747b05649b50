"""One OpenAPI document of all services, as callers meet them here. Pure."""

from collections.abc import Mapping
from typing import Any

from gateway.routes import METHODS, is_open, shown

SCHEMAS = "#/components/schemas/"
NOT_OURS = {"HTTPValidationError", "ValidationError"}  # FastAPI's; we answer problem+json

REFUSALS = {
    400: "The request cannot be read.",
    401: "No token, or not one that is accepted here.",
    403: "The caller's role may not do this.",
    404: "Missing, or not the caller's: the two are one answer.",
    409: "It contradicts what is there, or somebody else was first.",
    412: "If-Match named a version that is no longer the newest.",
    413: "The body is too large.",
    422: "Well-formed, but not acceptable; the detail says what to send instead.",
    429: "Too many requests; Retry-After says when to come again.",
    500: "Something failed on our side; nothing was changed.",
    502: "The service broke off.",
    503: "The service is away; the same request may succeed later.",
    504: "The service took too long; whether it was done is not known.",
}
FOR_WRITING = {409, 412, 413}

PROBLEM = {
    "type": "object",
    "description": "RFC 9457; `code` is stable, `detail` is for people.",
    "required": ["status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"at": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}


def merged(own: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The gateway's own document and the services', one path each; a schema that two services
    name alike but mean differently gets its service's name in front."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": PROBLEM}
    for template, operations in own["paths"].items():
        paths[template] = {name: {**each, "security": []} for name, each in operations.items()}
    for service, document in documents.items():
        theirs = document.get("components", {}).get("schemas", {})
        names = _names(service, theirs, schemas)
        schemas |= {names[name]: _renamed(theirs[name], names) for name in names}
        for template, operations in shown(document):
            for method in METHODS & operations.keys():
                operation = _renamed(operations[method], names)
                paths.setdefault(template, {}).setdefault(method, _finished(method, operation))
    return {
        "openapi": own["openapi"],
        "info": {"title": "Privity", "version": "1", "description": DESCRIPTION},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {f"Problem{status}": _response(status) for status in REFUSALS},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


DESCRIPTION = (
    "Lists are pages: pass `next` as `cursor` until it is null. Every POST honours"
    " `Idempotency-Key`. What people edit has an `ETag` to send back as `If-Match`."
    " Refusals are application/problem+json with a stable `code`."
)


def _names(service: str, theirs: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, str]:
    """Their schema names as they are called in the merged document."""
    prefix = "".join(part.capitalize() for part in service.split("-"))
    names = {name: name for name in theirs if name not in NOT_OURS}
    while clashing := [
        name
        for name, new in names.items()
        if new in taken and new == name and taken[new] != _renamed(theirs[name], names)
    ]:
        names |= {name: prefix + name for name in clashing}
    return names


def _renamed(part: Any, names: Mapping[str, str]) -> Any:
    """The same part of a document with references to what schemas are called now."""
    if isinstance(part, Mapping):
        return {name: _renamed(value, names) for name, value in part.items()}
    if isinstance(part, list):
        return [_renamed(value, names) for value in part]
    if isinstance(part, str) and part.startswith(SCHEMAS):
        name = part.removeprefix(SCHEMAS)
        return SCHEMAS + names.get(name, name)
    return part


def _finished(method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """With every refusal that may come, and the document's own security unless it is open."""
    refusals = {
        str(status): {"$ref": f"#/components/responses/Problem{status}"}
        for status in REFUSALS
        if method != "get" or status not in FOR_WRITING
    }
    responses = operation.get("responses", {})
    described = {status: one for status, one in responses.items() if status not in refusals}
    rest = {name: value for name, value in operation.items() if name != "security"}
    free: dict[str, Any] = {"security": []} if is_open(operation) else {}
    return rest | free | {"responses": described | refusals}


def _response(status: int) -> dict[str, Any]:
    problem = {"schema": {"$ref": f"{SCHEMAS}Problem"}}
    return {"description": REFUSALS[status], "content": {"application/problem+json": problem}}
