"""A service of the tests' own behind the gateway: it says what it was sent, streams, hangs and
breaks off."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse


def service(*, title: str = "echo", ready: bool = True) -> FastAPI:
    app = FastAPI(title=title)
    app.state.pieces, app.state.pause = asyncio.Queue(), 0.0

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        await asyncio.sleep(app.state.pause)
        return JSONResponse(
            {"checks": {"relay": "behind", "database": "ok"}}, 200 if ready else 503
        )

    @app.post("/v1/parked/{event_id}/replay")
    async def replay(event_id: str) -> None:
        raise AssertionError("nobody reaches this through the gateway")

    @app.post("/v1/echo/{name}")
    @app.get("/v1/echo/{name}")
    async def echo(name: str, request: Request) -> dict[str, Any]:
        body = await request.body()
        headers = [(one, value) for one, value in request.headers.items()]
        raw = request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode()
        return {"name": name, "headers": headers, "body": body.decode(), "raw": raw}

    @app.get("/v1/cookies")
    async def cookies() -> Response:
        response = Response(b"\x00raw\xff", 203, media_type="message/rfc822")
        response.headers["x-own"] = "kept"
        response.headers["connection"] = "x-hop"
        response.headers["x-hop"] = "dropped"
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    @app.get("/v1/pieces")
    async def pieces() -> StreamingResponse:
        """One piece each time the test puts one; None ends it."""

        async def body() -> AsyncIterator[bytes]:
            while (piece := await app.state.pieces.get()) is not None:
                yield piece

        return StreamingResponse(body())

    @app.post("/v1/arriving")
    async def arriving(request: Request) -> dict[str, int]:
        """Tells the test of each piece as it arrives."""
        count = 0
        async for piece in request.stream():
            if piece:
                count += len(piece)
                app.state.pieces.put_nowait(piece)
        return {"bytes": count}

    @app.post("/v1/form", openapi_extra={"security": []})
    async def form() -> dict[str, str]:
        return {"form": "taken"}

    @app.get("/v1/hanging")
    async def hanging() -> None:
        await asyncio.sleep(5)

    @app.get("/v1/record/log/checkpoint")
    async def checkpoint() -> Response:
        return Response("a checkpoint", media_type="text/plain")

    @app.get("/v1/record/log/tile/{path:path}")
    async def tile(path: str) -> Response:
        return Response(path, media_type="text/plain")

    return app
