"""What the supervisor writes down while it runs, for every other command: `.privity/state.json`.

The file is replaced whole, so a reader never sees half of it.
"""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from privity.places import Ports
from privity.processes import end, is_the_same, started_at


class PartState(BaseModel):
    """One process; `started` is seconds since 1970 and part of its identity."""

    name: str
    pid: int
    started: float
    quit: int = signal.SIGTERM
    restarts: int = 0


class State(BaseModel):
    """`failure` says why a start failed; then nothing runs any more."""

    phase: Literal["starting", "ready", "stopping", "failed"]
    pid: int
    started: float
    ports: Ports
    given: dict[str, str] = {}
    parts: list[PartState] = []
    doing: list[str] = []
    failure: str | None = None

    def supervised(self) -> bool:
        return is_the_same(self.pid, self.started)


def path(home: Path) -> Path:
    return home / "state.json"


def read(home: Path) -> State | None:
    try:
        return State.model_validate_json(path(home).read_bytes())
    except FileNotFoundError:
        return None


def write(home: Path, state: State) -> None:
    scratch = path(home).with_suffix(".new")
    scratch.touch(mode=0o600)  # it may name addresses with passwords
    scratch.write_text(state.model_dump_json(indent=1))
    scratch.replace(path(home))


def forget(home: Path) -> None:
    path(home).unlink(missing_ok=True)


def of_this_process(ports: Ports, given: Mapping[str, str]) -> State:
    started = started_at(os.getpid())
    assert started is not None
    me = os.getpid()
    return State(phase="starting", pid=me, started=started, ports=ports, given=dict(given))


def clear_up(home: Path) -> list[str]:
    """Stop what a supervisor that died left running; the names of what still ran.

    The caller knows that no supervisor runs.
    """
    left = read(home)
    if left is None:
        return []
    running = [part for part in left.parts if is_the_same(part.pid, part.started)]
    for part in reversed(running):
        end(part.pid, part.started, part.quit)
    forget(home)
    return [part.name for part in running]
