"""Fetches the bytes that only messaging has, over its HTTP API, with the requester's own token: an
export never holds what its requester may not read."""

import asyncio
from base64 import b64decode
from dataclasses import dataclass

import httpx2

TRIES = 3
PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 30.0  # three of them fit into rows.TOUCHED_WITHIN
NOT_THERE = (403, 404)


@dataclass(frozen=True)
class File:
    """A file that messaging keeps, and the salt of its commitment if messaging gives it."""

    content: bytes
    salt: bytes | None = None


class Stopped(Exception):
    """Why making cannot go on now, as a sentence for the requester."""


@dataclass(frozen=True)
class Messaging:
    """messaging, as the requester sees it."""

    http: httpx2.AsyncClient
    url: str
    authorization: str

    async def fetch(self, path: str) -> File | None:
        """None when there is no such file for this requester; raises Stopped."""
        for again in reversed(range(TRIES)):
            try:
                answer = await self.http.get(
                    f"{self.url}{path}",
                    headers={"Authorization": self.authorization},
                    timeout=TIMEOUT_SECONDS,
                )
            except httpx2.HTTPError as error:
                problem = f"messaging does not answer ({type(error).__name__})"
            else:
                if answer.status_code == 200:
                    salt = answer.headers.get("commitment-salt")
                    return File(answer.content, b64decode(salt) if salt else None)
                if answer.status_code in NOT_THERE:
                    return None
                if answer.status_code == 401:
                    raise Stopped("Your token is no longer accepted: go on with a fresh one.")
                problem = f"messaging answered {answer.status_code}"
            if again:
                await asyncio.sleep(PAUSE_SECONDS)
        raise Stopped(f"Originals cannot be fetched: {problem}. Go on when it is well again.")
