"""What a caller may hear when something is refused: problem+json (RFC 9457) with a stable code.

Raise a `Refusal` for what the caller can mend. Anything else is a bug and a 500 that says nothing.
"""

import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class Refusal(Exception):
    """Base of business refusals; the code is the class name in kebab case."""

    status: ClassVar[int] = 409
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members

    @property
    def code(self) -> str:
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()


class NotFound(Refusal):
    """Missing, or not this caller's: the two are one answer, so that ids tell nothing."""

    status = 404


class Forbidden(Refusal):
    """The policy table has no line that lets this role do this."""

    status = 403


class Unauthenticated(Refusal):
    status = 401
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class Invalid(Refusal):
    """Well-formed, but not acceptable: the detail says what to send instead."""

    status = 422


class PreconditionFailed(Refusal):
    """If-Match named a version that is no longer the newest (RFC 9110 §13.1.1)."""

    status = 412


class Unavailable(Refusal):
    """A store or the keyring does not answer; the same request may succeed later."""

    status = 503
    headers: Mapping[str, str] = {"Retry-After": "2"}


def problem(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail, **members}
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


class BodyLimit:
    """Refuses larger bodies before they are read: by Content-Length, and while they arrive."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max = max_bytes
        self._detail = f"The body has more than {max_bytes} bytes."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stated = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if stated.isdigit() and int(stated) > self._max:
            await problem(413, "body-too-large", self._detail)(scope, receive, send)
            return
        arrived = 0

        async def receive_counting() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._max:
                raise HTTPException(413, self._detail)
            return message

        await self._app(scope, receive_counting, send)


def install(app: FastAPI, max_body_bytes: int) -> None:
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes)
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _bug)


async def _refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)
    return problem(error.status, error.code, error.detail, error.headers, **error.members)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [  # the refused input itself is left out: it may be privileged
        {"at": "/" + "/".join(str(part) for part in one["loc"]), "problem": one["msg"]}
        for one in error.errors()
    ]
    detail = "; ".join(f"{one['at']}: {one['problem']}" for one in errors[:5])
    return problem(422, "invalid-request", detail, errors=errors)


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}
    code = codes.get(error.status_code, "request-refused")
    return problem(error.status_code, code, str(error.detail), error.headers)


async def _bug(request: Request, error: Exception) -> JSONResponse:
    frames = traceback.extract_tb(error.__traceback__)[
        -6:
    ]  # where, but not what: it may be privileged
    where = [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames]
    log.error("unhandled error", path=request.url.path, error=type(error).__name__, where=where)
    return problem(500, "internal-error", "Something failed on our side; nothing was changed.")
