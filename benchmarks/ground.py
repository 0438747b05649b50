"""What the benchmarks stand on: a platform of their own on loopback, over a folder that is thrown
away. Nothing here is tuned: PostgreSQL keeps its fsync, every service is one uvicorn process."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import psutil

from privity import processes, servers
from privity.places import SERVICES, Ports
from privity.processes import Process, Program
from privity.stack import WITH_DATABASE, Stack
from privity.stages import stages
from privity.supervisor import Part
from shared.prepare import with_database
from shared.settings import Settings

S = TypeVar("S", bound=Settings)


@dataclass
class World:
    """Databases, topics and services that share the servers with other worlds, and nothing else."""

    name: str
    stack: Stack
    running: dict[str, Process] = field(default_factory=dict)

    def start(self, service: str, **told: str) -> int:
        """Start a service as the local platform does, `told` more; the port where it answers."""
        (part,) = (one for one in _parts(self.stack, 2) if one.name == service)
        program = part.program()
        told = {
            "KAFKA_TOPIC_PREFIX": self.name,
            "AUDIT_CHECKPOINT_FILE": str(self.stack.home / f"checkpoint-{self.name}"),
            **told,
        }
        self._start(replace(program, environment={**program.environment, **told}))
        return int(getattr(self.stack.ports, service))

    def program(self, program: Program) -> None:
        self._start(program)

    def stop(self, *services: str) -> None:
        for name in services or list(reversed(self.running)):
            self.running.pop(name).stop()

    def settings(self, kind: type[S], **more: Any) -> S:
        """The settings of a part that runs in this process."""
        told = self.stack.environment_of(kind.service.replace("-", "_"))
        given: dict[str, Any] = {name.lower(): value for name, value in told.items()}
        return kind(**(given | {"kafka_topic_prefix": self.name} | more))

    async def connect(self, service: str) -> asyncpg.Connection:
        """The superuser's connection to a service's database."""
        name = self.stack.database_of(service).rpartition("/")[2]
        return await asyncpg.connect(with_database(self.stack.database_url, name))

    def cpu_seconds(self, *services: str) -> float:
        """What these processes and their children have used so far."""
        return sum(_cpu_seconds(self.running[name].pid) for name in services)

    def _start(self, program: Program) -> None:
        log = self.stack.home / "logs" / f"{self.name}-{program.name}.log"
        self.running[program.name] = processes.start(program, log)


@dataclass
class Ground:
    """The servers: PostgreSQL, Kafka, Zipkin, and the issuer of tokens."""

    stack: Stack
    servers: World

    @contextmanager
    def world(self, name: str, *services: str, **given: str) -> Iterator[World]:
        """Fresh databases of these services (else all) and topics; it is gone at the end."""
        stack, packages = self._own(name, given), services or WITH_DATABASE
        prepare = [sys.executable, "-m", "shared.prepare", *packages]
        told = stack.environment_to_prepare() | {"KAFKA_TOPIC_PREFIX": name}
        processes.run(prepare, told=processes.environment(told))
        world = World(name, stack)
        try:
            yield world
        finally:
            world.stop()

    def _own(self, name: str, given: dict[str, str]) -> Stack:
        doors = {one: servers.free_port() for one in (*SERVICES, "smtp_in")}
        databases = {
            f"{one.upper()}_DATABASE_URL": self._database(one, name) for one in WITH_DATABASE
        }
        shared = {
            "DATABASE_URL": self.stack.database_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.stack.kafka,
            "OIDC_ISSUER": self.stack.issuer,
            "SMTP_URL": "smtp://127.0.0.1:9",  # nobody is there: nothing leaves
        }
        return replace(
            self.stack,
            ports=replace(self.stack.ports, **doors),
            given=shared | databases | given,
        )

    def _database(self, service: str, name: str) -> str:
        return f"{self.stack.database_of(service).rpartition('/')[0]}/{service}_{name}"


@contextmanager
def ground() -> Iterator[Ground]:
    """Raises NotStarted. A run takes some 15 s to begin."""
    for name in [one for one in os.environ if one.startswith(("PRIVITY_", "KAFKA_", "OTEL_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="privity-bench-") as folder:
        ports = Ports(**{one.name: servers.free_port() for one in fields(Ports)})
        stack = Stack(Path(folder), ports, {"SMTP_URL": "smtp://127.0.0.1:9"})
        base = World("servers", stack)
        try:
            for part in _parts(stack, 0):
                base.program(part.program())
            yield Ground(stack, base)
        finally:
            base.stop()


def _parts(stack: Stack, stage: int) -> Sequence[Part]:
    return [one for one in stages(stack)[stage] if isinstance(one, Part)]


def _cpu_seconds(pid: int) -> float:
    total = 0.0
    for one in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        used = one.cpu_times()
        total += used.user + used.system
    return total


async def until(look: Callable[[], Awaitable[bool]], seconds: float, pause: float = 0.02) -> float:
    """How long it took until `look` was true. TimeoutError."""
    began = time.perf_counter()
    while not await look():
        if time.perf_counter() - began > seconds:
            raise TimeoutError(f"not within {seconds:.0f} s")
        await asyncio.sleep(pause)
    return time.perf_counter() - began


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; `share` is between 0 and 1."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """The first row names the columns; the first column is text, the others figures."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        figures = (one.rjust(width) for one, width in zip(row[1:], widths[1:], strict=True))
        print("  " + "   ".join([row[0].ljust(widths[0]), *figures]), flush=True)
