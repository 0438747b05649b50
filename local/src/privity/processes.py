"""A program to run, and the process that runs it.

Only processes started here are ever signalled: first asked to end, then killed. A process id alone
is no identity, so what is written down of a process is its id and the instant it started.
"""

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotStarted(Exception):
    """A program ended before it answered, or did not answer in time."""


@dataclass(frozen=True)
class Program:
    """What to run, how it shows that it answers, and how it likes to be asked to end."""

    name: str
    command: Sequence[str | Path]
    answers: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    quit: signal.Signals = signal.SIGTERM


@dataclass(frozen=True)
class Process:
    """A running program; `stop` returns when it has ended."""

    program: Program
    popen: "subprocess.Popen[bytes]"
    log: Path
    launched: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def alive(self) -> bool:
        return self.popen.poll() is None

    def ask_to_end(self) -> None:
        if self.alive():
            self.popen.send_signal(self.program.quit)

    def stop(self, within: float = 20) -> None:
        self.ask_to_end()
        try:
            self.popen.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()


def launch(program: Program, log: Path) -> Process:
    """Start it in a session of its own, so that a Ctrl-C reaches only who started it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [str(word) for word in program.command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(program.environment),
            start_new_session=True,
            user=program.user,
            group=program.user,
            extra_groups=[] if program.user else None,
        )
    return Process(program, popen, log)


def environment(additions: Mapping[str, str]) -> dict[str, str]:
    """Ours and `additions`; addresses of databases are told, never inherited."""
    inherited = {k: value for k, value in os.environ.items() if not k.endswith("DATABASE_URL")}
    return inherited | dict(additions)


def wait_until_it_answers(process: Process, within: float = 60) -> None:
    """Raises NotStarted, with the end of its log."""
    deadline = time.monotonic() + within
    while not process.program.answers():
        if not process.alive():
            raise NotStarted(_what_happened(process, f"ended with {process.popen.returncode}"))
        if time.monotonic() > deadline:
            raise NotStarted(_what_happened(process, f"did not answer within {within:.0f} s"))
        time.sleep(0.05)


def start(program: Program, log: Path, within: float = 60) -> Process:
    """Launch it and return when it answers; what does not answer is stopped."""
    process = launch(program, log)
    try:
        wait_until_it_answers(process, within)
    except BaseException:
        process.stop()
        raise
    return process


def run(
    command: Sequence[str | Path],
    *,
    user: str | None = None,
    told: Mapping[str, str] | None = None,
) -> None:
    """Run a tool to its end. Raises NotStarted with the end of what it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env=told,
        user=user,
        group=user,
        extra_groups=[] if user else None,
    )
    if done.returncode != 0:
        words = " ".join(str(word) for word in command[:4])
        last = (done.stdout + done.stderr).splitlines()[-12:]
        raise NotStarted(f"{words} … failed:\n" + "\n".join(last))


def answers_http(url: str) -> bool:
    """Whether a GET gives 200; proxies are for elsewhere."""
    try:
        with DIRECT.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def started_at(pid: int) -> float | None:
    """When this process started, in seconds since 1970; None when there is none, or a dead one."""
    try:
        found = psutil.Process(pid)
        return None if found.status() == psutil.STATUS_ZOMBIE else float(found.create_time())
    except psutil.NoSuchProcess:
        return None


def is_the_same(pid: int, started: float) -> bool:
    found = started_at(pid)
    return found is not None and abs(found - started) < 0.1


def resident_bytes(pid: int) -> int:
    """Memory of a process and its children, pages shared between them counted once; 0 when gone."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return sum(one.memory_full_info().pss for one in family)
    except psutil.Error:
        return 0


def end(pid: int, started: float, quit_signal: int, within: float = 20) -> None:
    """Stop a process that somebody else of ours started, if it still is that process."""
    if not is_the_same(pid, started):
        return
    os.kill(pid, quit_signal)
    deadline = time.monotonic() + within
    while is_the_same(pid, started) and time.monotonic() < deadline:
        time.sleep(0.05)
    if is_the_same(pid, started):
        os.kill(pid, signal.SIGKILL)


def _what_happened(process: Process, what: str) -> str:
    last = process.log.read_text(errors="replace").splitlines()[-15:]
    return f"{process.program.name} {what}; the end of {process.log}:\n" + "\n".join(last)
