"""Calls that need no token: strangers, and people who hold a link. They say so in the OpenAPI
document (`security: []`), which is where the gateway reads it."""

import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from shared.auth import CallerIdentity
from shared.idempotency import IdempotentRoute

OPEN: dict[str, Any] = {"security": []}
NOBODY = uuid.UUID(int=0)


class OpenRoute(IdempotentRoute):
    """The caller is nobody in particular, whatever token is sent along; an Idempotency-Key is kept
    for this path, and one that is long and random is as good as a name."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_nobody(request: Request) -> Response:
            path_id = uuid.uuid5(NOBODY, request.url.path)
            request.state.caller = CallerIdentity(id=path_id, role="nobody")
            return await handle(request)

        return handle_nobody
