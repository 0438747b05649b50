"""Starting and stopping a local platform from another process: `up`, `down` and what they show.

The supervisor runs apart from the terminal (`python -m privity.up`); who started it watches
state.json, and stops it when asked to by a signal.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from privity import state
from privity.errors import Trouble
from privity.places import home
from privity.processes import environment
from privity.stack import GIVEN, Stack
from privity.stages import require_free_ports, stages
from privity.state import State
from privity.supervisor import AlreadyRunning, Supervisor, only_one

STOPPED_WITHIN = 90.0


def begin(stack: Stack) -> list[str]:
    """Start a supervisor; what an earlier one had left running was stopped and is returned.

    Raises Trouble when ports are taken, AlreadyRunning when this checkout has one.
    """
    with only_one(stack.home):
        left = state.clear_up(stack.home)
        require_free_ports(stack)
    log = stack.home / "logs" / "supervisor.log"
    log.parent.mkdir(exist_ok=True)
    given = {name: os.environ[name] for name in GIVEN if name in os.environ}
    with log.open("ab") as output:
        subprocess.Popen(
            [sys.executable, "-m", "privity.up"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(given | {"PRIVITY_HOME": str(stack.home)}),
            start_new_session=True,
        )
    return left


def follow(folder: Path, tell: Callable[[State], None], within: float = 240) -> State:
    """Wait until everything is ready, telling each state on the way. Raises Trouble."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        now = state.read(folder)
        if now:
            tell(now)
        if now and now.phase == "failed":
            state.forget(folder)
            raise Trouble(
                f"The start failed. {now.failure}",
                f"All logs are in {folder / 'logs'}; `privity doctor` looks for causes.",
            )
        if now and now.phase == "ready":
            return now
        time.sleep(0.1)
    raise Trouble(f"Not ready after {within:.0f} s.", "See `privity status` and `privity doctor`.")


def end(folder: Path) -> list[str]:
    """Stop all that runs, in reverse order; the names of what ran."""
    now = state.read(folder)
    if now is None:
        return []
    names = [part.name for part in now.parts]
    if not now.supervised():
        return state.clear_up(folder)
    os.kill(now.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOPPED_WITHIN
    while now.supervised() and time.monotonic() < deadline:
        time.sleep(0.05)
    if now.supervised():  # it hangs: without it its children are stopped as an earlier run's are
        os.kill(now.pid, signal.SIGKILL)
        return state.clear_up(folder)
    state.forget(folder)
    return names


def reset(folder: Path) -> None:
    """Forget everything: databases, events, keys. Nothing runs any more."""
    if folder.exists():
        shutil.rmtree(folder)


def main() -> None:
    stack = Stack.chosen(home())
    supervisor = Supervisor(stack.home, stack.ports, stages(stack), stack.given)
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: supervisor.stop())
    try:
        supervisor.run()
    except AlreadyRunning as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
