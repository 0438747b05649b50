"""How often: each caller, and each peer that has no accepted token. Counted in this process only:
with n replicas a caller has n times as much, which is enough to end a flood."""

import math
import time
from uuid import UUID

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from gateway.settings import GatewaySettings
from shared.errors import Refusal


class TooManyRequests(Refusal):
    """Come again after Retry-After seconds."""

    status = 429


class Rates:
    def __init__(self, settings: GatewaySettings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._caller = parse(settings.gateway_caller_limit)
        self._anonymous = parse(settings.gateway_anonymous_limit)
        self._open = parse(settings.gateway_open_limit)

    async def spend(self, caller_id: UUID) -> None:
        """One request of a known caller; raises TooManyRequests."""
        await self._spend(self._caller, "caller", str(caller_id))

    async def spend_anonymous(self, peer: str) -> None:
        """One request of a peer without an accepted token; raises TooManyRequests."""
        await self._spend(self._anonymous, "peer", peer)

    async def spend_open(self, peer: str) -> None:
        """One call that needs no token; raises TooManyRequests."""
        await self._spend(self._open, "open", peer)

    async def _spend(self, limit: RateLimitItem, *whose: str) -> None:
        if await self._limiter.hit(limit, *whose):
            return
        window = await self._limiter.get_window_stats(limit, *whose)
        refusal = TooManyRequests(f"More than {limit}; come again a little later.")
        wait = max(1, math.ceil(window.reset_time - time.time()))
        refusal.headers = {"Retry-After": str(wait)}
        raise refusal
