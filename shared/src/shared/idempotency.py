"""Idempotency-Key on every POST: the same key and body give the first answer again, done once.

The answer is kept, sealed, in the transaction that did the work, so either both are there or
neither. Keys are the caller's own and are kept for a day.
"""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.auth import caller
from shared.contracts import FIRM_ID, Sealed
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal, unseal

MAX_KEY_LENGTH = 200
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotencyKeyReused(Refusal):
    """The key was used before for another request: take a new one."""

    status = 422


class RequestInProgress(Refusal):
    """The same request is being answered right now: repeat it, and you get that answer."""

    status = 409


class IdempotentRoute(APIRoute):
    """The route class of every router of ours."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            if request.method != "POST" or key is None:
                return await handle(request)
            if not 0 < len(key) <= MAX_KEY_LENGTH:
                raise Invalid(f"Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters.")
            return await _once(request, key, handle)

        return handle_once


async def _once(request: Request, key: str, handle: Handler) -> Response:
    identity = await caller(request)
    fingerprint = hashlib.sha256(
        f"{request.method} {request.url.path}\n".encode() + await request.body()
    ).digest()
    if answered := await _answered(request, identity.id, key, fingerprint):
        return answered
    response = await handle(request)
    if session := getattr(request.state, "session", None):
        await _keep(session, identity.id, key, fingerprint, response)
    return response


async def _answered(
    request: Request, caller_id: UUID, key: str, fingerprint: bytes
) -> Response | None:
    runtime = request.state.runtime
    await runtime.keys.hold(FIRM_ID, create=True)
    async with runtime.db.transaction() as session:
        found = await session.execute(
            text("SELECT * FROM idempotency_keys WHERE caller_id = :caller_id AND key = :key"),
            {"caller_id": caller_id, "key": key},
        )
        row = found.mappings().one_or_none()
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another request.")
        body = unseal(session, Sealed.model_validate_json(row["body"]))
        return Response(
            body, row["status"], {"Idempotency-Replayed": "true"}, media_type=row["media_type"]
        )


async def _keep(
    session: AsyncSession, caller_id: UUID, key: str, fingerprint: bytes, response: Response
) -> None:
    content_id = new_id()
    body = seal(session, FIRM_ID, content_id, "response", "body", bytes(response.body))
    kept = await session.execute(
        text("""
            INSERT INTO idempotency_keys
                (caller_id, key, fingerprint, status, media_type, body, created_at)
            VALUES (:caller_id, :key, :fingerprint, :status, :media_type, :body, :now)
            ON CONFLICT DO NOTHING RETURNING key
        """),
        {
            "caller_id": caller_id,
            "key": key,
            "fingerprint": fingerprint,
            "status": response.status_code,
            "media_type": response.headers.get("content-type", "application/json"),
            "body": body.model_dump_json(),
            "now": clock.now(),
        },
    )
    if kept.one_or_none() is None:
        # The twin committed first; raising rolls this one back, so the work was done once.
        raise RequestInProgress("The same request was just answered; repeat it to get the answer.")
