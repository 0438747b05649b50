"""How many strangers may still ask by the form. What the database said is remembered, so that a
flood is refused from memory: before its bodies are read, without a key, a query or a row."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from shared import clock
from shared.errors import Refusal

A_MOMENT = timedelta(seconds=5)


class CallInstead(Refusal):
    """Too many people ask by the form just now; the telephone is open."""

    status = 429

    def __init__(self, until: datetime) -> None:
        super().__init__("Very many people write to us just now. Please call us instead.")
        seconds = math.ceil((until - clock.now()).total_seconds())
        self.until = until
        self.headers = {"Retry-After": str(max(1, seconds))}


class Room:
    """Of one process. `at_once` are taken in beside each other: a flood leaves the rest of the
    service its time."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._taken_in = 0
        self._full_until: datetime | None = None

    @contextmanager
    def place(self) -> Iterator[None]:
        """For one stranger, while they are taken in. Raises CallInstead, and remembers it until
        the instant that it names: nobody who counts can be taken back before."""
        self.require_room()
        if self._taken_in >= self._at_once:
            raise CallInstead(clock.now() + A_MOMENT)
        self._taken_in += 1
        try:
            yield
        except CallInstead as refusal:
            self._full_until = refusal.until
            raise
        finally:
            self._taken_in -= 1

    def require_room(self) -> None:
        """Raises CallInstead from memory alone."""
        if self._full_until is not None and clock.now() < self._full_until:
            raise CallInstead(self._full_until)
