"""One PostgreSQL, one Kafka and one issuer a session, all real; databases and topics per test."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from xdist.scheduler import LoadScopeScheduling

from privity import issuer, servers
from privity.keys import key_file
from shared import clock
from support.platform import Platform, free_environment

free_environment()


class ByFile(LoadScopeScheduling):
    """With pytest-xdist a file stays in one process, which makes its servers and fixtures once; all
    stories of tests/flows share one platform."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "tests/flows" if path.startswith("tests/flows/") else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, the rest as it was shuffled: nobody waits for them at the end."""
    longest = ("test_drill.py", "flows")
    items.sort(key=lambda item: not {item.path.name, item.path.parent.name} & set(longest))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why a test failed that was run once more: only its name would be told otherwise."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.section(f"{report.nodeid} failed at first")
        terminalreporter.line(report.longreprtext[-4000:])


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="privity-test-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[servers.Postgres]:
    server = servers.start_postgres(folder / "postgres", servers.free_port(), fast=True)
    yield server
    os.kill(server.pid, signal.SIGQUIT)  # at once: hundreds of databases are thrown away
    server.process.popen.wait(20)


@pytest.fixture(scope="session")
def kafka(folder: Path) -> Iterator[servers.Kafka]:
    server = servers.start_kafka(folder / "kafka", servers.free_port())
    yield server
    server.process.kill()  # an orderly end takes ten seconds, for data that is thrown away


@pytest.fixture(scope="session")
async def issuer_url(folder: Path) -> AsyncIterator[str]:
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    app = issuer.app_for(url, key_file(folder / "keys", "issuer"))
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield url
    server.should_exit = True
    await task


@pytest.fixture(scope="session")
async def platform(
    folder: Path, postgres: servers.Postgres, kafka: servers.Kafka, issuer_url: str
) -> Platform:
    for name in ("kek", "reply", "log"):
        key_file(folder / "keys", name)
    made = Platform(postgres, kafka, issuer_url, folder / "keys")
    await made.prepare()
    return made


@pytest.fixture
async def prefix(platform: Platform) -> str:
    """Topics of one's own."""
    return await platform.topics()


@pytest.fixture
def moved_clock(tmp_path: Path) -> Iterator[Path]:
    """The local clock's offset file: write seconds into it to move time."""
    file = tmp_path / "clock-offset"
    clock.follow(file)
    yield file
    clock.follow(None)
