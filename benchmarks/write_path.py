"""A portal message at messaging, in full (token, validation, sealing, rows, outbox, relay beside
it), against a bare INSERT of the same body; each in one uvicorn process, the same load on both."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from uuid import UUID

import asyncpg

from ground import Ground, World, percentile, table
from load import Load, load, post
from messaging.directory.models import Client
from messaging.settings import MessagingSettings
from privity.keys import signing_key
from privity.places import HOST
from privity.processes import Program, answers_http
from privity.servers import free_port
from privity.stages import UVICORN
from privity.tokens import mint
from shared.db import Database
from shared.ids import new_id
from shared.keyring import FileKeyProvider, Keyring

CONNECTIONS = 16
CLIENTS = 200
SECONDS = 6.0
WORDS = {"subject": "About the lease", "body": "When may I move in? " * 50, "urgent": False}
GOAL = "goal ≥ 0.5"


@dataclass(frozen=True)
class Measured:
    """`cpu` is what one request cost the process that answered it, in seconds."""

    load: Load
    cpu: float


async def run(ground: Ground) -> None:
    bare = [await _bare(ground)]
    with ground.world("write") as world:
        requests = await portal_messages(world)
        off = await _messaging(world, requests, sampled="0.0")
        tenth = await _messaging(world, requests, sampled="0.1")
        hop = await _hop(world, requests)
    bare.append(await _bare(ground))
    peer = sum(one.load.rate for one in bare) / len(bare)
    rows: list[tuple[str, ...]] = [("", "1/s", "p50 ms", "p99 ms", "CPU ms", "ratio", "")]
    rows += [_row("bare INSERT, before", bare[0], peer), _row("bare INSERT, after", bare[1], peer)]
    rows += [_row("portal message, no tracing", off, peer, GOAL)]
    rows += [_row("portal message, 10 % traced", tenth, peer, GOAL)]
    table(f"Write path ({CONNECTIONS} connections, {SECONDS:.0f} s each)", rows)
    print(f"  the gateway's hop, one request at a time: {hop:.1f} ms (p50)")


def _row(name: str, measured: Measured, peer: float, goal: str = "") -> tuple[str, ...]:
    load = measured.load
    p50, p99 = (f"{percentile(load.latencies, share):.1f}" for share in (0.5, 0.99))
    cpu = f"{measured.cpu * 1000:.2f}"
    return name, f"{load.rate:.0f}", p50, p99, cpu, f"{load.rate / peer:.2f}", goal


async def portal_messages(world: World) -> Iterator[bytes]:
    """Messages of many clients in turn, without end: facts about one client queue up behind each
    other, so a single one would measure the disk."""
    clients = await known_clients(world)
    key, body = signing_key(world.stack.key("issuer")), json.dumps(WORDS).encode()
    tokens_of = [mint(key, world.stack.issuer, "client", client_id=str(one)) for one in clients]
    return cycle(
        [post("/v1/conversations", body, authorization=f"Bearer {one}") for one in tokens_of]
    )


async def known_clients(world: World) -> list[UUID]:
    """Clients as messaging knows them, each with a key."""
    settings = world.settings(MessagingSettings)
    keys = Keyring(
        settings.keyring_database_url.get_secret_value(), FileKeyProvider(settings.kek_file)
    )
    await keys.open()
    db, clients = Database(settings, keys=keys), [new_id() for _ in range(CLIENTS)]
    await keys.hold(*clients, create=True)
    async with db.transaction() as session:
        for number, one in enumerate(clients):
            email = f"client{number}@clients.test"
            session.add(Client(client_id=one, name="Clara", email=email, time_zone="UTC"))
    await db.close()
    await keys.close()
    return clients


async def _messaging(world: World, requests: Iterator[bytes], sampled: str) -> Measured:
    port = world.start("messaging", OTEL_TRACES_SAMPLER_ARG=sampled)
    return await _measured(world, "messaging", port, partial(next, requests))


async def _measured(world: World, name: str, port: int, request: Callable[[], bytes]) -> Measured:
    await load(port, request, connections=CONNECTIONS, seconds=0, warm=2)
    used = world.cpu_seconds(name)
    done = await load(port, request, connections=CONNECTIONS, seconds=SECONDS, warm=0)
    used = world.cpu_seconds(name) - used
    world.stop(name)
    return Measured(done, used / len(done.latencies))


async def _hop(world: World, requests: Iterator[bytes]) -> float:
    """Median through the gateway less the median without it, in ms."""
    told = {"OTEL_TRACES_SAMPLER_ARG": "0.0"}
    messaging = world.start("messaging", **told)
    # The gateway is ready when all its services are: here one stands for all.
    others = ("MATTERS_URL", "SLA_MONITOR_URL", "AUDIT_URL")
    url = world.stack.ports.url("messaging")
    ports = [messaging, world.start("gateway", **told, **dict.fromkeys(others, url))]
    medians = []
    for port in ports:
        done = await load(port, partial(next, requests), connections=1, seconds=2)
        medians.append(percentile(done.latencies, 0.5))
    world.stop("gateway", "messaging")
    return medians[1] - medians[0]


async def _bare(ground: Ground) -> Measured:
    await _database(ground)
    port, body = free_port(), json.dumps(WORDS).encode()
    here = str(Path(__file__).parent)
    command = [sys.executable, "-m", "uvicorn", "--app-dir", here, "bare:app", *UVICORN]
    program = Program(
        "bare",
        [*command, "--host", HOST, "--port", str(port)],
        lambda: answers_http(f"http://{HOST}:{port}/readyz"),
        {"BARE_DATABASE_URL": ground.stack.database_url.rpartition("/")[0] + "/bare"},
    )
    ground.servers.program(program)
    request = post("/words", body)
    return await _measured(ground.servers, "bare", port, lambda: request)


async def _database(ground: Ground) -> None:
    connection = await asyncpg.connect(ground.stack.database_url)
    try:
        await connection.execute("CREATE DATABASE bare")
    except asyncpg.DuplicateDatabaseError:
        pass
    finally:
        await connection.close()
