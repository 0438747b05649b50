"""What a check found, for people and for programs."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Stream:
    """What the log holds of one stream: 1…`contiguous` whole, `head` the highest number seen."""

    service: str
    partition: int
    epoch: int
    contiguous: int
    head: int
    missing: int


@dataclass(frozen=True)
class Report:
    """`ok` only if nothing at all was doubtful. `proved` and `doubts` are sentences for people.

    `checkpoint` is the signed note, as the log served it.
    """

    target: str
    origin: str | None = None
    size: int = 0
    root: str | None = None
    checkpoint: str | None = None
    streams: tuple[Stream, ...] = ()
    proved: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.doubts and bool(self.proved)

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}


class Doubt(Exception):
    """What makes going on pointless, as a sentence."""
