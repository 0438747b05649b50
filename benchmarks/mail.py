"""From DATA at our SMTP door to the acknowledgment at the client's mail server, through every
service: each mail from another client, over a connection of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate
from functools import partial

import httpx2
from aiosmtpd.smtp import SMTP, Envelope, Session

from ground import Ground, World, percentile, table
from privity import seed
from privity.clients import client
from privity.places import SERVICES
from privity.servers import free_port

AT_FIVE = 30.0
STEPS = (10, 20)
STEP_SECONDS = 10.0
SLOWEST = 3.0
PATIENCE = 60.0


@dataclass
class Mailboxes:
    """The clients' mail server: when the first mail for each address was there whole."""

    at: dict[str, float] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        for address in envelope.rcpt_tos:
            self.at.setdefault(address, time.perf_counter())
        self.news.set()
        return "250 2.0.0 In the mailbox"


@dataclass(frozen=True)
class Step:
    """What a rate came to: seconds from DATA to the mailbox and to 250; CPU seconds by part."""

    rate: float
    seconds: list[float]
    accepted: list[float]
    cpu: dict[str, float]

    def row(self) -> tuple[str, ...]:
        figures = [
            percentile(self.accepted, 0.5),
            *(percentile(self.seconds, p) for p in (0.5, 0.99)),
        ]
        ours = sum(self.cpu[name] for name in SERVICES) / len(self.seconds) * 1000
        servers = sum(self.cpu.values()) / len(self.seconds) * 1000 - ours
        return (
            f"{self.rate:.0f} mails/s",
            *(f"{one * 1000:.0f}" for one in figures),
            f"{ours:.0f}",
            f"{servers:.0f}",
        )


async def run(ground: Ground) -> None:
    port = free_port()
    with ground.world("mail", SMTP_URL=f"smtp://127.0.0.1:{port}") as world:
        for service in SERVICES:
            world.start(service, OTEL_TRACES_SAMPLER_ARG="0.1")
        async with _mailboxes(port) as boxes:
            steps = int(sum(STEPS) * STEP_SECONDS)
            addresses = iter(await asyncio.to_thread(_clients, world, int(5 * AT_FIVE) + steps + 5))
            await _settled(ground, world, boxes, addresses)
            done = [await _step(ground, world, boxes, addresses, 5, AT_FIVE)]
            for rate in STEPS:
                done.append(await _step(ground, world, boxes, addresses, rate, STEP_SECONDS))
                if percentile(done[-1].seconds, 0.99) > SLOWEST:
                    break
    head = ("DATA to acknowledgment in the mailbox", "250 p50 ms", "p50 ms", "p99 ms")
    rows = [(*head, "CPU ms/mail, services", "PostgreSQL, Kafka")]
    table("Mail (10 % traced)", rows + [step.row() for step in done])
    kept = [step.rate for step in done if percentile(step.seconds, 0.99) <= SLOWEST]
    print(
        f"  highest rate tried with p99 under {SLOWEST:.0f} s: {max(kept, default=0):.0f} mails/s"
    )
    at_five = ", ".join(
        f"{name} {used / len(done[0].seconds) * 1000:.0f}" for name, used in done[0].cpu.items()
    )
    print(f"  CPU ms per mail at 5 mails/s: {at_five}")


def _clients(world: World, count: int) -> list[str]:
    """The built-in firm, and so many clients of it."""
    with client(world.stack, "gateway", "partner") as http:
        seed.plant(http)
        contact = http.get("/v1/staff", params={"email": "attorney@firm.test"}).json()["items"][0]
        return [_client(http, contact["id"], number) for number in range(count)]


def _client(http: httpx2.Client, contact_id: str, number: int) -> str:
    address = f"client{number}@clients.test"
    body = {"name": f"Client {number}", "email": address, "time_zone": "Europe/Berlin"}
    http.post("/v1/clients", json=body | {"point_of_contact_id": contact_id}).raise_for_status()
    return address


async def _settled(
    ground: Ground, world: World, boxes: Mailboxes, addresses: Iterator[str]
) -> None:
    """Everybody has heard of the clients; the first mails have warmed what is made once."""
    await asyncio.sleep(2)
    await _step(ground, world, boxes, addresses, 1, 5)


async def _step(
    ground: Ground,
    world: World,
    boxes: Mailboxes,
    addresses: Iterator[str],
    rate: float,
    seconds: float,
) -> Step:
    used = _cpu(ground, world)
    began, written, tasks = time.perf_counter(), [], []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        written.append(next(addresses))
        tasks.append(asyncio.create_task(_write(world.stack.ports.smtp_in, written[-1])))
    times = await asyncio.gather(*tasks)
    await _all_there(boxes, written)
    cpu = {name: now - used[name] for name, now in _cpu(ground, world).items()}
    there = [boxes.at[one] - data for one, (data, _) in zip(written, times, strict=True)]
    return Step(rate, there, [accepted - data for data, accepted in times], cpu)


async def _all_there(boxes: Mailboxes, addresses: Sequence[str]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not boxes.at.keys() >= set(addresses):
            boxes.news.clear()
            await boxes.news.wait()


async def _write(port: int, sender: str) -> tuple[float, float]:
    """When DATA was said, and when 250 came."""
    mail = _mail(sender)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _said(reader, b"220")
    for words in ("EHLO client.test", f"MAIL FROM:<{sender}>", "RCPT TO:<office@firm.test>"):
        writer.write(words.encode() + b"\r\n")
        await _said(reader, b"250")
    began = time.perf_counter()
    writer.write(b"DATA\r\n")
    await _said(reader, b"354")
    writer.write(mail + b"\r\n.\r\n")
    await _said(reader, b"250")
    accepted = time.perf_counter()
    writer.write(b"QUIT\r\n")
    await _said(reader, b"221")
    writer.close()
    return began, accepted


async def _said(reader: asyncio.StreamReader, code: bytes) -> None:
    while (line := await reader.readline())[3:4] == b"-":
        pass
    if not line.startswith(code):
        raise ValueError(f"{code.decode()} expected: {line.decode()}")


def _mail(sender: str) -> bytes:
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"], mail["To"], mail["Subject"] = sender, "office@firm.test", "About the lease"
    mail["Date"], mail["Message-ID"] = formatdate(), f"<1.{sender}>"
    mail.set_content("When may I move in, and who has the keys?\n" * 20)
    return mail.as_bytes()


def _cpu(ground: Ground, world: World) -> dict[str, float]:
    services = {name: world.cpu_seconds(name) for name in SERVICES}
    return services | {name: ground.servers.cpu_seconds(name) for name in ("postgres", "kafka")}


@asynccontextmanager
async def _mailboxes(port: int) -> AsyncIterator[Mailboxes]:
    boxes, loop = Mailboxes(), asyncio.get_running_loop()
    door = partial(SMTP, boxes, hostname="localhost", loop=loop)
    server = await loop.create_server(door, "127.0.0.1", port)
    try:
        yield boxes
    finally:
        server.close()
