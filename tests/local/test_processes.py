"""Programs get what they are told, and only our own processes are ever signalled."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from privity.processes import Program, end, is_the_same, launch, started_at


def test_the_address_of_a_database_is_told_never_inherited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://superuser")
    monkeypatch.setenv("AUDIT_DATABASE_URL", "postgresql://audit")
    told = {"MATTERS_DATABASE_URL": "postgresql://matters"}
    process = launch(Program("env", ["env"], lambda: True, told), tmp_path / "env.log")
    process.popen.wait(10)
    printed = (tmp_path / "env.log").read_text()
    assert [line for line in printed.splitlines() if "DATABASE_URL" in line] == [
        "MATTERS_DATABASE_URL=postgresql://matters"
    ]


def test_what_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    deaf = ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"]
    process = launch(Program("deaf", deaf, lambda: True), tmp_path / "deaf.log")
    while "deaf" not in (tmp_path / "deaf.log").read_text():
        time.sleep(0.01)
    process.stop(within=0.5)
    assert process.popen.returncode == -signal.SIGKILL


def test_a_frozen_process_is_ended_too(tmp_path: Path) -> None:
    process = launch(Program("frozen", ["sleep", "60"], lambda: True), tmp_path / "frozen.log")
    os.kill(process.pid, signal.SIGSTOP)
    process.stop(within=0.2)
    assert not process.alive()


def test_a_process_is_known_by_its_id_and_its_start() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        started = started_at(sleeper.pid)
        assert started is not None
        assert is_the_same(sleeper.pid, started)
        assert not is_the_same(sleeper.pid, started - 1)
        end(sleeper.pid, started - 1, signal.SIGTERM)
        assert sleeper.poll() is None
        sleeper.kill()
        sleeper.wait()
        assert not is_the_same(sleeper.pid, started)
