"""What is known of the services behind the gateway: who is ready, and what each answers.

Each is looked at again and again, so that one that comes up later, or with other paths, is met.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2
import structlog

from gateway.routes import RouteTable
from gateway.settings import GatewaySettings

log = structlog.get_logger()

LOOK_SECONDS = 2.0
DOCUMENT_KEPT_LOOKS = 30


@dataclass
class Known:
    """One service. `problem` is None when it is ready."""

    url: str
    document: dict[str, Any] | None = None
    problem: str | None = "was not asked yet"
    looks: int = 0


class Services:
    """Everything here is read by requests and written by `watch` alone."""

    def __init__(self, settings: GatewaySettings, http: httpx2.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self.known = {name: Known(url) for name, url in settings.services.items()}
        # Of one look, and changed at once: a path that the table lacks while `documents` has it
        # would be called unknown.
        self.documents: dict[str, dict[str, Any]] = {}
        self.table = RouteTable({})

    @property
    def all_described(self) -> bool:
        """Whether every service has said what it answers, so that an unknown path is unknown."""
        return len(self.documents) == len(self.known)

    async def watch(self) -> None:
        while True:
            ready = all(one.problem is None for one in self.known.values())
            await asyncio.sleep(self._settings.gateway_watch_every / (1 if ready else 4))
            await self.look()

    async def look(self) -> None:
        """At all of them at once, for at most two seconds."""
        await asyncio.gather(*(self._look_at(name, one) for name, one in self.known.items()))
        found = {name: one.document for name, one in self.known.items() if one.document}
        if found != self.documents:
            self.documents, self.table = found, RouteTable(found)

    async def _look_at(self, name: str, one: Known) -> None:
        before = one.problem
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                answer = await self._http.get(f"{one.url}/readyz")
                if one.document is None or before or one.looks % DOCUMENT_KEPT_LOOKS == 0:
                    described = await self._http.get(f"{one.url}/openapi.json")
                    one.document = described.raise_for_status().json()
                one.problem = _problem(answer)
        except (httpx2.HTTPError, ValueError, TimeoutError) as error:
            one.problem = f"does not answer ({type(error).__name__})"
        one.looks += 1
        if one.problem != before:
            log.info("service looked at", peer=name, problem=one.problem)


def _problem(answer: httpx2.Response) -> str | None:
    if answer.status_code == 200:
        return None
    checks = answer.json().get("checks", {})
    return f"not ready: {', '.join(name for name, found in checks.items() if found != 'ok')}"
