"""What dies is started again, what is left over is stopped, and stopping leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from privity import state
from privity.processes import answers_http, is_the_same
from privity.servers import free_port
from privity.state import State
from privity.supervisor import AlreadyRunning, only_one

# A supervisor in a process of its own, over the two quickest real servers.
SCRIPT = """
import signal, sys
from functools import partial
from pathlib import Path
from privity import servers
from privity.places import Ports
from privity.stack import Stack
from privity.stages import _issuer
from privity.supervisor import Part, Step, Supervisor

home, database, issuer = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
stack = Stack(home, Ports(postgres=database, issuer=issuer), {})

def break_off():
    if sys.argv[4] == "fails":
        raise RuntimeError("no room for tables")

supervisor = Supervisor(home, stack.ports, [
    [Part("postgres", partial(servers.postgres, home / "postgres", database, "secret", fast=True))],
    [Step("tables", break_off)],
    [Part("issuer", partial(_issuer, stack))],
])
signal.signal(signal.SIGTERM, lambda *_: supervisor.stop())
supervisor.run()
"""


class Run:
    """A supervisor that was started, and what it says of itself."""

    def __init__(self, home: Path) -> None:
        self.home, self.database, self.issuer = home, free_port(), free_port()
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self, how: str = "well") -> None:
        words = [str(self.home), str(self.database), str(self.issuer), how]
        self.popen = subprocess.Popen([sys.executable, "-c", SCRIPT, *words])

    def state(self) -> State:
        now = state.read(self.home)
        assert now is not None
        return now

    def started(self, name: str) -> tuple[int, float]:
        part = next(part for part in self.state().parts if part.name == name)
        return part.pid, part.started

    def runs_anew(self, name: str, before: tuple[int, float]) -> bool:
        return self.started(name) != before

    def end(self, how: signal.Signals) -> int:
        assert self.popen is not None
        self.popen.send_signal(how)
        return self.popen.wait(20)


def wait_for(truth: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not truth():
        assert time.monotonic() < deadline, f"not within a minute: {what}"
        time.sleep(0.05)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    one = Run(tmp_path / "home")
    yield one
    if one.popen and one.popen.poll() is None:
        one.end(signal.SIGTERM)
    state.clear_up(one.home)


def is_ready(run: Run) -> bool:
    now = state.read(run.home)
    return now is not None and now.supervised() and now.phase == "ready"


def test_it_starts_in_order_and_stops_everything(run: Run) -> None:
    run.start()
    wait_for(lambda: is_ready(run), "ready")
    assert [part.name for part in run.state().parts] == ["postgres", "issuer"]
    assert answers_http(f"http://127.0.0.1:{run.issuer}/readyz")
    parts = [(part.pid, part.started) for part in run.state().parts]

    assert run.end(signal.SIGTERM) == 0
    assert not any(is_the_same(*part) for part in parts)
    assert state.read(run.home) is None


def test_what_is_killed_is_started_again(run: Run) -> None:
    run.start()
    wait_for(lambda: is_ready(run), "ready")
    before = {name: run.started(name) for name in ("postgres", "issuer")}
    for pid, _ in before.values():
        os.kill(pid, signal.SIGKILL)
    for name, process in before.items():
        wait_for(partial(run.runs_anew, name, process), f"{name} again")
    wait_for(lambda: answers_http(f"http://127.0.0.1:{run.issuer}/readyz"), "the issuer answers")
    assert [part.restarts for part in run.state().parts] == [1, 1]


def test_what_a_killed_supervisor_left_running_is_stopped_by_the_next(run: Run) -> None:
    run.start()
    wait_for(lambda: is_ready(run), "ready")
    left = [(part.pid, part.started) for part in run.state().parts]
    run.end(signal.SIGKILL)
    assert all(is_the_same(*part) for part in left)
    assert not run.state().supervised()

    run.start()
    wait_for(lambda: is_ready(run), "ready again, on the same ports and data")
    assert not any(is_the_same(*part) for part in left)


def test_a_process_that_only_has_the_old_id_is_left_alone(run: Run) -> None:
    run.start()
    wait_for(lambda: is_ready(run), "ready")
    run.end(signal.SIGKILL)
    left = run.state()
    stranger = subprocess.Popen(["sleep", "60"])
    left.parts[0].pid = stranger.pid  # as if the system had given the number to somebody else
    genuine = run.started("postgres")
    state.write(run.home, left)

    assert state.clear_up(run.home) == ["issuer"]
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
    os.kill(genuine[0], signal.SIGINT)
    wait_for(lambda: not is_the_same(*genuine), "postgres ended")


# Nothing to run, and a signal that asks it to stop every fifty microseconds.
STORM = """
import signal, sys
from pathlib import Path
from privity.places import Ports
from privity.supervisor import Supervisor

supervisor = Supervisor(Path(sys.argv[1]), Ports(), [])
signal.signal(signal.SIGALRM, lambda *_: supervisor.stop())
signal.setitimer(signal.ITIMER_REAL, 0.2, 0.00005)
supervisor.run()
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_it_stops_whatever_the_signal_interrupts(tmp_path: Path) -> None:
    storm = subprocess.run([sys.executable, "-c", STORM, tmp_path], check=False, timeout=60)
    assert storm.returncode == 0


def test_a_start_that_fails_stops_what_had_started_and_says_why(run: Run) -> None:
    run.start("fails")
    wait_for(lambda: state.read(run.home) is not None, "state")
    wait_for(lambda: run.state().phase == "failed", "failed")
    assert run.state().failure == "no room for tables"
    assert run.state().parts == []
    assert run.popen is not None
    assert run.popen.wait(20) != 0


def test_two_supervisors_of_one_checkout_are_refused(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(AlreadyRunning), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass
