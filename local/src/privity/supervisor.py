"""Starts the parts in order, starts again whatever dies, and stops them in reverse.

It tells everybody else through state.json, and holds a lock for as long as it lives: one supervisor
per checkout.
"""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from privity import state
from privity.places import Ports
from privity.processes import Process, Program, launch, started_at, wait_until_it_answers
from privity.state import PartState

SLOWEST_START = 90.0
LONGEST_BACKOFF = 30.0


@dataclass(frozen=True)
class Part:
    """A process to keep running. `program` may take its time (it makes what is missing first)."""

    name: str
    program: Callable[[], Program]


@dataclass(frozen=True)
class Step:
    """Something to do once, at its place in the order."""

    name: str
    do: Callable[[], None]


Stage = Sequence[Part | Step]


@dataclass
class Running:
    process: Process
    started: float
    restarts: int = 0
    again_at: float | None = None


class AlreadyRunning(Exception):
    """Another supervisor of this checkout lives."""


class Supervisor:
    """Stages start one after the other, the parts of a stage together."""

    def __init__(
        self,
        home: Path,
        ports: Ports,
        stages: Sequence[Stage],
        given: Mapping[str, str] | None = None,
    ) -> None:
        self._home = home
        self._stages = stages
        self._state = state.of_this_process(ports, given or {})
        self._parts: dict[str, Running] = {}
        self._lock = threading.Lock()
        self._stopping = False

    def stop(self) -> None:
        """Ask it to stop; `run` returns when everything has.

        A plain flag, for this is called by signals: one that arrives inside a threading.Event's
        own `wait` would wait for ever for the lock that it interrupts.
        """
        self._stopping = True

    def run(self) -> None:
        """Until `stop`. Raises what a part or step raised that did not start."""
        with only_one(self._home):
            for name in state.clear_up(self._home):
                _note(f"stopped {name}, which an earlier run had left running")
            try:
                self._start_all()
                self._keep()
            except BaseException as error:
                self._end_all()
                self._tell(phase="failed", failure=str(error))
                raise
            self._end_all()
            state.forget(self._home)

    def _start_all(self) -> None:
        for stage in self._stages:
            if not self._stopping:
                self._tell(phase="starting", doing=[one.name for one in stage])
                self._start_stage(stage)
        if not self._stopping:
            self._tell(phase="ready", doing=[])

    def _start_stage(self, stage: Stage) -> None:
        """Ends early on a failure or when asked to stop: what still starts then ends too."""
        with ThreadPoolExecutor(len(stage)) as threads:
            starts = [threads.submit(self._start, one) for one in stage]
            failure = None
            while not self._stopping:
                done, pending = wait(starts, timeout=0.1, return_when=FIRST_EXCEPTION)
                failure = next((one.exception() for one in done if one.exception()), None)
                if failure or not pending:
                    break
            if failure or self._stopping:
                self._ask_all_to_end()
        if failure and not self._stopping:
            raise failure

    def _start(self, one: Part | Step) -> None:
        if isinstance(one, Step):
            one.do()
        else:
            process = self._launch(one.program())
            wait_until_it_answers(process, SLOWEST_START)
        with self._lock:
            self._state.doing = [name for name in self._state.doing if name != one.name]
            self._write()

    def _launch(self, program: Program, restarts: int = 0) -> Process:
        # The lock also keeps a part from being launched while all are being ended.
        with self._lock:
            process = launch(program, self._home / "logs" / f"{program.name}.log")
            started = started_at(process.pid) or 0.0  # 0: it ended before we looked
            self._parts[program.name] = Running(process, started, restarts)
            self._write()
        return process

    def _keep(self) -> None:
        while not self._stopping:
            time.sleep(0.1)
            for name, part in list(self._parts.items()):
                if not part.process.alive():
                    self._start_again(name, part)

    def _start_again(self, name: str, part: Running) -> None:
        """At once the first time, then after 0.5, 1, 2 … 30 s; a minute of life forgives all."""
        now = time.monotonic()
        if part.again_at is None:
            lived = now - part.process.launched
            part.restarts = 0 if lived > 60 else part.restarts
            pause = min(LONGEST_BACKOFF, 0.25 * 2**part.restarts) if part.restarts else 0.0
            part.again_at = now + pause
            _note(f"{name} ended with {part.process.popen.returncode}; again in {pause:.1f} s")
        if now >= part.again_at:
            self._launch(part.process.program, part.restarts + 1)

    def _end_all(self) -> None:
        self._tell(phase="stopping", doing=[])
        for stage in reversed(self._stages):
            names = [one.name for one in stage if one.name in self._parts]
            for name in names:
                self._parts[name].process.ask_to_end()
            for name in names:
                self._parts[name].process.stop()
        self._parts.clear()

    def _ask_all_to_end(self) -> None:
        with self._lock:
            for part in self._parts.values():
                part.process.ask_to_end()

    def _tell(self, **changes: object) -> None:
        with self._lock:
            self._state = self._state.model_copy(update=changes)
            self._write()

    def _write(self) -> None:
        self._state.parts = list(self._part_states())
        state.write(self._home, self._state)

    def _part_states(self) -> Iterator[PartState]:
        for name, part in self._parts.items():
            yield PartState(
                name=name,
                pid=part.process.pid,
                started=part.started,
                quit=part.process.program.quit,
                restarts=part.restarts,
            )


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold this checkout's lock; it goes with the process, however that ends."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"a supervisor of {home} is running") from error
        yield


def _note(what: str) -> None:
    print(time.strftime("%H:%M:%S"), what, flush=True)
